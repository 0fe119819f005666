"""Pictures, masks, pairs and stacks of known truth: what training and fusing read, and what they write."""

from bridgetune.data.blur import disk_blurs, gaussian_blur, gaussian_blurs, random_kernel_size
from bridgetune.data.cache import PixelCache
from bridgetune.data.effects import Effect, register_effect
from bridgetune.data.folders import Skipped, Verify
from bridgetune.data.framing import Fit
from bridgetune.data.offline import DatasetRecord, make_dataset
from bridgetune.data.pairs import (
    DrawingSource,
    Pair,
    PairSource,
    PairSubset,
    SyntheticPairs,
    all_in_focus,
    multi_focus_pair,
    split,
)
from bridgetune.data.references import ReferencePool, References, ReferenceSource
from bridgetune.data.stack_folders import StacksRecord, make_stacks
from bridgetune.data.stacks import MadeStack, make_stack
from bridgetune.data.stored import FolderPairs, SourceFiles, UnlabelledPair, UnlabelledPairs, sources_of
from bridgetune.pictures.images import (
    Picture,
    check_image_place,
    image_size,
    read_image,
    read_mask,
    to_pixels,
    to_tensor,
    write_image,
)
from bridgetune.pictures.listing import IMAGE_SUFFIXES, list_images

__all__ = [
    "IMAGE_SUFFIXES",
    "DatasetRecord",
    "DrawingSource",
    "Effect",
    "Fit",
    "FolderPairs",
    "MadeStack",
    "Pair",
    "PairSource",
    "PairSubset",
    "Picture",
    "PixelCache",
    "ReferencePool",
    "ReferenceSource",
    "References",
    "Skipped",
    "SourceFiles",
    "StacksRecord",
    "SyntheticPairs",
    "UnlabelledPair",
    "UnlabelledPairs",
    "Verify",
    "all_in_focus",
    "check_image_place",
    "disk_blurs",
    "gaussian_blur",
    "gaussian_blurs",
    "image_size",
    "list_images",
    "make_dataset",
    "make_stack",
    "make_stacks",
    "multi_focus_pair",
    "random_kernel_size",
    "read_image",
    "read_mask",
    "register_effect",
    "sources_of",
    "split",
    "to_pixels",
    "to_tensor",
    "write_image",
]
