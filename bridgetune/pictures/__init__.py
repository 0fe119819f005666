"""Image files: read into pixels, written whole or not at all, with what they carry; gray from RGB; and frames of one
scene laid upon each other."""

from bridgetune.pictures._carried import read_metadata
from bridgetune.pictures.exposure import evened
from bridgetune.pictures.frames import FRAME_SUFFIXES, FileFrames, Frames, HeldFrames, UnreadableFrameError, open_frames
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
from bridgetune.pictures.registration import Alignment, Registration, chained, register
from bridgetune.pictures.transforms import Transform, common_area, warped

__all__ = [
    "FRAME_SUFFIXES",
    "NOTHING",
    "Alignment",
    "Calibration",
    "FileFrames",
    "Frames",
    "HeldFrames",
    "Metadata",
    "Picture",
    "Registration",
    "Transform",
    "UnreadableFrameError",
    "chained",
    "check_image_place",
    "common_area",
    "evened",
    "image_size",
    "is_jpeg",
    "open_frames",
    "read_image",
    "read_mask",
    "read_mask_pixels",
    "read_metadata",
    "read_whole_image",
    "register",
    "to_batch",
    "to_pixels",
    "to_tensor",
    "warped",
    "write_image",
]
