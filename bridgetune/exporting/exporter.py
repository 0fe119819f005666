"""`bridgetune.export`: trace, write, and hold what was written to the network itself."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from bridgetune.config.bounds import LARGEST_SIDE, Tolerance, within
from bridgetune.destinations import LEAST_SPACE, check_file
from bridgetune.errors import RequestError, WorkError
from bridgetune.exporting.formats import FORMATS, Format, FormatName, Run
from bridgetune.exporting.tracing import Size, least_side, sample_pairs, trace
from bridgetune.files import replaced
from bridgetune.modes import evaluating
from bridgetune.paths import shown
from bridgetune.plugins import registry
from bridgetune.wrapping import Adapter

TOLERANCE = 1e-4
"""How far the map, in [0, 1], may be from the network's own."""

FIXED: Size = (256, 256)
"""The images' size where it cannot be left open and nobody gave one."""

LONGEST_CAUSE = 200
"""Characters of another program's complaint that are passed on."""


@dataclass(frozen=True)
class Exported:
    """A file that runs without bridgetune.

    Attributes:
        path: The file; OpenVINO's weights are beside it, in a `.bin`.
        format: Of the file.
        size: The images' height and width, or `dynamic`.
        difference: Of its map, the sigmoid of its logits, from the network's own: the largest of all pixels of
            all pairs that were tried.
        facts: What the file says of itself: inputs, output, sizes, how to fuse.
        fallback: Why the sizes are fixed though nobody asked for it; empty where they are as asked for.
    """

    path: Path
    format: FormatName
    size: Size
    difference: float
    facts: dict[str, str]
    fallback: str = ""


def export(
    generator: Adapter,
    path: str | Path,
    format: FormatName,
    *,
    size: Size | None = None,
    tolerance: float = TOLERANCE,
    overwrite: bool = False,
    report: Callable[[str], None] | None = None,
) -> Exported:
    """Write a generator as a program (first, second) -> logits that runs without bridgetune and its plugins.

    All that the adapter does is inside: images (B, 3, H, W) float32, RGB in [0, 1], in; mask logits (B, 1, H, W),
    not negative where the first image is in focus, out. It is the network alone: what `bridgetune.inference` makes of
    logits that are undecided is not in the file. The file is run before it is kept.

    Args:
        generator: Float32 on the CPU. It is left as it was.
        path: `.onnx`, `.xml` (OpenVINO; a `.bin` goes beside it) or `.pt2` (`torch.export`).
        format: `onnx`, `openvino` or `torch`.
        size: Height and width, with a batch of 1; or `dynamic`: any batch, and any sides from `least_side` on.
            None: `dynamic`, and where that cannot be done, 256×256.
        tolerance: The largest `difference` from the network's own map.
        overwrite: Replace a file that is there.
        report: Is told what happens next; a network with loops and open sides takes minutes.

    Raises:
        RequestError: A path that cannot be written, or a generator that is not float32 on the CPU.
        WorkError: A package is missing, the network cannot be exported, or the file answers differently. No file
            is left behind.
    """
    path = Path(path)
    space = sum(parameter.nbytes for parameter in generator.parameters())
    check_place(path, format, overwrite, space)
    kind = FORMATS[format]
    _check_size(size)
    within("tolerance", tolerance, Tolerance)
    _check_tensors(generator)
    kind.require()
    write = partial(_exported, generator, path, format, tolerance, report or (lambda said: None))
    with evaluating(generator):
        if size is not None:
            return write(size)
        try:
            return write("dynamic")
        except WorkError as error:
            return write(FIXED, fallback=str(error))


def check_place(path: Path, format: FormatName, overwrite: bool = False, space: int = LEAST_SPACE) -> None:
    """Refuse, before the work, a path that `export` could not write; see there.

    Args:
        path: Of the file.
        format: See `FORMATS`.
        overwrite: Whether files that are there may be replaced.
        space: Bytes that they take at the least.

    Raises:
        RequestError: One line that says why.
    """
    if format not in FORMATS:
        raise RequestError(f"format: got {format!r}, expected one of {', '.join(FORMATS)}")
    kind = FORMATS[format]
    if path.suffix != kind.suffix:
        raise RequestError(f"{shown(path)}: expected a name that ends in {kind.suffix}, as {kind.runtime} takes it")
    for suffix in _suffixes(kind):
        check_file(path.with_suffix(suffix), f"what {kind.runtime} runs", force=overwrite, space=space)


