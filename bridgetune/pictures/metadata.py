"""What an image file says of its pixels: colour profile, Exif, resolution, calibration, XMP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridgetune.pictures._exif import Exif

INCH = 0.0254
"""Metres."""

LENGTHS = {"nm": 1e-9, "µm": 1e-6, "um": 1e-6, "μm": 1e-6, "micron": 1e-6, "microns": 1e-6, "mm": 1e-3, "cm": 1e-2}
LENGTHS |= {"m": 1.0, "inch": INCH, "in": INCH, "pm": 1e-12}
"""Metres of the units that calibrations have."""


@dataclass(frozen=True)
class Calibration:
    """How large a pixel is, as microscopes have it.

    Attributes:
        size: Width and height of a pixel.
        unit: As the file has it: µm, nm, mm.
        kind: Whose notation it is in.
    """

    size: tuple[float, float]
    unit: str
    kind: Literal["ImageJ", "OME"] = "ImageJ"

    def resolution(self) -> tuple[float, float] | None:
        """Pixels an inch, along rows and along columns; None where the unit is no length."""
        metres = LENGTHS.get(self.unit)
        if metres is None:
            return None
        width, height = self.size
        return INCH / (metres * width), INCH / (metres * height)


@dataclass(frozen=True)
class Metadata:
    """What a picture carries beside its pixels; what it does not is None.

    Attributes:
        profile: The ICC profile.
        exif: Without thumbnail and orientation.
        resolution: Pixels an inch, along rows and along columns.
        calibration: Of TIFFs of ImageJ and OME.
        xmp: A packet, upright.
        broken: Names of what was there and was left out for being damaged.
    """

    profile: bytes | None = None
    exif: Exif | None = None
    resolution: tuple[float, float] | None = None
    calibration: Calibration | None = None
    xmp: bytes | None = None
    broken: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.profile, self.exif, self.resolution, self.calibration, self.xmp))

    def space(self) -> str | None:
        """`RGB`, `GRAY` or another colour space that the profile is for."""
        return None if self.profile is None else self.profile[16:20].decode("ascii", "replace").strip()


NOTHING = Metadata()
"""Of a picture that is pixels alone."""
