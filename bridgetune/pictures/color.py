"""Gray from RGB."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G and B in gray, ITU-R BT.601."""
