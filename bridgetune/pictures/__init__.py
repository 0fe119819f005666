"""Image files: read into pixels, written whole or not at all, with what they carry; and gray from RGB."""

from bridgetune.pictures._carried import read_metadata
from bridgetune.pictures.frames import FRAME_SUFFIXES, FileFrames, Frames, HeldFrames, open_frames
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
from bridgetune.pictures.metadata import NOTHING, Calibration, Metadata

__all__ = [
    "FRAME_SUFFIXES",
    "NOTHING",
    "Calibration",
    "FileFrames",
    "Frames",
    "HeldFrames",
    "Metadata",
    "Picture",
    "check_image_place",
    "image_size",
    "is_jpeg",
    "open_frames",
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
