"""Fusing a stack: frames are read one at a time, scored, and kept where they are sharpest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.config import StackConfig
from bridgetune.errors import RequestError
from bridgetune.inference.stacks.aligning import Alignment, still
from bridgetune.inference.stacks.choosing import Chosen, choose
from bridgetune.inference.stacks.combining import MOST_FRAMES, RunningBest, deepened
from bridgetune.inference.stacks.focus import lead, least, scores
from bridgetune.inference.stacks.fusion import Progress, StackFusion
from bridgetune.inference.stacks.gathering import gathered
from bridgetune.inference.stacks.order import is_astray
from bridgetune.inference.stacks.remembering import RememberedFrames
from bridgetune.inference.stacks.settling import settled
from bridgetune.inference.stacks.smoothing import smoothed
from bridgetune.pictures import Frames, HeldFrames, Picture, open_frames
from bridgetune.releasing import release

if TYPE_CHECKING:  # a stack without a network does not wait for torch
    from torch import nn

    from bridgetune.protocol import Evaluator

Pixels = NDArray[np.uint8 | np.uint16]
Report = Callable[[Progress], None]

SAY = 0.02
"""What a network's log-odds that a frame is sharper than the one before count for, beside the difference of the
logarithms of their focus measures."""


def fuse_stack(
    generator: nn.Module | Evaluator | None,
    frames: Frames | Sequence[str | Path | Picture | NDArray[Any]],
    config: StackConfig = StackConfig(),  # noqa: B008, frozen
    *,
    progress: Report | None = None,
) -> StackFusion:
    """One picture, sharp wherever one of the frames is.

    Each frame is aligned, has a score at every pixel, and the pixel of the highest is taken; where the scores do not
    tell, what is around decides. The frames are read two or three times, one at a time, so that memory does not grow
    with their number. A network is asked about neighbours alone, and never about a fused picture; one that takes any
    number of images (`AdapterConfig.frames`), about all frames at once, up to `bridgetune.inference.asking.TOGETHER`
    pixels.

    Args:
        generator: None scores by a focus measure, see `bridgetune.inference.stacks.focus`. A `Generator` has a say
            where the measures of neighbours hardly differ, or by `StackConfig.measure` alone; it is run in eval mode,
            and its mode restored. An `Evaluator` fuses neighbours, then what has become of them, and so on; it has no
            depth.
        frames: Two or more: as `open_frames` finds them, or files, pictures, or arrays (H, W, 3) and (H, W)
            of uint8 or uint16.
        config: See `StackConfig`.
        progress: Called when a frame is through.

    Raises:
        RequestError: Fewer than two frames that can be used, a frame that cannot be read, or a reference that is no
            frame.
    """
    source = _frames(frames)
    if not isinstance(source, HeldFrames):
        source = RememberedFrames(source)
    reference = _reference(source.names, config.reference)
    chosen, aligning = choose(source, config, progress)
    if reference is not None and reference not in chosen.places:
        why = next(frame.reason for frame in chosen.left_out if frame.name == source.names[reference])
        raise RequestError(f"reference: {source.names[reference]} is left out, {why}; name another frame")
    if reference is None:
        reference = chosen.places[_PLACES[config.reference](len(chosen.places))]
    size = chosen.looks[0].size
    alignment = (
        still(len(chosen.places), size) if aligning is None else aligning.alignment(chosen.places, reference, size)
    )
    fusing = _Fusing(source, chosen, alignment, reference, config, progress)
    if generator is None:
        return fusing.scored(None)
    from bridgetune.inference.quality import Queries
    from bridgetune.modes import evaluating
    from bridgetune.protocol import Evaluator

    if isinstance(generator, Evaluator):
        return fusing.paired(generator)
    with evaluating(generator):
        return fusing.scored(Queries(config.quality).of(generator, size))


_PLACES: dict[str, Callable[[int], int]] = {
    "first": lambda frames: 0,
    "middle": lambda frames: frames // 2,
    "last": lambda frames: frames - 1,
}


def _frames(frames: Frames | Sequence[str | Path | Picture | NDArray[Any]]) -> Frames:
    if not isinstance(frames, Frames):
        listed = list(frames)
        files = [frame for frame in listed if isinstance(frame, str | Path)]
        if files and len(files) < len(listed):
            raise RequestError("a stack: got files and pictures, expected one or the other; read the files")
        frames = open_frames(files, order="given") if files else HeldFrames(listed)  # type: ignore[arg-type]
    if not 2 <= len(frames) <= MOST_FRAMES:
        raise RequestError(f"a stack: got {len(frames)} frames, expected two or more, up to {MOST_FRAMES}")
    return frames


def _reference(names: Sequence[str], asked: str) -> int | None:
    """The frame that is asked for by its name; None where it is asked for by its place."""
    if asked in names:
        return list(names).index(asked)
    if asked not in _PLACES:
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        raise RequestError(f"reference: got {asked!r}, expected first, middle, last or one of {shown}")
    return None


class _Fusing:
    """Frames that are chosen, on their way into one picture."""

    def __init__(
        self,
        frames: Frames,
        chosen: Chosen,
        alignment: Alignment,
        reference: int,
        config: StackConfig,
        progress: Report | None,
    ) -> None:
        self.frames, self.chosen, self.alignment, self.reference = frames, chosen, alignment, reference
        self.config, self.progress = config, progress
        self.metadata: Any = None

    def scored(self, generator: nn.Module | None) -> StackFusion:
        """By the running best of the frames' scores."""
        config, noise, count = self.config, self.chosen.noise, len(self.chosen.places)
        alone = generator is not None and config.measure == "none"
        settling = not alone and config.undecided == "settle" and config.quality != "fast"
        again = settling or config.smooth != "none"
        best = RunningBest(count, "none" if again else config.blend, least(noise))
        score: NDArray[np.float32] | None = None
        before: Pixels | None = None
        everywhere: NDArray[np.bool_] | None = None
        together = None if generator is None else self._together(generator)
        for at in range(count):
            pixels, alpha, holds = self._read(at)
            rise = None
            if generator is not None and before is not None:
                rise = None if together is None else together[at] - together[at - 1]
                rise = self._rise(generator, pixels, before, rise, alone and config.undecided == "settle")
            if not alone:
                score, rise = scores(pixels, noise), None if rise is None else np.float32(SAY) * rise
            elif score is None or rise is None:
                score = np.zeros(pixels.shape[:2], np.float32)
            else:
                score, rise = score + rise, None
            best.offer(pixels, _where(score, holds, in_place=not alone), rise, alpha)
            before = pixels if generator is not None else None
            if holds is not None:
                everywhere = holds if everywhere is None else everywhere & holds
            del pixels, alpha, holds
            self._tell(at)
        del score, before
        return self._ended(best, settling, everywhere)

    def _ended(self, best: RunningBest, settling: bool, everywhere: NDArray[np.bool_] | None) -> StackFusion:
        """Of all frames' scores, the picture: as the field of chosen frames has it once it is settled and smoothed."""
        config, count = self.config, len(self.chosen.places)
        field, undecided = best.index, None
        if settling:
            leads = lead(*best.ended(), self.chosen.noise)
            field, untold = settled(best.index, leads, best.pixels, count, everywhere)
            undecided = float(untold.mean())
            best.depth[untold] = field[untold]
            best.index = np.rint(field).astype(best.index.dtype)
            del leads, untold
        if config.smooth != "none":
            field = smoothed(best.index, best.pixels, config.smooth, count)
            best.depth[field != best.index] = field[field != best.index]
            best.index = field
        if settling or config.smooth != "none":
            best.pixels = gathered(self._again("taking pixels"), field, config.blend)
        return self._told(best.pixels, best.alpha, best, undecided)

    @staticmethod
    def _rise(
        generator: nn.Module, pixels: Pixels, before: Pixels, rise: NDArray[np.float32] | None, settle: bool
    ) -> NDArray[np.float32]:
        """The network's log-odds that a frame is sharper than the one before, asked about these two unless given."""
        from bridgetune.inference.asking import asked_logits
        from bridgetune.inference.deciding import settled

        if rise is None:
            rise = asked_logits(generator, pixels, before)
        return settled(rise, pixels, before) if settle else rise

    def _together(self, generator: nn.Module) -> NDArray[np.float32] | None:
        """What the network says of all frames at once, (N, H, W); None where it is asked about neighbours."""
        from bridgetune.inference.asking import asked_of_all, fits_together

        if not fits_together(generator, len(self.chosen.places), self.chosen.looks[0].size):
            return None
        return asked_of_all(generator, list(self._again("asking of all")))

    def _again(self, step: str) -> Iterator[Pixels]:
        for at in range(len(self.chosen.places)):
            yield self._read(at)[0]
            self._tell(at, step)

    def paired(self, evaluator: Evaluator) -> StackFusion:
        """By what has no map: neighbours, then what has become of them, and so on.

        No frame is fused more often than log2 N times, rounded up, and so many pictures are held.
        """
        from bridgetune.inference.mapless import fuse_without_map

        held: list[tuple[int, Pixels]] = []  # of how many frames, fewer and fewer
        opaque: Pixels | None = None
        count = len(self.chosen.places)
        for at in range(count):
            pixels, alpha, _ = self._read(at)
            if at == 0 or opaque is None or alpha is None:
                opaque = alpha if at == 0 else None
            else:
                opaque = np.maximum(opaque, alpha)
            frames = 1
            while held and (held[-1][0] == frames or at == count - 1):
                more, before = held.pop()
                pixels, frames = fuse_without_map(evaluator, before, pixels), frames + more
            held.append((frames, pixels))
            self._tell(at)
        return self._told(held[0][1], opaque)

    def _read(self, at: int) -> tuple[Pixels, Pixels | None, NDArray[np.bool_] | None]:
        """A frame, aligned: its pixels, its transparency, and where it holds something, None where that is all."""
        place = self.chosen.places[at]
        picture = self.frames.read(place)
        release()
        if place == self.reference:
            self.metadata = picture.metadata
        pixels, holds = self.alignment.shown(at, deepened(picture.pixels, self.chosen.bits))
        if picture.alpha is None:
            return pixels, None, holds
        alpha, _ = self.alignment.shown(at, deepened(picture.alpha, self.chosen.bits))
        clear = alpha == 0
        return pixels, alpha, (~clear if holds is None else holds & ~clear) if clear.any() else holds

    def _tell(self, at: int, step: str = "fusing") -> None:
        release()
        if self.progress is not None:
            places = self.chosen.places
            self.progress(Progress(step, at + 1, len(places), self.frames.names[places[at]]))

    def _told(
        self, pixels: Pixels, alpha: Pixels | None, best: RunningBest | None = None, undecided: float | None = None
    ) -> StackFusion:
        names = [self.frames.names[place] for place in self.chosen.places]
        return StackFusion(
            pixels=np.ascontiguousarray(pixels[..., 0]) if self.chosen.gray else pixels,
            index=None if best is None else best.index,
            depth=None if best is None else best.depth,
            used=tuple(names),
            left_out=self.chosen.left_out,
            transforms=tuple(transform.matrix for transform in self.alignment.transforms),
            reference=self.frames.names[self.reference],
            area=self.alignment.area,
            metadata=self.metadata,
            alpha=alpha,
            undecided=undecided,
            gains=self.alignment.gains,
            astray=self.config.order == "name" and is_astray(self.chosen.looks),
        )


def _where(score: NDArray[np.float32], holds: NDArray[np.bool_] | None, in_place: bool) -> NDArray[np.float32]:
    """Scores, and nothing where a frame holds nothing."""
    if holds is None:
        return score
    score = score if in_place else score.copy()
    score[~holds] = -np.inf
    return score
