"""Fusing source pairs: at full resolution, the authors' released way, as a network itself does, or without a map."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bridgetune.data import Picture, write_image
from bridgetune.destinations import check_apart
from bridgetune.errors import RequestError
from bridgetune.inference.agreement import measure_agreement
from bridgetune.inference.aligning import Edges, aligned_pair
from bridgetune.inference.asking import asked_logits
from bridgetune.inference.borders import Borders, filled, find_borders
from bridgetune.inference.carrying import carried, disagreements, fused_alpha
from bridgetune.inference.deciding import Undecided, settle, undecided_share
from bridgetune.inference.feathering import Blend, softened
from bridgetune.inference.laying import laid
from bridgetune.inference.mapless import fuse_without_map, refuse_map
from bridgetune.inference.own import fuse_own
from bridgetune.inference.quality import SAVED, Queries
from bridgetune.inference.released import SIDE, fuse_released
from bridgetune.inference.scenes import differ_in_scene, gray_one, is_even, small
from bridgetune.inference.smoothing import Smoothing, blended, check_smoothing, smoothed
from bridgetune.modes import evaluating
from bridgetune.pictures import NOTHING, Alignment, Metadata, Transform, check_image_place, read_whole_image
from bridgetune.pictures.transforms import IDENTITY
from bridgetune.protocol import Evaluator
from bridgetune.releasing import release
from bridgetune.wrapping.large import TOGETHER

logger = logging.getLogger("bridgetune")

FuseRecipe = Literal["paper", "released", "own"]
Pixels = NDArray[np.uint8 | np.uint16]
Progress = Callable[[float], None]

MOSTLY_UNDECIDED = 1 / 3
"""From this share of undecided pixels on, a warning is due."""


@dataclass(frozen=True)
class Fusion:
    """A fused picture and the decision behind it.

    Attributes:
        pixels: (H, W, 3), or (H, W) where both sources are gray, in the deeper source's 8 or 16 bits.
        decision: (H, W) in [0, 1], 1 where the first source was taken; None of an evaluator's, which has no map.
        undecided: Share of pixels that the network itself was undecided on, whatever became of them, see
            `undecided_share`; None of an evaluator's.
        alpha: (H, W) of the pixels' type, taken by the same decision, of an evaluator the more opaque; None where both
            sources are opaque.
        metadata: What the fused image carries, see `carried`.
        borders: Shares of the pixels at which the first and the second source have a border, see `find_borders`.
        transform: From places of the first source to those of the second, by which that was laid upon it.
        area: Of the first source, (rows, columns), that the picture shows; None where that is all of it.
    """

    pixels: Pixels
    decision: NDArray[np.float32] | None
    undecided: float | None
    alpha: Pixels | None = None
    metadata: Metadata = NOTHING
    borders: tuple[float, float] = (0.0, 0.0)
    transform: Transform = IDENTITY
    area: tuple[slice, slice] | None = None

    def save(self, out: Path, map_out: Path | None = None) -> None:
        """Write the picture, and the decision, where there is one, as an 8-bit image; what is there is replaced.

        The picture has its transparency and metadata, as far as the format holds them; a line says what it does not.
        `dataclasses.replace(fusion, alpha=None, metadata=NOTHING)` has neither.

        Raises:
            RequestError: Either place is refused, see `check_image_place`, or they are one; nothing is written.
            WorkError: It cannot be written.
        """
        maps = [] if map_out is None or self.decision is None else [map_out]
        for place, bits in ((out, self.pixels.dtype.itemsize * 8), *((place, 8) for place in maps)):
            check_image_place(place, "the fused image or its map", bits=bits, force=True)
        check_apart([out, *maps])
        left_out = write_image(out, self.pixels, self.metadata, self.alpha)
        if left_out:
            logger.warning(
                "%s: cannot hold what the sources carry, and leaves out: %s; write %s",
                out,
                ", ".join(left_out),
                ".tif" if out.suffix.lower() == ".png" else ".png or .tif",
            )
        for place in maps:
            assert self.decision is not None
            write_image(place, (self.decision * 255).round().astype(np.uint8))


def fuse_full(
    generator: nn.Module,
    first: Pixels,
    second: Pixels,
    undecided: Undecided = "settle",
    progress: Progress | None = None,
    smooth: Sequence[Smoothing] = (),
    blend: Blend = "none",
) -> tuple[Pixels, NDArray[np.float32], float]:
    """Eq. 17-18 at the pictures' own size: every pixel is one of the two sources' own, unless the seam is blended.

    Args:
        generator: See `Generator`.
        first, second: (H, W, 3) of one dtype.
        undecided: See `Undecided`.
        progress: Told the share that is done, in [0, 1].
        smooth: What is done to the map, in this order; `paper` has the network's own decisions.
        blend: See `Blend`; a map that is smoothed to what lies between 0 and 1 blends by itself.

    Returns:
        The fused image, the decision, and the share that the network was undecided on; see `Fusion`.
    """
    logits = asked_logits(generator, first, second, progress=progress)
    share = undecided_share(logits)
    if undecided == "settle" and "paper" not in smooth:
        settle(logits, first, second)
    chosen = logits >= 0
    if smooth:
        weights = smoothed(logits, first, second, smooth, generator)
        chosen = weights == 1
        if blend == "none" or not (chosen | (weights == 0)).all():
            return blended(first, second, weights), weights.clip(0, 1).astype(np.float32), share
    if logits.size > TOGETHER:
        del logits
        release()
    if blend == "feather":
        chosen = laid(chosen, first, second)
        return softened(first, second, chosen), chosen.astype(np.float32), share
    return np.where(chosen[..., None], first, second), chosen.astype(np.float32), share


FUSE_RECIPES: dict[FuseRecipe, Callable[..., tuple[Any, Any, float]]] = {
    "paper": fuse_full,
    "released": fuse_released,
    "own": fuse_own,
}
"""`paper`: full resolution, Eq. 17-18. `released`: a map of 256×256, as the authors' program has it, of the network
alone. `own`: the picture that an end-to-end network fuses itself."""


def fuse_pictures(
    generator: nn.Module | Evaluator,
    first: Picture,
    second: Picture,
    recipe: FuseRecipe = "paper",
    undecided: Undecided = "settle",
    borders: Borders = "replace",
    queries: Queries = SAVED,
    progress: Progress | None = None,
    smooth: Sequence[Smoothing] = (),
    blend: Blend = "feather",
) -> Fusion:
    """Fuse two pictures of one size.

    Args:
        generator: See `Generator`; run in eval mode, its mode is restored. Or an `Evaluator`.
        first, second: 8 or 16 bits, gray or RGB, mixed as they come.
        recipe: See `FUSE_RECIPES`.
        undecided: Of the recipe `paper`: what becomes of pixels that the network does not know, see `Undecided`.
        borders: Of the recipe `paper`: what becomes of a black border that one of the pictures has, see `Borders`.
        queries: How often the generator is asked.
        progress: Told the share that is done, in [0, 1], of large pictures on the way.
        smooth: Of the recipe `paper`: what is done to the map before pixels are taken, see `Smoothing`.
        blend: Of the recipe `paper`: what becomes of the seam, see `Blend`.

    Raises:
        RequestError: Where their sizes differ, an evaluator is to fuse by a recipe for maps, or a map is to be smoothed
            that there is not.
    """
    if first.size != second.size:
        raise RequestError(
            f"a source pair must have one size: got {_sides(first)} and {_sides(second)}; align or crop them first"
        )
    bits = max(first.bits, second.bits)
    pair = _deepened(first.pixels, bits), _deepened(second.pixels, bits)
    alphas = _alpha(first, bits), _alpha(second, bits)
    void = find_borders(*pair, alphas) if borders == "replace" and recipe == "paper" else None
    if void is not None:
        pair = filled(*pair, void.first), filled(*pair[::-1], void.second)
    check_smoothing(generator, recipe, smooth)
    seen = (SIDE, SIDE) if recipe == "released" else first.size
    if isinstance(generator, Evaluator):
        if recipe != "paper":
            refuse_map(generator, f"recipe {recipe}")
        pixels, decision, share = fuse_without_map(queries.of(generator, seen), *pair), None, None
    else:
        with evaluating(generator):
            asked = queries.of(generator, seen)
            steps = (smooth, blend) if recipe == "paper" else ()
            pixels, decision, share = FUSE_RECIPES[recipe](asked, *pair, undecided, progress, *steps)
    if void is not None and decision is not None:
        decision = np.where(void.first, np.float32(0), np.where(void.second, np.float32(1), decision))
    return Fusion(
        pixels[..., 0] if first.gray and second.gray else pixels,
        decision,
        share,
        fused_alpha(alphas, decision),
        carried(first, second),
        (0.0, 0.0) if void is None else void.shares,
    )


def fuse_files(
    generator: nn.Module | Evaluator,
    first: str | Path,
    second: str | Path,
    recipe: FuseRecipe = "paper",
    undecided: Undecided = "settle",
    borders: Borders = "replace",
    out: Path | None = None,
    queries: Queries = SAVED,
    progress: Progress | None = None,
    align: Alignment = "none",
    exposure: bool = False,
    edges: Edges = "crop",
    smooth: Sequence[Smoothing] = (),
    blend: Blend = "feather",
) -> Fusion:
    """Read two image files and fuse them; see `fuse_pictures`.

    Warns, a line for each, where the sources do not go together, and where much of the map is undecided.

    Args:
        generator, recipe, undecided, borders, queries, progress, smooth, blend: See `fuse_pictures`.
        first, second: The files.
        out: Where the fused image is to be written by the caller, so that a depth which this format cannot hold is
            refused before the work.
        align: The second is laid upon the first, which may have another size then; see `Alignment`.
        exposure: Each channel of the second is brought to the first's brightness.
        edges: What becomes of places that only one of both shows once they are aligned; see `Edges`.

    Raises:
        RequestError: A file cannot be read, their sizes differ, or they have too little in common to be aligned.
    """
    first, second = Path(first), Path(second)
    pictures = read_whole_image(first), read_whole_image(second)
    asked = align != "none" or exposure
    if not asked and pictures[0].size != pictures[1].size:
        raise RequestError(
            f"a source pair must have one size: {first} is {_sides(pictures[0])}, {second} is {_sides(pictures[1])};"
            " align or crop them first (--align auto)"
        )
    if out is not None:
        bits = max(picture.bits for picture in pictures)
        check_image_place(out, "the fused image", bits=bits, force=True)
    pair = None
    if asked:
        pair = aligned_pair(*pictures, align, exposure, edges, (first.name, str(second)))
        logger.warning("%s: %s", second, pair.line)
        pictures = pair.first, pair.second
    fusion = fuse_pictures(generator, *pictures, recipe, undecided, borders, queries, progress, smooth, blend)
    if pair is not None:
        fusion = replace(fusion, transform=pair.transform, area=pair.area)
        if pair.unshown is not None and fusion.decision is not None:
            fusion = replace(fusion, decision=np.where(pair.unshown, np.float32(1), fusion.decision))
    for remark in _remarks((first, second), pictures, fusion):
        logger.warning("%s", remark)
    if np.array_equal(pictures[0].pixels, pictures[1].pixels):
        logger.warning(
            "%s is the same picture as %s: all is undecided, and the fused image is that picture, too", second, first
        )
    elif fusion.undecided is not None and fusion.undecided >= MOSTLY_UNDECIDED:
        kept = recipe != "paper" or undecided == "keep" or "paper" in smooth
        logger.warning(
            "%s and %s: the network is undecided on %.0f %% of the pixels, %s",
            first,
            second,
            100 * fusion.undecided,
            "whose sides are chance; look at the map (--map), or have them follow their surroundings"
            " (--recipe paper --undecided settle)"
            if kept
            else "which follow their surroundings; look at the map (--map), and beside it at the network's own"
            " (--undecided keep)",
        )
    return fusion


def _remarks(places: tuple[Path, Path], pictures: tuple[Picture, Picture], fusion: Fusion) -> Iterator[str]:
    """Lines on sources that do not go together."""
    first, second = places
    for place, picture in zip(places, pictures, strict=True):
        if picture.metadata.broken:
            yield f"{place}: its {', '.join(picture.metadata.broken)} cannot be read and is left out"
    yield from _on_what_they_show(places, pictures)
    if differing := list(disagreements(*pictures)):
        yield (
            f"{first} and {second} differ in {', '.join(differing)}; the fused image has what the first says, or the"
            " only one"
        )
    for place, share, other in zip(places, fusion.borders, places[::-1], strict=True):
        if share:
            yield (
                f"{place}: {share:.1%} of its pixels are a border that holds nothing, and are taken from {other.name};"
                " --borders keep has them as they are"
            )


def _on_what_they_show(places: tuple[Path, Path], pictures: tuple[Picture, Picture]) -> Iterator[str]:
    """Lines on a picture of nothing, on two scenes, and on differences in colour, place and brightness."""
    even = [place for place, picture in zip(places, pictures, strict=True) if is_even(picture.pixels)]
    for place in dict.fromkeys(even):
        yield f"{place} is even all over, and nothing in it can be in focus: is it the picture that was meant?"
    if even:
        return
    first, second = places
    reduced = small(pictures[0].pixels), small(pictures[1].pixels)
    agreement = measure_agreement(pictures[0].pixels, pictures[1].pixels)
    if (at := gray_one(*reduced)) is not None:
        gray, coloured = places[at], places[1 - at]
        yield (
            f"{gray} is gray and {coloured} in colour: the fused image is gray where {gray.name} is taken; photograph"
            f" that in colour, or convert {coloured.name} to gray"
        )
        agreement = agreement and agreement.in_gray
    if differ_in_scene(*reduced):
        yield f"{first} and {second} have little in common: are they of one scene?"
    elif agreement is not None and (line := agreement.remark(first.name, str(second))):
        yield line


def _alpha(picture: Picture, bits: int) -> Pixels | None:
    return None if picture.alpha is None else _deepened(picture.alpha, bits)


def _deepened(samples: Pixels, bits: int) -> Pixels:
    """In `bits` bits; 8-bit white becomes 16-bit white."""
    return samples.astype(np.uint16) * 257 if bits > samples.dtype.itemsize * 8 else samples


def _sides(picture: Picture) -> str:
    height, width = picture.size
    return f"{width}×{height}"
