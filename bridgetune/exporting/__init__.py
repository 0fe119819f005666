"""A generator as a file that runs without bridgetune: ONNX, OpenVINO, or a program of torch.export."""

from bridgetune.exporting.exporter import TOLERANCE, Exported, export
from bridgetune.exporting.formats import FORMATS, FormatName
from bridgetune.exporting.tracing import Size, least_side

__all__ = ["FORMATS", "TOLERANCE", "Exported", "FormatName", "Size", "export", "least_side"]
