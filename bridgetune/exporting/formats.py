"""The formats: how each is written and run."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.export import ExportedProgram

from bridgetune.errors import WorkError

FormatName = Literal["onnx", "openvino", "torch"]
"""A name of `FORMATS`."""

OPSET = 20
"""Version of the ONNX operators."""

INPUTS, OUTPUT = ("first", "second"), "logits"

AXES = {0: "batch", 2: "height", 3: "width"}
"""Open axes of images and logits by name."""

Run = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        suffix: Of its files.
        beside: Suffixes of what is written beside the file and belongs to it.
        runtime: What runs it.
        packages: What has to be installed to write it and run it.
        extra: Of bridgetune, which brings them.
        write: (program, path, facts, least side or None where the sides are fixed) -> a file.
        open: The file -> what runs it.
    """

    suffix: str
    beside: tuple[str, ...]
    runtime: str
    packages: tuple[str, ...]
    extra: str
    write: Callable[[ExportedProgram, Path, Mapping[str, str], int | None], None]
    open: Callable[[Path], Run]

    def require(self) -> None:
        """Raise `WorkError` where a package is missing."""
        for package in self.packages:
            try:
                importlib.import_module(package)
            except ModuleNotFoundError as error:
                raise WorkError(f"{error.name} is not installed; pip install 'bridgetune[{self.extra}]'") from None


def _write_onnx(program: ExportedProgram, path: Path, facts: Mapping[str, str], least: int | None) -> None:
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    exported = torch.onnx.export(
        program,
        input_names=INPUTS,
        output_names=[OUTPUT],
        opset_version=OPSET,
        dynamic_shapes=None if least is None else dict.fromkeys(INPUTS, AXES),
        verbose=False,
    )
    assert exported is not None
    ClearMetadataAndDocStringPass()(exported.model)  # lines of code on this machine, for each operation
    exported.model.metadata_props.update(facts)
    exported.model.producer_name, exported.model.producer_version = "bridgetune", facts["bridgetune"]
    exported.save(path, external_data=False)


def _open_onnx(path: Path) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised, too
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda first, second: torch.from_numpy(
        session.run([OUTPUT], {INPUTS[0]: first.numpy(), INPUTS[1]: second.numpy()})[0]
    )


def _write_openvino(program: ExportedProgram, path: Path, facts: Mapping[str, str], least: int | None) -> None:
    """By way of ONNX: of the two ways to OpenVINO it is the one whose result is the faster."""
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        between = Path(folder) / "between.onnx"
        _write_onnx(program, between, facts, least)
        model = openvino.convert_model(between)
    if least is not None:
        side = openvino.Dimension(least, -1)
        shape = openvino.PartialShape([openvino.Dimension(-1), openvino.Dimension(3), side, side])
        model.reshape(dict.fromkeys(INPUTS, shape))
    for name, fact in facts.items():
        model.set_rt_info(fact, ["bridgetune", name])
    openvino.save_model(model, path, compress_to_fp16=False)


def _open_openvino(path: Path) -> Run:
    import openvino

    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda first, second: torch.from_numpy(
        compiled({INPUTS[0]: first.numpy(), INPUTS[1]: second.numpy()})[OUTPUT].copy()
    )


def _write_torch(program: ExportedProgram, path: Path, facts: Mapping[str, str], least: int | None) -> None:
    torch.export.save(program, path, extra_files={"bridgetune.json": json.dumps(dict(facts), indent=2)})


def _open_torch(path: Path) -> Run:
    module = torch.export.load(path).module()

    def run(first: Tensor, second: Tensor) -> Tensor:
        with torch.inference_mode():
            logits: Tensor = module(first, second)
        return logits

    return run


_ONNX = ("onnx", "onnxscript")

FORMATS: dict[FormatName, Format] = {
    "onnx": Format(".onnx", (), "ONNX Runtime", (*_ONNX, "onnxruntime"), "export", write=_write_onnx, open=_open_onnx),
    "openvino": Format(
        ".xml", (".bin",), "OpenVINO", (*_ONNX, "openvino"), "openvino", write=_write_openvino, open=_open_openvino
    ),
    "torch": Format(".pt2", (), "torch", (), "", write=_write_torch, open=_open_torch),
}
"""What a generator can be exported as."""
