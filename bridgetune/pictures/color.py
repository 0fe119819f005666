"""Gray from RGB."""

from bridgetune.config.adapter import LUMA as LUMA
