"""Which implementation scans: what there is, what can run where, and what was chosen."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bridgetune.errors import RequestError
from bridgetune_bridgemff import native
from bridgetune_bridgemff.scan import blocked, mamba_ssm, reference
from bridgetune_bridgemff.scan import native as native_scan
from bridgetune_bridgemff.scan.arguments import Arguments

Choice = Literal["auto", "native", "cuda", "torch", "reference"]

VARIABLE = "BRIDGETUNE_SCAN"
"""The environment variable that says what `auto` means."""

logger = logging.getLogger("bridgetune")


@dataclass(frozen=True)
class Backend:
    """One implementation of the scan.

    Attributes:
        summary: What it is, in a few words.
        problem: Given device and dtype, why it cannot run there, in a line; empty where it can.
        forward: Arguments and whether a backward pass will follow -> y, and what that pass needs.
        backward: Arguments, gradient of y, and what `forward` kept -> the gradients.
        block_length: Sequence length -> tokens between the states that `forward` keeps; 0: it keeps none.
    """

    summary: str
    problem: Callable[[torch.device, torch.dtype], str]
    forward: Callable[[Arguments, bool], tuple[Tensor, Tensor]]
    backward: Callable[[Arguments, Tensor, Tensor], Arguments]
    block_length: Callable[[int], int]


def _native_problem(device: torch.device, dtype: torch.dtype) -> str:
    return _only("cpu", device, dtype) or native.problem()


def _cuda_problem(device: torch.device, dtype: torch.dtype) -> str:
    return _only("cuda", device, dtype) or mamba_ssm.problem(device)


def _only(kind: str, device: torch.device, dtype: torch.dtype) -> str:
    if device.type != kind:
        return f"it runs on {kind}, not on {device.type}"
    return "" if dtype == torch.float32 else f"it computes in float32, not in {str(dtype).removeprefix('torch.')}"


BACKENDS: dict[str, Backend] = {
    "native": Backend(
        "compiled C, vectors and threads",
        _native_problem,
        native_scan.forward,
        native_scan.backward,
        native_scan.block_length,
    ),
    "cuda": Backend("mamba-ssm's kernel", _cuda_problem, mamba_ssm.forward, mamba_ssm.backward, lambda length: 0),
    "torch": Backend(
        "torch operations", lambda device, dtype: "", blocked.forward, blocked.backward, blocked.block_length
    ),
    "reference": Backend(
        "a float64 loop over tokens, for tests",
        lambda device, dtype: "",
        reference.forward,
        reference.backward,
        lambda length: 0,
    ),
}
"""The first that can run is what `auto` takes; `torch` always can."""


def chosen(asked: str, device: torch.device, dtype: torch.dtype) -> Backend:
    """The backend that scans.

    Args:
        asked: A name, or `auto`: what the environment variable BRIDGETUNE_SCAN names, else the fastest that runs.

    Raises:
        RequestError: No such backend, or it cannot run on this device and dtype: it is never replaced in silence.
    """
    asked_by = "backend="
    if asked == "auto":
        asked, asked_by = os.environ.get(VARIABLE, "") or "auto", f"{VARIABLE}="
    name = _first_that_runs(device, dtype) if asked == "auto" else _checked(asked, asked_by, device, dtype)
    _say(name, device.type)
    return BACKENDS[name]


def runs_natively(device: torch.device) -> bool:
    """Whether `auto` chooses the native scan for float32 on `device`."""
    return device.type == "cpu" and chosen("auto", device, torch.float32) is BACKENDS["native"]


def report(device: torch.device, dtype: torch.dtype = torch.float32) -> str:
    """In a line, which backend `auto` takes on `device`, and why not a faster one."""
    try:
        name = next(name for name, backend in BACKENDS.items() if backend is chosen("auto", device, dtype))
    except RequestError as error:
        return str(error)
    by = f" (set by {VARIABLE})" if os.environ.get(VARIABLE, "auto") not in ("", "auto") else ""
    said = f"{name}{by}: {BACKENDS[name].summary}"
    passed_over = next((kind for kind in ("native", "cuda") if not _only(_RUNS_ON[kind], device, dtype)), name)
    why = BACKENDS[passed_over].problem(device, dtype) if passed_over != name else ""
    return f"{said}; not {passed_over}: {why}" if why else said


_RUNS_ON = {"native": "cpu", "cuda": "cuda"}


@functools.cache
def _first_that_runs(device: torch.device, dtype: torch.dtype) -> str:
    return next(name for name, backend in BACKENDS.items() if not backend.problem(device, dtype))


@functools.cache
def _checked(name: str, asked_by: str, device: torch.device, dtype: torch.dtype) -> str:
    if name not in BACKENDS:
        raise RequestError(f"{asked_by}{name}: no such selective scan, expected auto or {', '.join(BACKENDS)}")
    problem = BACKENDS[name].problem(device, dtype)
    if problem:
        raise RequestError(f"{asked_by}{name}: this selective scan cannot run ({problem}); use auto")
    return name


@functools.cache
def _say(name: str, device: str) -> None:
    logger.info("selective scan on %s: %s (%s)", device, name, BACKENDS[name].summary)
