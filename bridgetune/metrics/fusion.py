"""The fusion metrics: how much of two sources a fused image holds, Eq. 19-24, and how much that is in neither.

What each score is and where it is symmetric: see its function, beside its mathematics, a module for each family.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

import torch
from torch import Tensor

from bridgetune.errors import RequestError, WorkError
from bridgetune.metrics import contrast, correlation, gradients, phase, similarity
from bridgetune.metrics.filters import SSIM_WINDOW
from bridgetune.metrics.levels import gray_shades, stretching
from bridgetune.metrics.local import LocalFeatures, LocalImages, LocalSources, Part
from bridgetune.metrics.phase import PhaseFeatures
from bridgetune.metrics.registry import FUSION_METRICS, METRICS, Convention
from bridgetune.metrics.strips import is_large, strips


class Features(LocalFeatures):
    """What the metrics look at in images, computed when it is first asked for and kept.

    Large pictures, see `strips`, are looked at in strips of rows in place of that, and what is seen is not kept.

    Args:
        shades: The gray levels, (B, H, W) uint8.
        dtype: What to compute in.
        responses: See `SourcePair`.

    Attributes:
        shades, dtype: The same.
    """

    def __init__(self, shades: Tensor, dtype: torch.dtype, responses: torch.dtype) -> None:
        super().__init__(shades, dtype)
        self._responses = responses

    @cached_property
    def stretching(self) -> Tensor:
        """What each level becomes when they are rescaled to 0...255, (B, 256)."""
        return stretching(self.shades, self.dtype)

    def stretched_one(self, number: int) -> Tensor:
        """The levels of an image rescaled to 0...255, (H, W)."""
        result = torch.empty(self.shades.shape[1:], dtype=self.dtype, device=self.shades.device)
        for strip in strips(*result.shape):
            result[strip.rows] = self.stretching[number][self.shades[number, strip.rows].int()]
        return result

    @property
    def stretched(self) -> Tensor:
        """The levels of all, rescaled to 0...255, (B, H, W)."""
        return torch.stack([self.stretched_one(number) for number in range(len(self.shades))])

    @cached_property
    def phase(self) -> list[PhaseFeatures]:
        """Phase congruency and its moments, one an image, in the type of the responses."""
        return [self.phase_of(number) for number in range(len(self.shades))]

    def phase_of(self, number: int) -> PhaseFeatures:
        """Phase congruency and its moments in an image, which are not kept."""
        spectrum = phase.spectrum(self.shades[number].to(self.dtype), self._responses)
        return phase.phase_features(spectrum, self.shades.shape[2])

    @cached_property
    def contrast(self) -> Tensor:
        """What the eye sees of it, (B, H, W); see `masked_contrast`."""
        seen = contrast.as_seen(torch.fft.rfft2(self.stretched), self.shades.shape[2])
        return contrast.masked_contrast(seen)

    def rows(self, seen: slice) -> LocalFeatures:
        """Of some rows alone."""
        return LocalFeatures(self.shades[:, seen], self.dtype)


class SourcePair(LocalSources):
    """Two sources, ready to score what methods made of them.

    What depends on the sources alone is computed once, at the first score that needs it. Of large pictures, beyond a
    megapixel, only the phase features are kept, 24 bytes a pixel: all else is looked at in strips of rows, each time.

    Args:
        first, second: (B, 1 or 3, H, W), see `gray_levels`.
        dtype: What to compute in. float32 is good to 1e-5, mostly.
        responses: What the filters of `q_p` respond in, which are most of the work. float32 takes half the time of
            float64 and agrees with it to 1e-7 or, where a pixel is just at the limit of being a feature, to 1e-5.

    Attributes:
        first, second: Their `Features`.

    Raises:
        RequestError: Images that are not such, or of two shapes.
    """

    first: Features
    second: Features

    def __init__(
        self,
        first: Tensor,
        second: Tensor,
        dtype: torch.dtype = torch.float64,
        responses: torch.dtype = torch.float32,
    ) -> None:
        self._dtype, self._responses = dtype, responses
        super().__init__(*(Features(gray_shades(image, dtype), dtype, responses) for image in (first, second)))
        self._check(self.second.shades, "second source")

    def score(
        self, fused: Tensor, metrics: Iterable[str] = FUSION_METRICS, convention: Convention = "toolbox"
    ) -> dict[str, Tensor]:
        """The scores of fused images of these sources.

        Args:
            fused: (B, 1 or 3, H, W), see `gray_levels`.
            metrics: Some of `FUSION_METRICS`.
            convention: See `Convention`.

        Returns:
            Name -> (B,), in the order of `metrics`; NaN where one is not defined.

        Raises:
            RequestError: An image of another shape than the sources', or an unknown name.
            WorkError: A metric's function returned something else.
        """
        names = list(metrics)
        unknown = [name for name in names if name not in FUSION_METRICS]
        if unknown:
            raise RequestError(f"metrics: got {', '.join(unknown)}, expected some of {', '.join(FUSION_METRICS)}")
        scored = self.scored(fused, convention)
        return {name: _an_image(name, METRICS[name].computed(scored), len(scored.fused.shades)) for name in names}

    def scored(self, fused: Tensor, convention: Convention = "toolbox") -> ScoredImages:
        """Fused images of these sources as a metric's function takes them; see `score`."""
        if convention not in ("toolbox", "paper"):
            raise RequestError(f"convention: got {convention!r}, expected 'toolbox' or 'paper'")
        shades = gray_shades(fused, self._dtype)
        self._check(shades, "fused image")
        return ScoredImages(self, Features(shades, self._dtype, self._responses), convention)

    def _check(self, shades: Tensor, what: str) -> None:
        if shades.shape != self.first.shades.shape:
            raise RequestError(
                f"{what}: got {_described(shades)}, the first source has {_described(self.first.shades)};"
                " expected one size"
            )

    @cached_property
    def phase_features(self) -> list[tuple[correlation.SourceFeatures, ...]]:
        """What phase congruency finds in both, one an image."""
        both = zip(self.first.phase, self.second.phase, strict=True)
        return [correlation.source_features(first, second, self._dtype) for first, second in both]


