"""Images measured by several processes of this machine."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from bridgetune.errors import RequestError, WorkError
from bridgetune.evaluation.dataset import ImageFiles
from bridgetune.evaluation.measuring import Method, Scores, measure
from bridgetune.inference import Undecided
from bridgetune.inference.feathering import Blend
from bridgetune.inference.fusing import FuseRecipe
from bridgetune.inference.smoothing import Smoothing
from bridgetune.metrics import METRICS, Convention, Metric
from bridgetune.protocol import Evaluator
from bridgetune.targets import clean_path_for_children

_method = Method()
"""A worker process's own."""


class Opens(Protocol):
    """What can be sent to another process, and opens a method there."""

    def open(self) -> nn.Module | Evaluator | None:
        """The method; None where saved results are measured."""
        ...


def cores() -> int:
    """Those that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not everywhere
        return os.cpu_count() or 1


def in_processes(
    images: list[ImageFiles], prepared: tuple[Any, ...], count: int
) -> Iterator[tuple[ImageFiles, Scores]]:
    """Images as they are done."""
    threads = max(1, cores() // count)
    pool = ProcessPoolExecutor(count, get_context("spawn"), _prepare, (threads, *prepared))
    # By size, so that a process finds the filters of one size made.
    ordered = sorted(images, key=lambda files: files.size, reverse=True)
    try:
        with clean_path_for_children():
            running = {pool.submit(_measured, files): files for files in ordered}
        for future in as_completed(running):
            yield running[future], future.result()
    except BrokenProcessPool:
        raise WorkError("a process died while it measured, out of memory perhaps; try fewer, --workers 1") from None
    finally:
        pool.shutdown(cancel_futures=True)


def sendable() -> list[Metric]:
    """The metrics, for processes that have not registered the caller's own."""
    for name, metric in METRICS.items():
        try:
            pickle.dumps(metric)
        except (pickle.PicklingError, AttributeError, TypeError):
            raise RequestError(
                f"metric {name}: its function cannot be sent to other processes; register it as"
                " package.module:function, or measure with workers=1"
            ) from None
    return list(METRICS.values())


def _prepare(
    threads: int,
    metrics: list[Metric],
    opening: Opens,
    recipe: FuseRecipe,
    convention: Convention,
    undecided: Undecided,
    keep: Path | None,
    smooth: Sequence[Smoothing],
    blend: Blend,
) -> None:
    """What a worker does first."""
    global _method
    # Ctrl-C is the parent's to answer.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    METRICS.update({metric.name: metric for metric in metrics})
    _method = Method(opening.open(), recipe, convention, undecided, keep, smooth, blend)


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever, or go on to write."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _measured(files: ImageFiles) -> Scores:
    return measure(files, _method)
