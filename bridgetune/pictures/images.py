"""Image files: read into RGB pixels of 8 or 16 bits or into focus masks, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridgetune.destinations import check_file
from bridgetune.errors import RequestError, WorkError
from bridgetune.files import replaced
from bridgetune.paths import shown
from bridgetune.pictures._carried import read_metadata
from bridgetune.pictures._decoders import decoder_of
from bridgetune.pictures._door import Format, format_of
from bridgetune.pictures._planes import Plane
from bridgetune.pictures._refusing import in_one_line
from bridgetune.pictures._samples import Pixels, UnsupportedError
from bridgetune.pictures._writing import encode_bmp, encode_jpeg, encode_png, encode_tiff, held
from bridgetune.pictures.metadata import NOTHING, Metadata

if TYPE_CHECKING:  # whoever wants no tensor does not wait for torch
    import torch
    from torch import Tensor

_DEPTHS = {".png": (8, 16), ".tif": (8, 16), ".tiff": (8, 16), ".jpg": (8,), ".jpeg": (8,), ".bmp": (8,)}

MOST_BETWEEN = 0.1
"""Share of a mask's pixels that may lie between dark and bright, as they do along smoothed edges."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What an image file holds, upright.

    Attributes:
        pixels: (H, W, 3) RGB, uint8 or uint16, 0 to full scale; three equal channels where `gray`.
        gray: Whether the file held one channel of brightness.
        alpha: (H, W) of the pixels' type, 0 where the picture is transparent; None where all is opaque, or where
            nobody asked, see `read_whole_image`.
        metadata: What the file says beside, likewise.
    """

    pixels: Pixels
    gray: bool
    alpha: Pixels | None = None
    metadata: Metadata = NOTHING

    @property
    def bits(self) -> int:
        """8 or 16."""
        return self.pixels.dtype.itemsize * 8

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def tensor(self) -> Tensor:
        """(3, H, W) float32 in [0, 1]."""
        return to_tensor(self.pixels)


def read_image(path: str | os.PathLike[str], plane: Plane | None = None) -> Picture:
    """Read an image file: PNG, TIFF, JPEG, BMP, WebP, GIF, JPEG 2000 or PNM, whatever its suffix.

    HEIC is read where the extra `heif` is installed, and cameras' raw files are developed where the extra `raw` is.

    Palette, CMYK and 1-bit files are converted, the Exif orientation is applied, alpha is dropped, colour
    profiles are not looked at. Less than 8 bits a sample become 8; 9 to 16 bits, and float in [0, 1], become
    16. Of an animation the first frame is read. Size is not limited, but beyond 26 megapixels of 8 bits a file
    must have a byte for every hundred.

    Args:
        path: The file.
        plane: Of a TIFF of several pages, the one to read, see `open_frames`.

    Raises:
        RequestError: No such file, a folder, a pipe or a device, not an image of these formats, damaged, cut off,
            of more pixels than its bytes can hold, a TIFF of several pages, or samples of another type.
    """
    path = Path(path)
    with in_one_line(path):
        pixels = decoder_of(path, plane).pixels(path)
        if pixels.ndim == 2:
            return Picture(np.repeat(pixels[..., None], 3, axis=2), gray=True)
        return Picture(np.ascontiguousarray(pixels), gray=False)


def read_whole_image(path: str | os.PathLike[str], plane: Plane | None = None) -> Picture:
    """`read_image`, with transparency and metadata.

    Those that are damaged are named in `Picture.metadata.broken` and left out.

    Raises:
        RequestError: As `read_image`.
    """
    picture = read_image(path, plane)
    path = Path(path)
    metadata = read_metadata(path, plane)
    try:
        alpha = decoder_of(path, plane).alpha(path)
        if alpha is not None and (alpha.shape, alpha.dtype) != (picture.size, picture.pixels.dtype):
            raise UnsupportedError(f"transparency of shape {alpha.shape} and type {alpha.dtype}")
    except Exception:  # decoders raise what they like
        alpha, metadata = None, replace(metadata, broken=(*metadata.broken, "transparency"))
    return replace(picture, alpha=alpha, metadata=metadata)


def image_size(path: str | os.PathLike[str], plane: Plane | None = None) -> tuple[int, int]:
    """(height, width) as `read_image` would return it, from the header alone.

    Raises:
        RequestError: As `read_image`, but for damage behind the header.
    """
    path = Path(path)
    with in_one_line(path):
        return decoder_of(path, plane).size(path)


def is_jpeg(path: str | os.PathLike[str]) -> bool:
    """Whether an image file is a JPEG, whatever its suffix: what it shows has lost some of what was stored.

    Raises:
        RequestError: No such file, or a folder.
    """
    path = Path(path)
    with in_one_line(path):
        return format_of(path) is Format.JPEG


def read_mask(path: str | os.PathLike[str]) -> Tensor:
    """Read a focus mask as (1, H, W) float32 in {0, 1}: 1 above half of full scale.

    Of a colour file the mean of the channels counts.

    Raises:
        RequestError: As `read_image`, and for a mask that is not all black yet nowhere above half: one that
            was saved as 0 and 1 of 255, mostly.
    """
    return to_tensor(read_mask_pixels(path))


def read_mask_pixels(path: str | os.PathLike[str]) -> NDArray[np.bool_]:
    """`read_mask` as an array: (H, W) bool."""
    picture = read_image(path)
    values = picture.pixels[..., 0] if picture.gray else picture.pixels.mean(axis=2)
    full, brightest = np.iinfo(picture.pixels.dtype).max, values.max()
    if 0 < brightest <= full / 2:
        raise RequestError(
            f"{shown(path)}: a mask whose brightest value is {brightest:g} of {full}, expected 0 and {full};"
            f" multiply it by {full / brightest:g}"
        )
    between = float(((values > full / 8) & (values < full * 7 / 8)).mean())
    if between > MOST_BETWEEN:
        raise RequestError(
            f"{shown(path)}: {between:.0%} of its pixels are neither dark nor bright, expected a mask of 0 and {full};"
            " is it a photograph?"
        )
    return np.asarray(values > full / 2)


def check_image_place(path: Path, expected: str, *, bits: int = 8, force: bool = False) -> None:
    """Refuse, before the work, a place where a picture could not be written; see `destinations.check_file`.

    Args:
        path: As it was given.
        expected: What it is to be: `the fused image`.
        bits: Of its samples.
        force: Whether a file that is there may be replaced.

    Raises:
        RequestError: Such a place, a suffix that is not written, or one whose format cannot hold the depth.
    """
    check_file(path, expected, suffixes=tuple(_DEPTHS), force=force)
    _check_depth(path, bits)


def write_image(
    path: str | os.PathLike[str], pixels: Pixels, metadata: Metadata | None = None, alpha: Pixels | None = None
) -> list[str]:
    """Write (H, W) or (H, W, 3) uint8 or uint16 pixels in the format that the suffix names.

    PNG and TIFF (deflate) are lossless and take 8 and 16 bits; JPEG (quality 95, 4:4:4) and BMP take 8.
    Parent folders are made. A reader sees the old file or the whole new one.

    Args:
        path: Where to.
        pixels: See above.
        metadata: What the picture carries, see `read_metadata`. PNG, TIFF and JPEG hold it, but for calibrations,
            which become a resolution outside TIFF; BMP holds the resolution alone.
        alpha: (H, W) of the pixels' type, 0 where they are transparent; for PNG and TIFF.

    Returns:
        Names of what the format cannot hold, which is left out.

    Raises:
        RequestError: Unknown suffix, a depth or shape that the format cannot hold, or a place where no file
            can be; nothing is written.
        WorkError: Writing failed on the way, on a full disk, say.
    """
    path = Path(path)
    data, left_out = _encode(path, pixels, metadata or NOTHING, alpha)
    check_file(path, "a picture", force=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(
            f"{path}: its folder cannot be made ({error.strerror}), expected a writable place; name another"
        ) from error
    try:
        with replaced(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise WorkError(
            f"{path}: cannot be written ({error.strerror}); free some space or name another place"
        ) from error
    return left_out


def to_tensor(pixels: Pixels | NDArray[np.bool_]) -> Tensor:
    """(H, W) -> (1, H, W), (H, W, 3) -> (3, H, W): float32, full scale becomes 1."""
    full = 1 if pixels.dtype == np.bool_ else np.iinfo(pixels.dtype.name).max
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    import torch

    scaled = planes.astype(np.float32, order="C")
    scaled /= full
    return torch.from_numpy(scaled)


def to_batch(layers: Sequence[Pixels | NDArray[np.bool_]], device: torch.device) -> Tensor:
    """`to_tensor` of several layers of one size, stacked, computed on the device: (B, 1 or 3, H, W) float32."""
    import torch

    if len({layer.dtype for layer in layers}) > 1:
        return torch.stack([to_tensor(layer) for layer in layers]).to(device)
    stacked = np.stack(layers)
    full = 1 if stacked.dtype == np.bool_ else np.iinfo(stacked.dtype.name).max
    # torch can do hardly anything with uint16; and Pillow's true is a byte of 255
    raw = torch.from_numpy(stacked.astype(np.int32 if stacked.dtype == np.uint16 else np.uint8, copy=False))
    if device.type == "cuda":
        raw = raw.pin_memory()
    raw = raw.to(device, non_blocking=True)
    planes = raw.unsqueeze(1) if raw.ndim == 3 else raw.permute(0, 3, 1, 2)
    return planes.to(torch.float32, memory_format=torch.contiguous_format).div_(full)


def to_pixels(image: Tensor, bits: Literal[8, 16] = 8) -> Pixels:
    """(3, H, W) or (1, H, W) float in [0, 1] -> (H, W, 3) or (H, W), uint8 or uint16, clipped and rounded.

    Raises:
        RequestError: Another shape or depth.
    """
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise RequestError(
            f"image: got shape {tuple(image.shape)}, expected (3, H, W) or (1, H, W); take one of a batch"
        )
    if bits not in (8, 16):
        raise RequestError(f"bits: got {bits}, expected 8 or 16")
    full = 2**bits - 1
    scaled = image.float().numpy(force=True).clip(0, 1) * full
    pixels: Pixels = np.rint(scaled).transpose(1, 2, 0).astype(f"u{bits // 8}", order="C")
    return pixels[..., 0] if image.shape[0] == 1 else pixels


def _check_depth(path: Path, bits: int) -> None:
    suffix = path.suffix.lower()
    if bits not in _DEPTHS[suffix]:
        raise RequestError(f"{shown(path)}: {suffix} cannot hold {bits} bit, expected 8; write .png or .tif")


def _encode(path: Path, pixels: Pixels, metadata: Metadata, alpha: Pixels | None) -> tuple[bytes, list[str]]:
    suffix = path.suffix.lower()
    if suffix not in _DEPTHS:
        raise RequestError(f"{path}: cannot write {suffix or 'without a suffix'}, expected {', '.join(_DEPTHS)}")
    shape: tuple[Any, ...] = pixels.shape
    if pixels.dtype not in (np.uint8, np.uint16) or shape[2:] not in ((), (3,)) or 0 in shape or len(shape) < 2:
        raise RequestError(
            f"{path}: got pixels of type {pixels.dtype} and shape {shape}, expected uint8 or uint16 and"
            " (H, W) or (H, W, 3); convert a tensor with to_pixels"
        )
    _check_depth(path, pixels.dtype.itemsize * 8)
    # reshaped, so that a side of one pixel has the strides that imagecodecs wants
    pixels = np.ascontiguousarray(pixels).ravel().reshape(shape)
    metadata, left_out = held(suffix, pixels, metadata)
    if suffix == ".png":
        return encode_png(pixels, alpha, metadata), left_out
    if suffix in (".tif", ".tiff"):
        return encode_tiff(pixels, alpha, metadata), left_out
    if alpha is not None and (alpha < np.iinfo(alpha.dtype).max).any():
        left_out.append("transparency")
    encode = encode_bmp if suffix == ".bmp" else encode_jpeg
    return encode(pixels, metadata), left_out
