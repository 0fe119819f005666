"""How fast a pair is fused: BridgeMFF beside its plain structure and exported runtimes, MSFIN and DRPL beside it.

    python benchmarks/inference.py [--weights generator.pth] [--threads N] [--largest 4096] [--write]

From a pair of float images to the fused image, all in one run; beside them the network's convolutions alone, by oneDNN,
and the share of each operator. Exported runtimes are measured where they are installed
(pip install 'bridgetune[export]' openvino). `--write` puts the tables into docs/performance.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from measuring import MEGABYTE, added_memory, best_times, in_own_process, markdown, write_section
from plain import plain
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import bridgetune
from bridgetune.cli.process import keep_memory
from bridgetune_bridgemff.scan import VARIABLE

ROUNDS, SHOWN = 50, 7
"""Of calls in which operators are timed one by one, and how many of these are listed."""

Logits = Callable[[Tensor, Tensor], Tensor]

SIDE = 256
SIDES = (256, 512, 1024, 2048, 4096)
CLOSE = 1e-4
"""Within which every contender's logits agree with ours, relative to the largest."""


def pair(side: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    first, second = torch.rand(2, 1, 3, side, side)
    return first, second


def fuse(logits: Logits, first: Tensor, second: Tensor) -> Tensor:
    with torch.inference_mode():
        return torch.where(logits(first, second) >= 0, first, second)


def plain_structure(generator: bridgetune.Adapter, first: Tensor, second: Tensor) -> Tensor:
    return plain(generator.unwrap(), first * 2 - 1, second * 2 - 1)


def in_torch_operations(generator: bridgetune.Adapter, first: Tensor, second: Tensor) -> Tensor:
    """With the scan of torch operations, and nothing native beside it."""
    os.environ[VARIABLE] = "torch"
    try:
        return generator(first, second)
    finally:
        del os.environ[VARIABLE]


def onnx_runtime(path: Path, threads: int) -> Logits:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def logits(first: Tensor, second: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"first": first.numpy(), "second": second.numpy()})[0])

    return logits


def openvino(path: Path, threads: int) -> Logits:
    from openvino import Core

    compiled = Core().compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"})

    def logits(first: Tensor, second: Tensor) -> Tensor:
        return torch.from_numpy(np.asarray(compiled([first.numpy(), second.numpy()])[0]))

    return logits


RUNTIMES = {"onnx": ("onnxruntime", onnx_runtime, ".onnx"), "openvino": ("openvino", openvino, ".xml")}


def contenders(generator: bridgetune.Adapter, folder: Path, threads: int) -> dict[str, Logits]:
    """Name -> from a pair to logits, the same ones."""
    found: dict[str, Logits] = {
        "bridgetune": generator,
        "bridgetune, torch operations": partial(in_torch_operations, generator),
    }
    for name, (package, opened, suffix) in RUNTIMES.items():
        if importlib.util.find_spec(package) is None:
            print(f"not measured: {name} ({package} is not installed)")
            continue
        from bridgetune.exporting import export

        path = folder / f"network{suffix}"
        export(generator, path, name, size=(SIDE, SIDE))
        found[f"exported to {name}"] = opened(path, threads)
    found["plain structure, token loop"] = partial(plain_structure, generator)

    with torch.inference_mode():
        answers = {name: logits(*pair(SIDE)) for name, logits in found.items()}
    expected = answers["bridgetune"]
    for name, answer in answers.items():
        off = float((answer - expected).abs().max() / expected.abs().max())
        if not off <= CLOSE:
            raise SystemExit(f"{name}: its logits are off by {off:.1g}")
    return found