class ScoredImages(LocalImages):
    """Fused images beside their sources: what a fusion metric's function takes. Nothing is computed twice.

    A metric of your own may look at `levels` throughout; `parts` has less memory taken where pictures are large.

    Attributes:
        sources: The `SourcePair`, with what depends on both sources.
        first, second, fused: The `Features` of each: `levels`, (B, H, W) whole numbers from 0 to 255, and what else
            there is to see.
        convention: See `Convention`.
    """

    sources: SourcePair
    first: Features
    second: Features
    fused: Features

    def __init__(self, sources: SourcePair, fused: Features, convention: Convention) -> None:
        super().__init__(sources, fused)
        self.convention = convention

    def parts(self, above: int, below: int) -> Iterator[Part]:
        """The images themselves where they are small, else strips of them, one after the other, each held alone.

        Args:
            above, below: Rows that what is computed sees beside a pixel's own.
        """
        height, width = self.fused.shades.shape[1:]
        if not is_large(height, width):
            yield Part(self, slice(None), slice(None))
            return
        for rows, seen, inner in strips(height, width, above, below):
            sources = LocalSources(self.first.rows(seen), self.second.rows(seen))
            yield Part(LocalImages(sources, self.fused.rows(seen)), rows, inner)

    @cached_property
    def kept_edges(self) -> gradients.KeptEdges:
        """How much of the sources' edges is kept."""
        return gradients.kept_edges(self.parts(gradients.MARGIN, gradients.MARGIN))

    @cached_property
    def ssim_means(self) -> similarity.Similarity:
        """How similar the fused images are to their sources, by the structural similarity."""
        return similarity.similarity(map(similarity.ssim_windows, self._with_windows(SSIM_WINDOW)))

    @cached_property
    def index_means(self) -> similarity.Similarity:
        """How similar the fused images are to their sources, by the universal quality index."""
        return similarity.similarity(map(similarity.index_windows, self._with_windows(similarity.INDEX_WINDOW)))

    def _with_windows(self, window: tuple[float, ...]) -> Iterator[LocalImages]:
        """Parts whose windows, those that fit whole, are together all windows of the images."""
        parts = (part.images for part in self.parts(0, len(window) - 1))
        return (images for images in parts if images.fused.shades.shape[1] >= len(window))


def _an_image(name: str, score: Tensor, count: int) -> Tensor:
    if score.shape != (count,):
        raise WorkError(f"metric {name}: its function returned shape {tuple(score.shape)}, expected ({count},)")
    return score


def _described(shades: Tensor) -> str:
    count, height, width = shades.shape
    return f"{count} of {width}×{height}"
