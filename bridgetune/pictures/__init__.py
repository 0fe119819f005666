"""Image files: read into pixels, written whole or not at all; and gray from RGB."""

from bridgetune.pictures.images import (
    Picture,
    image_size,
    is_jpeg,
    read_image,
    read_mask,
    read_mask_pixels,
    to_batch,
    to_pixels,
    to_tensor,
    write_image,
)

__all__ = [
    "Picture",
    "image_size",
    "is_jpeg",
    "read_image",
    "read_mask",
    "read_mask_pixels",
    "to_batch",
    "to_pixels",
    "to_tensor",
    "write_image",
]