def against_others(generator: bridgetune.Adapter, threads: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        measured = contenders(generator, Path(folder), threads)
        times = best_times({name: partial(fuse, logits, *pair(SIDE)) for name, logits in measured.items()})
    slowest = times["plain structure, token loop"]
    rows = [(name, f"{seconds * 1e3:.1f}", f"{slowest / seconds:.1f}") for name, seconds in times.items()]
    return markdown((f"BridgeMFF, {SIDE}×{SIDE}", "ms", "times the plain structure"), rows)


class Counted(TorchDispatchMode):
    """Within, the seconds of each operator's calls, the least that any round took."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[tuple[int, str], float] = {}
        self.place = 0

    def __torch_dispatch__(
        self, operator: Any, types: Any, arguments: Any = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        began = time.process_time()
        answer = operator(*arguments, **(keywords or {}))
        key, spent = (self.place, str(operator)), time.process_time() - began
        self.seconds[key] = min(spent, self.seconds.get(key, spent))
        self.place += 1
        return answer


def floor(generator: bridgetune.Adapter) -> str:
    """The network's convolutions alone and a copy of its largest map, in the same run; and where the time goes."""
    given, hooks = [], []
    for module in generator.unwrap().modules():
        if isinstance(module, torch.nn.Conv2d):
            hooks.append(module.register_forward_pre_hook(lambda module, x: given.append((module, x[0].clone()))))
    fuse(generator, *pair(SIDE))
    for hook in hooks:
        hook.remove()
    largest = max((x for _, x in given), key=torch.Tensor.numel)

    def convolutions(layout: torch.memory_format) -> None:
        for module, x in laid_out[layout]:
            F.conv2d(x, module.weight, module.bias, module.stride, module.padding, module.dilation)

    alone = torch.get_num_threads() == 1  # of several threads, what the others have spent is told late
    clock, unit = (time.process_time, "CPU ms") if alone else (time.perf_counter, "ms")
    layouts = torch.contiguous_format, torch.channels_last
    laid_out = {layout: [(module, x.contiguous(memory_format=layout)) for module, x in given] for layout in layouts}
    with torch.inference_mode():
        times = best_times(
            {
                "bridgetune": partial(fuse, generator, *pair(SIDE)),
                "channels first": partial(convolutions, layouts[0]),
                "channels last": partial(convolutions, layouts[1]),
                "copy": largest.clone,
            },
            clock=clock,
        )
    bare = min(times["channels first"], times["channels last"])
    names = {
        "bridgetune": "bridgetune",
        "channels first": "its convolutions alone, oneDNN, channels first",
        "channels last": "its convolutions alone, oneDNN, channels last",
        "copy": "a copy of its largest map",
    }
    rows = [(names[name], f"{found * 1e3:.2f}", f"{found / bare:.2f}") for name, found in times.items()]
    table = markdown((f"BridgeMFF, {SIDE}×{SIDE}", unit, "times its convolutions"), rows)
    return f"{table}\n\n{shares(generator)}"


def shares(generator: bridgetune.Adapter) -> str:
    """The operators' shares of the time."""
    counted, images = Counted(), pair(SIDE)
    for _ in range(ROUNDS):
        counted.place = 0
        with counted:
            fuse(generator, *images)
    spent: dict[str, float] = {}
    for (_, operator), seconds in counted.seconds.items():
        name = operator.removesuffix(".default")
        spent[name] = spent.get(name, 0.0) + seconds
    whole = sum(spent.values())
    shown = sorted(spent, key=spent.__getitem__, reverse=True)[:SHOWN]
    rows = [(f"`{name}`", f"{spent[name] * 1e3:.2f}", f"{spent[name] / whole:.0%}") for name in shown]
    rest = whole - sum(spent[name] for name in shown)
    return markdown(("operator", "CPU ms", "share"), [*rows, ("others", f"{rest * 1e3:.2f}", f"{rest / whole:.0%}")])


def growth(generator: bridgetune.Adapter, largest: int) -> str:
    sides = [side for side in SIDES if side <= largest]
    times = best_times({str(side): partial(fuse, generator, *pair(side)) for side in sides}, seconds=5)
    first = times[str(SIDE)] / SIDE**2
    rows = [
        (
            f"{side}×{side}",
            f"{times[str(side)] * 1e3:.0f}",
            f"{times[str(side)] / side**2 / first:.2f}",
            in_own_process(__file__, "--memory", side),
        )
        for side in sides
    ]
    header = ("BridgeMFF", "ms", f"time per pixel, relative to {SIDE}×{SIDE}", "added to the process's peak, MB")
    return markdown(header, rows)


def beside() -> str:
    generators = {name: bridgetune.create(name, weights=None) for name in ("bridgemff", "msfin", "drpl")}
    times = best_times({name: partial(fuse, generator, *pair(SIDE)) for name, generator in generators.items()})
    rows = [
        (
            name,
            f"{sum(parameter.numel() for parameter in generator.parameters()):,}",
            f"{times[name] * 1e3:.0f}",
            f"{times[name] / times['bridgemff']:.0f}",
        )
        for name, generator in generators.items()
    ]
    return markdown((f"{SIDE}×{SIDE}", "parameters", "ms", "times bridgemff's"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="a checkpoint of BridgeMFF; default: a fresh network, which is as fast")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--largest", type=int, default=SIDES[-1], help="side of the largest picture")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    keep_memory()
    torch.set_num_threads(asked.threads)
    generator = bridgetune.create("bridgemff", weights=asked.weights)
    if asked.memory:
        images = pair(asked.memory)
        fuse(generator, *pair(32))
        print(f"{added_memory(partial(fuse, generator, *images)) / MEGABYTE:.0f}")
        return
    parts = [f"torch {torch.__version__}, threads: {asked.threads}."]
    for measured in (
        partial(against_others, generator, asked.threads),
        partial(floor, generator),
        partial(growth, generator, asked.largest),
        beside,
    ):
        parts.append(measured())
        print(parts[-1], end="\n\n", flush=True)
    if asked.write:
        write_section("benchmarks/inference.py", "\n\n".join(parts))


if __name__ == "__main__":
    main()
