"""Full-reference scores, where an all-in-focus image exists."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import pad

from bridgetune.errors import RequestError
from bridgetune.metrics.filters import SSIM_WINDOW
from bridgetune.metrics.levels import HIGHEST, SMALLEST_SIDE, eight_bits
from bridgetune.metrics.registry import METRICS
from bridgetune.metrics.similarity import moments, ssim_map


def psnr(fused: Tensor, clear: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of 8-bit levels in dB, infinite for equal images; see `full_reference`.

    An evaluation gives no value to an image that is equal to the all-in-focus one: any number in its place, 100 dB say,
    would outweigh the others in a mean. One wrong level in a megapixel is 108 dB.
    """
    from torchmetrics.functional.image import peak_signal_noise_ratio

    fused, clear = _levels(fused, clear)
    return peak_signal_noise_ratio(fused, clear, data_range=float(HIGHEST), reduction="none", dim=(1, 2, 3))


def ssim(fused: Tensor, clear: Tensor) -> Tensor:
    """Structural similarity of 8-bit levels, the mean over the channels; see `full_reference`.

    That of torchmetrics with its defaults, to the last digits, by the separable filters of `q_s`: in float64, without
    which flat images lose the third digit, theirs takes some thirty times as long.
    """
    fused, clear = _levels(fused, clear)
    reach = len(SSIM_WINDOW) // 2
    sharp, made = (pad(image, (reach, reach, reach, reach), mode="reflect").flatten(0, 1) for image in (clear, fused))
    similar = ssim_map(sharp, made, moments(sharp, SSIM_WINDOW), moments(made, SSIM_WINDOW))
    return similar.mean((1, 2)).view(clear.shape[:2]).mean(1)


def full_reference(fused: Tensor, clear: Tensor) -> dict[str, Tensor]:
    """Every score by its name in `METRICS`, `psnr` and `ssim` among them, each (B,) float64.

    Args:
        fused, clear: The fused and the all-in-focus image, (B, 1 or 3, H, W): float in [0, 1], uint8 or uint16. A
            gray one is compared with each channel of one in colour.

    Raises:
        RequestError: Shapes that differ, or images that are not such.
    """
    return {name: metric.computed(fused, clear) for name, metric in METRICS.items() if metric.kind == "reference"}


def _levels(fused: Tensor, clear: Tensor) -> tuple[Tensor, Tensor]:
    """Both in 8 bits and of one shape."""
    fused, clear = eight_bits(fused), eight_bits(clear)
    if fused.shape[1] != clear.shape[1]:
        fused, clear = (image.expand(-1, 3, -1, -1) for image in (fused, clear))
    if fused.shape != clear.shape or min(clear.shape[2:]) < SMALLEST_SIDE:
        raise RequestError(
            f"fused image: got shape {tuple(fused.shape)}, the all-in-focus one has {tuple(clear.shape)};"
            f" expected one size, of at least {SMALLEST_SIDE} pixels a side"
        )
    return fused, clear
