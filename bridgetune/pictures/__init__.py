"""Image files: read into pixels, written whole or not at all, with what they carry; and gray from RGB."""

from bridgetune.pictures.images import (
    Picture,
    check_image_place,
    image_size,
    is_jpeg,
    read_image,
    read_mask,
    read_mask_pixels,
    read_whole_image,
    to_batch,
    to_pixels,
    to_tensor,
    write_image,
)
from bridgetune.pictures.metadata import NOTHING, Calibration, Metadata, read_metadata

__all__ = [
    "NOTHING",
    "Calibration",
    "Metadata",
    "Picture",
    "check_image_place",
    "image_size",
    "is_jpeg",
    "read_image",
    "read_mask",
    "read_mask_pixels",
    "read_metadata",
    "read_whole_image",
    "to_batch",
    "to_pixels",
    "to_tensor",
    "write_image",
]