def _exported(
    generator: Adapter,
    path: Path,
    format: FormatName,
    tolerance: float,
    report: Callable[[str], None],
    size: Size,
    fallback: str = "",
) -> Exported:
    kind, facts = FORMATS[format], _facts(generator, size)
    pairs, operators = sample_pairs(generator.config, size), registry().operators()
    sides = "images of any size" if size == "dynamic" else _sides(size)
    with _blamed(f"{_name(generator)} cannot be exported to {format} for {sides}"):
        with torch.inference_mode():
            expected = [generator(*pair) for pair in pairs]
        report(f"tracing {_name(generator)} for {sides}")
        program = trace(generator, size, operators)
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as files:
            unchecked, *_ = (files.enter_context(replaced(path.with_suffix(suffix))) for suffix in _suffixes(kind))
            report(f"writing {path}")
            kind.write(program, unchecked, facts, least_side(generator.config) if size == "dynamic" else None)
            report(f"running it in {kind.runtime}, beside the network itself")
            difference = _difference(kind.open(unchecked), pairs, expected)
            if not difference <= tolerance:
                raise WorkError(
                    f"its map in {kind.runtime} is off by {difference:.1e}, more than {tolerance:.0e}; if that is"
                    " close enough, set the tolerance"
                )
    return Exported(path, format, size, difference, facts, fallback)


def _difference(run: Run, pairs: list[tuple[Tensor, Tensor]], expected: list[Tensor]) -> float:
    """The largest of all pixels; NaN where one is."""
    found = [run(*pair) for pair in pairs]
    for logits, own in zip(found, expected, strict=True):
        if logits.shape != own.shape:
            raise WorkError(f"its logits have the shape {tuple(logits.shape)}, the network's own {tuple(own.shape)}")
    differences = [(logits.sigmoid() - own.sigmoid()).abs().max() for logits, own in zip(found, expected, strict=True)]
    return float(torch.stack(differences).max())


def _facts(generator: Adapter, size: Size) -> dict[str, str]:
    from bridgetune._version import __version__

    if size == "dynamic":
        least = least_side(generator.config)
        sizes = f"B, H, W: any, H and W from {least} on"
    else:
        sizes = f"B, H, W: 1, {size[0]}, {size[1]}"
    return {
        "bridgetune": __version__,
        "generator": _name(generator),
        "inputs": "first, second: (B, 3, H, W) float32, RGB in [0, 1]",
        "output": "logits: (B, 1, H, W) float32, >= 0 where first is in focus",
        "sizes": sizes,
        "fused image": "where(logits >= 0, first, second)",
    }


def _name(generator: Adapter) -> str:
    return generator.origin.generator or type(generator.unwrap()).__name__


def _sides(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _suffixes(kind: Format) -> tuple[str, ...]:
    return (kind.suffix, *kind.beside)


def _check_size(size: Size | None) -> None:
    if size is not None and size != "dynamic" and not all(1 <= side <= LARGEST_SIDE for side in size):
        raise RequestError(f"size: got {_sides(size)}, expected sides from 1 to {LARGEST_SIDE}")


def _check_tensors(generator: Adapter) -> None:
    for name, tensor in (*generator.named_parameters(), *generator.named_buffers()):
        if tensor.device.type != "cpu" or (tensor.is_floating_point() and tensor.dtype != torch.float32):
            dtype = str(tensor.dtype).removeprefix("torch.")
            raise RequestError(
                f"{name} is {dtype} on {tensor.device}, expected float32 on the CPU; export generator.cpu().float()"
            )


@contextmanager
def _blamed(what: str) -> Iterator[None]:
    """Turn whatever fails inside into one line, and let other programs' warnings and logs be."""
    disabled = logging.root.manager.disable
    try:
        logging.disable(logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except WorkError as error:
        raise WorkError(f"{what}: {error}") from error
    except Exception as error:  # of torch.export, the exporter to ONNX, or a runtime, each with errors of its own
        raise WorkError(f"{what} ({_cause(error)})") from error
    finally:
        logging.disable(disabled)


def _cause(error: BaseException) -> str:
    """The first line of what started it: exporters wrap errors in errors, the outermost of which explains itself."""
    while error.__cause__ is not None:
        error = error.__cause__
    said = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    line = said.splitlines()[0] if said else "no message"
    return f"{type(error).__name__}: {line[:LONGEST_CAUSE]}{'…' if len(line) > LONGEST_CAUSE else ''}"
