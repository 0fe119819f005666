"""Pictures, masks and pairs: what training and fusing read, and what they write."""

from bridgetune.data.blur import gaussian_blur, random_kernel_size
from bridgetune.data.folders import IMAGE_SUFFIXES, Skipped, Verify, list_images
from bridgetune.data.framing import Fit
from bridgetune.data.images import (
    Picture,
    image_size,
    read_image,
    read_mask,
    to_pixels,
    to_tensor,
    write_image,
)
from bridgetune.data.offline import DatasetRecord, make_dataset
from bridgetune.data.pairs import (
    FolderPairs,
    Pair,
    PairSource,
    PairSubset,
    SourceFiles,
    SyntheticPairs,
    all_in_focus,
    multi_focus_pair,
    sources_of,
    split,
)
from bridgetune.data.references import ReferencePool, References, ReferenceSource

__all__ = [
    "IMAGE_SUFFIXES",
    "DatasetRecord",
    "Fit",
    "FolderPairs",
    "Pair",
    "PairSource",
    "PairSubset",
    "Picture",
    "ReferencePool",
    "ReferenceSource",
    "References",
    "Skipped",
    "SourceFiles",
    "SyntheticPairs",
    "Verify",
    "all_in_focus",
    "gaussian_blur",
    "image_size",
    "list_images",
    "make_dataset",
    "multi_focus_pair",
    "random_kernel_size",
    "read_image",
    "read_mask",
    "sources_of",
    "split",
    "to_pixels",
    "to_tensor",
    "write_image",
]
