"""What a process of the cluster does with the items that it is handed."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import socket
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from bridgetune._version import __version__
from bridgetune.errors import BridgetuneError
from bridgetune.handing import Work
from bridgetune.remarks import held_back
from bridgetune.stores import in_words

State = Literal["done", "failed", "unusable"]


class Answer(NamedTuple):
    """What a process says of an item.

    Attributes:
        state: Whether it was done, failed, or cannot be done by this process at all, nor any other item.
        result: What came of it.
        said: Why not, in a line.
        remarks: What there was to warn of.
    """

    state: State
    result: Any = None
    said: str = ""
    remarks: tuple[str, ...] = ()


class Worker:
    """A process that has a work open, and does one item after another.

    Args:
        work: Opened with the first item, so that what is wrong with it is an answer.
        threads: That it may use.
        version: Of bridgetune, where the work comes from.
        folder: To which paths are relative, where it is there.
        gpus: That it may use; without any it sees none.
        prepare: What it does first.
    """

    def __init__(
        self,
        work: Work[Any, Any],
        threads: int,
        version: str,
        folder: str,
        gpus: float,
        prepare: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._work, self._version = work, version
        self._does: Callable[[Any], Any] | None = None
        with contextlib.suppress(OSError):
            os.chdir(folder)
        if not gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        for setting in prepare:
            setting()
        _limit(threads)

    def carry_out(self, item: Any) -> Answer:
        """Do an item."""
        if self._does is None:
            try:
                if self._version != __version__:
                    raise BridgetuneError(f"has bridgetune {__version__}, the command {self._version}; install one")
                self._does = self._work.opened()
            except Exception as error:
                return Answer("unusable", said=f"{socket.gethostname()}: {_line(error)}")
        return attempted(self._does, item)


def carry_out(pickled: bytes, item: Any, given: tuple[Any, ...], before: Any = None) -> Answer:
    """Do an item in a process that may do others of the same work, and has it opened once.

    Args:
        pickled: The work.
        item: Of it.
        given: The other arguments of `Worker`.
        before: What had to be waited for.
    """
    return _worker(pickled, given).carry_out(item)


@functools.lru_cache(maxsize=1)
def _worker(pickled: bytes, given: tuple[Any, ...]) -> Worker:
    return Worker(pickle.loads(pickled), *given)


def attempted(does: Callable[[Any], Any], item: Any) -> Answer:
    """An item done, whatever comes of it."""
    with held_back() as remarks:
        try:
            answer = Answer("done", does(item))
        except Exception as error:
            answer = Answer("failed", said=_line(error))
    return answer._replace(remarks=tuple(map(in_words, remarks.taken())))


def _line(error: Exception) -> str:
    """An error in a line, which calls files as the caller does."""
    said = in_words(" ".join(str(error).split())) or "no message"
    return said if isinstance(error, BridgetuneError) else f"{type(error).__name__}: {said}"


def _limit(threads: int) -> None:
    """As many threads as the process was given cores."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import cv2
    import torch

    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    with contextlib.suppress(RuntimeError):  # once a process
        torch.set_num_interop_threads(1)
