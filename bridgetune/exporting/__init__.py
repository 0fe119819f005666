"""A generator as a file that runs without bridgetune: ONNX, OpenVINO, or a program of torch.export."""

from bridgetune.exporting.exporter import TOLERANCE, Exported, check_place, export
from bridgetune.exporting.formats import FORMATS, FormatName
from bridgetune.exporting.tracing import Size, least_side

__all__ = ["FORMATS", "TOLERANCE", "Exported", "FormatName", "Size", "check_place", "export", "least_side"]
