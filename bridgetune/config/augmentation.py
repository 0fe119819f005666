"""How synthesised training pairs go beyond the paper's: which effects there are, and how strong each is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field, field_validator

from bridgetune.config._model import Frozen, OneOf, Share
from bridgetune.config.bounds import Weight
from bridgetune.errors import RequestError

REGISTERED_EFFECTS: dict[str, str] = {}
"""Effects that have no field of their own in `Augmentation`: name -> what it is, in a line. What they do to the pairs
is in `bridgetune.data.effects`, whose `register_effect` adds to both."""

_TOLD = frozenset(("exchange", "disk", "soft", "graded", "dark_edges", "exposure", "noise", "jpeg"))
"""Fields that the repr tells whatever they hold; others only where they hold something. A run is resumed by the repr of
its pairs, which a field that came later must leave as it was."""


class Augmentation(Frozen):
    """How synthesised training pairs go beyond the paper's, towards what lenses and cameras make. See `AUGMENTATIONS`.

    Everything is drawn afresh for every pair.
    """

    exchange: bool = False
    """Either image may come first. In the paper's pairs the first is always the one with its object in focus, so that a
    network may go by what is an object instead of by what is sharp."""
    disk: Share = 0.0
    """Share of the pairs blurred by a disk, the figure of an open aperture, instead of a Gaussian."""
    soft: Share = 0.0
    """Share with the boundary of an occluding object: out of focus, it spills over the background; in focus, the blur
    of the background keeps clear of it (the α-matte boundary defocus model, Ma et al., IEEE TIP 2020)."""
    graded: Share = 0.0
    """Share whose blur grows across the picture, as it does on a slanted surface."""
    dark_edges: Share = 0.0
    """Share whose blur takes what lies beyond the picture for black, as some data sets are made."""
    exposure: Share = 0.0
    """Largest change of brightness, of contrast and of each channel, as a share of the full scale; most of it is common
    to both images."""
    noise: Share = 0.0
    """Largest standard deviation of the noise, each image its own, as a share of the full scale."""
    jpeg: Share = 0.0
    """Share of the pairs whose images have each been JPEG files."""
    strong: Share = 0.0
    """Share whose blur is of any strength, its radius log-uniform up to 40 pixels, whatever `kernel_sizes`."""
    rings: Share = 0.0
    """Share blurred by what a microscope's objective makes of a point out of focus: a disk with diffraction rings."""
    linear: Share = 0.0
    """Share blurred and composed in linear light, so that highlights spread as they do in a lens."""
    across: Share = 0.0
    """Share whose seam runs across surfaces, not only round objects: the limit of what is in focus on a floor, say."""
    even: Share = 0.0
    """Share in which a large region is nearly even."""
    backlight: Share = 0.0
    """Share in which one side of the seam is dark against a bright other."""
    bright_field: Share = 0.0
    """Share that are stained cells in a microscope's bright field, some in focus in either image, on empty ground."""
    fluorescence: Share = 0.0
    """Share that are glowing cells on dark ground."""
    both: Share = 0.0
    """Share in which what is in focus is slightly blurred, too, the more the nearer to one end of the picture."""
    neither: Share = 0.0
    """Share in which a region is blurred in both images, in one of them more."""
    apart: Share = 0.0
    """Largest change of brightness and of contrast of either image alone, as a share of the full scale."""
    noise_apart: Share = 0.0
    """Largest standard deviation of the noise that one of the images has beyond the other's."""
    breathing: Share = 0.0
    """Largest change of size between the images, and the largest shift, as shares of a side."""
    pristine: Share = 0.0
    """Share that no camera has touched: of the effects above, those of exposure, noise, breathing and JPEG leave it
    alone, so that a seam can be found to the pixel."""
    planes: Share = 0.0
    """Share that are neighbours of a stack: two planes in focus of one hilly slope, each pixel blurred by how far it is
    from them, so that hardly anything is quite sharp in either image, and the sharper one is the nearer plane's."""
    plain: Share = 0.0
    """Share that are the paper's, in either order where `exchange` has it so: no other effect touches them, so that a
    network that learns of lenses does not forget seams that are cut to the pixel."""
    effects: dict[str, Weight] = Field(default_factory=dict)
    """Strengths of effects that `bridgetune.data.register_effect` was given, by name; they are applied in the order of
    their names."""

    @field_validator("effects")
    @classmethod
    def _registered(cls, effects: dict[str, float]) -> dict[str, float]:
        for name in effects:
            if name in cls.model_fields:
                raise ValueError(f"got {name!r}, which has a field of its own; give {name}=")
            if name not in REGISTERED_EFFECTS:
                known = ", ".join(REGISTERED_EFFECTS) or "of which there are none"
                raise ValueError(f"got {name!r}, expected registered effects, {known}; register_effect adds one")
        return dict(sorted(effects.items()))

    @property
    def strengths(self) -> dict[str, float]:
        """Of every effect that there is to be, by name."""
        built_in = {name: float(strength) for name, strength in self if name != "effects"}
        return {name: strength for name, strength in (built_in | self.effects).items() if strength}

    def __hash__(self) -> int:
        return hash(tuple(frozenset(value.items()) if name == "effects" else value for name, value in self))

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [(name, value) for name, value in super().__repr_args__() if name in _TOLD or value]


NO_AUGMENTATION = Augmentation()
"""The paper's pairs."""

_LENS = Augmentation(exchange=True, disk=0.5, soft=0.5, graded=0.25, dark_edges=0.4)
_CAMERA = _LENS.model_copy(update={"exposure": 0.1, "noise": 0.01, "jpeg": 0.5})

_WORLD = {
    "strong": 0.6,
    "rings": 0.1,
    "linear": 0.3,
    "across": 0.25,
    "even": 0.2,
    "backlight": 0.1,
    "bright_field": 0.15,
    "fluorescence": 0.04,
    "both": 0.2,
    "neither": 0.1,
    "apart": 0.02,
    "noise_apart": 0.01,
    "breathing": 0.002,
    "pristine": 0.5,
}

_WORLD_IN_STACKS = {**_WORLD, "planes": 0.4}

_ALL = {**_WORLD, "plain": 0.35, "planes": 0.15}

AUGMENTATIONS: dict[str, Augmentation] = {
    "none": NO_AUGMENTATION,
    "exchange": Augmentation(exchange=True),
    "lens": _LENS,
    "camera": _CAMERA,
    "world": _CAMERA.model_copy(update=_WORLD),
    "graded": _CAMERA.model_copy(update=_WORLD_IN_STACKS),
    "all": _CAMERA.model_copy(update=_ALL),
}
"""`none`: the paper's pairs; `exchange`: in either order; `lens`: with other blurs, too; `camera`: and as files;
`world`: of any strength, of other scenes and with two images that differ in more than focus; `graded`: and, for stacks,
of two planes of one depth; `all`: the `world`'s and some of a stack's, and a third of the pairs the paper's."""

AugmentationName = Annotated[str, OneOf(AUGMENTATIONS)]
"""A name of `AUGMENTATIONS`."""


def register_augmentation(name: str, augmentation: Augmentation) -> None:
    """Make an augmentation a preset: ``TrainConfig(augmentation=name)``, `--augment`, and sweep files.

    Raises:
        RequestError: There is one of that name.
    """
    if name in AUGMENTATIONS:
        raise RequestError(f"augmentation: {name!r} is registered already; choose another name")
    AUGMENTATIONS[name] = augmentation
