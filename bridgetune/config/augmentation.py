"""How synthesised training pairs go beyond the paper's."""

from __future__ import annotations

from typing import Annotated

from bridgetune.config._model import Frozen, OneOf, Share


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


NO_AUGMENTATION = Augmentation()
"""The paper's pairs."""

_LENS = Augmentation(exchange=True, disk=0.5, soft=0.5, graded=0.25, dark_edges=0.4)

AUGMENTATIONS: dict[str, Augmentation] = {
    "none": NO_AUGMENTATION,
    "exchange": Augmentation(exchange=True),
    "lens": _LENS,
    "camera": _LENS.model_copy(update={"exposure": 0.1, "noise": 0.01, "jpeg": 0.5}),
}
"""`none`: the paper's pairs; `exchange`: in either order; `lens`: with other blurs, too; `camera`: and as files."""

AugmentationName = Annotated[str, OneOf(AUGMENTATIONS)]
"""A name of `AUGMENTATIONS`."""
