"""What a backbone costs: parameters, FLOPs, time and memory of one pair, Table 6 of the paper, measured here."""

from __future__ import annotations

import contextlib
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field, JsonValue, NonNegativeFloat, NonNegativeInt
from torch.utils.flop_counter import FlopCounterMode

from bridgetune._version import __version__
from bridgetune.documents import Document, Name, Text, read_model
from bridgetune.errors import RequestError, WorkError
from bridgetune.files import replaced
from bridgetune.opening import is_factory, open_generator
from bridgetune.sweeps.plan import RUNS
from bridgetune.sweeps.settings import Backbone, CostSettings
from bridgetune.targets import clean_path_for_children, refuse_untrusted
from bridgetune.wrapping import Adapter


class Cost(Document):
    """The cost of fusing one pair.

    Attributes:
        bridgetune, generator, options, asked, settings: What was measured, and how.
        parameters: Of the generator; the discriminators are no part of what fuses.
        flops: Floating-point operations of the generator, a multiply-add as two.
        seconds: Of each repeat, decision and fusing, without reading files.
        memory: Bytes that the first pair takes beside process, weights and sources; None where it cannot be told.
        machine: Device, threads and torch's version.
    """

    bridgetune: Name = __version__
    generator: Text
    options: dict[str, JsonValue]
    asked: dict[str, bool | list[float]] = Field(default={})
    settings: CostSettings
    parameters: NonNegativeInt
    flops: NonNegativeInt
    seconds: Annotated[list[NonNegativeFloat], Field(min_length=1)]
    memory: int | None
    machine: Name

    @property
    def time(self) -> float:
        """The median, in seconds."""
        return statistics.median(self.seconds)


def cost_of(backbone: Backbone, settings: CostSettings, out: Path, *, trust: bool = False) -> tuple[Cost, bool]:
    """A backbone's cost, and whether it had to be measured; kept in the sweep's folder.

    Raises:
        WorkError: The process that measures died.
    """
    path = out / RUNS / backbone.slug / "cost.json"
    if path.is_file():
        with contextlib.suppress(RequestError):  # damaged, it is measured again
            kept = read_model(Cost, path, "the cost of a backbone")
            told = (kept.bridgetune, kept.generator, kept.options, kept.asked, kept.settings)
            if told == (__version__, backbone.generator, backbone.options, backbone.asked, settings):
                return kept, False
    cost = _in_own_process(backbone, settings, trust)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as partial:
        partial.write_text(cost.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return cost, True


def open_backbone(backbone: Backbone, *, trust: bool = False) -> Adapter:
    """The network before stage 1: fresh, or with the weights that it brings.

    Args:
        backbone: As the sweep's file has it.
        trust: Import and call a factory that it names, or that a folder which it names does.

    Raises:
        RequestError: It cannot be made of what is given, or it names a factory and is not trusted.
    """
    if not trust and is_factory(backbone.generator):
        refuse_untrusted(Path("the sweep's file"), backbone.generator)
    weights = "shipped" if str(backbone.weights) == "shipped" else backbone.weights
    asked = backbone.symmetric, backbone.mirrored, backbone.scales
    return open_generator(backbone.generator, weights, *asked, options=backbone.options, trust=trust)


def _in_own_process(backbone: Backbone, settings: CostSettings, trust: bool) -> Cost:
    """A process's peak of memory is its own only where it has done nothing before."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            with clean_path_for_children():
                cost = pool.submit(measure, backbone, settings, trust)
            return cost.result()
        except BrokenProcessPool:
            size = "×".join(map(str, settings.size))
            raise WorkError(
                f"cost of {backbone.name}: its process died, out of memory perhaps; try a smaller cost.size than {size}"
            ) from None


def measure(backbone: Backbone, settings: CostSettings, trust: bool = False) -> Cost:
    """Measure in this process, which should be a fresh one."""
    device = torch.device("cuda" if settings.device == "auto" and torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    generator = open_backbone(backbone, trust=trust).eval().to(device)
    first, second = (torch.rand(1, 3, *settings.size, device=device) for _ in range(2))

    def fuse() -> float:
        began = time.perf_counter()
        generator.fuse(first, second)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - began

    with torch.no_grad():
        memory = _added_memory(fuse, device)
        seconds = [fuse() for _ in range(settings.repeats)]
        with FlopCounterMode(display=False) as counted:
            generator(first, second)
    return Cost(
        generator=backbone.generator,
        options=backbone.options,
        asked=backbone.asked,
        settings=settings,
        parameters=sum(parameter.numel() for parameter in generator.unwrap().parameters()),
        flops=counted.get_total_flops(),
        seconds=seconds,
        memory=memory,
        machine=_machine(device),
    )


def _added_memory(call: Callable[[], object], device: torch.device) -> int | None:
    """By how many bytes the peak in a call is above what was taken before it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        return torch.cuda.max_memory_allocated(device) - before
    # Where the kernel forgets the peak of importing torch, what is left of it is what is taken now.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before_peak = _peak()
    call()
    after_peak = _peak()
    return None if before_peak is None or after_peak is None else after_peak - before_peak


def _peak() -> int | None:
    """The peak of this process's memory, in bytes; Linux alone has one that a parent's does not hide."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    threads = torch.get_num_threads()
    cpu = f"{platform.machine()} CPU ({torch.backends.cpu.get_cpu_capability()})"
    return f"{cpu}, {threads} thread{'s' * (threads > 1)}, torch {torch.__version__}"
