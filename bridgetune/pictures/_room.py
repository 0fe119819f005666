"""Whether the bytes of a file can hold the picture that it declares: asked before memory is taken."""

from __future__ import annotations

DEFLATE = 1032
"""Bytes that a byte of deflate becomes, at most: 258 of them in two bits."""

LZW = 2560
"""A code of 12 bits is at most the longest string of the table."""

RUNS = 128
"""255 pixels of two bytes of BMP."""

PACK_BITS = 64
"""128 of two bytes."""

JPEG = 512
"""Pixels that a byte of JPEG becomes, at most: the 64 of a progressive block take a bit."""

ARITHMETIC = 1 << 24
"""Bytes of a byte, where no code has a least length: JPEG 2000, WebP, Zstandard, LZMA."""

EVEN = 75 << 20
"""Bytes of pixels up to which a picture may be as even as its format allows: 26 megapixels of 8 bits."""

EVEN_BEYOND = 300
"""Bytes of pixels, beyond, for a byte of the file: of real pictures it is 1 to 60."""


def refuse_without_room(size: tuple[int, int], itemsize: int, stored: int, held: int, most: int) -> None:
    """Refuse a picture that a file cannot hold, or one of enormous size that is all one colour.

    Args:
        size: (height, width) that the file declares.
        itemsize: 1 for 8 bits a sample, 2 for 16.
        stored: Bytes, or pixels, that decoding must yield.
        held: Bytes that there are to decode.
        most: What a byte yields at most.

    Raises:
        ValueError: It has no room, or no pixels.
    """
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(f"it declares {width}x{height} pixels")
    if stored > most * max(held, 1):
        raise ValueError(f"it declares {width}x{height} pixels, more than {held} bytes can hold")
    taken = height * width * 3 * itemsize
    if taken > EVEN and taken > EVEN_BEYOND * held:
        raise ValueError(
            f"it declares {width}x{height} pixels in {held} bytes, less than a byte for"
            f" {EVEN_BEYOND // 3 // itemsize} pixels; one that is so even is read uncompressed"
        )
