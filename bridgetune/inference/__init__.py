"""Fusing whole pictures, in files or in memory."""

from bridgetune.inference.fusing import FUSE_RECIPES, Fusion, fuse_files, fuse_folder, fuse_pictures

__all__ = ["FUSE_RECIPES", "Fusion", "fuse_files", "fuse_folder", "fuse_pictures"]
