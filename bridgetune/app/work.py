"""Work behind the page: one piece at a time, how far it is, and how it is stopped."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Literal

from bridgetune.errors import BridgetuneError, RequestError

logger = logging.getLogger("bridgetune")

State = Literal["waiting", "working", "done", "failed", "stopped"]


class StoppedError(Exception):
    """Work was asked to stop, and does."""


class Task:
    """A piece of work.

    Args:
        work: Does it, and tells the task how far it is.
        words: Says a line of the library in words for the page.

    Attributes:
        state: See `State`.
        step: What is being done, in a word or two.
        done, total: How much of the step.
        name: Of the frame that it is at.
        error: Why it failed, in one line.
        said: Lines that were said on the way.
    """

    def __init__(self, work: Callable[[Task], None], words: Callable[[str], str] = str) -> None:
        self._work, self.words = work, words
        self._stop, self._finished = threading.Event(), threading.Event()
        self._begun = 0.0
        self.state: State = "waiting"
        self.step, self.done, self.total, self.name = "waiting", 0.0, 1, ""
        self.error = ""
        self.said: list[str] = []

    @property
    def goes_on(self) -> bool:
        """Whether it waits or is being done."""
        return self.state in ("waiting", "working")

    @property
    def share(self) -> float:
        """Of the step that is done, in [0, 1]."""
        return min(self.done / max(self.total, 1), 1.0)

    def seconds_left(self) -> float | None:
        """For this step; None before anything of it is done."""
        passed = time.monotonic() - self._begun
        return passed * (1 - self.share) / self.share if self.state == "working" and self.share else None

    def tell(self, step: str, done: float, total: int = 1, name: str = "") -> None:
        """Say how far it is.

        Raises:
            StoppedError: It is to stop.
        """
        if self._stop.is_set():
            raise StoppedError
        if step != self.step:
            self._begun = time.monotonic()
        self.step, self.done, self.total, self.name = step, done, total, name

    def stop(self) -> None:
        """Have it stop the next time that it says how far it is."""
        self._stop.set()
        if self.state == "waiting":
            self.state = "stopped"

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, for which so long is waited."""
        return self._finished.wait(seconds)

    def carry_out(self) -> None:
        """Do it; whatever goes wrong is in `error`."""
        if self.state == "waiting":
            self.state = "working"
            self.state, self.error = self._ended()
        self._finished.set()

    def _ended(self) -> tuple[State, str]:
        try:
            self._work(self)
        except StoppedError:
            return "stopped", ""
        except BridgetuneError as error:
            return "failed", self.words(" ".join(str(error).split()))
        except MemoryError:
            return "failed", "there is not enough memory for pictures of this size; close something, or reduce them"
        except Exception as error:
            if self._stop.is_set():  # what it works on may have been cleared away
                return "stopped", ""
            logger.exception("the page's work failed")
            return "failed", self.words(f"{type(error).__name__}: {' '.join(str(error).split())}")
        return "done", ""


class Worker:
    """Does tasks in a thread of its own, one after the other.

    Args:
        most: Tasks that may wait.
    """

    def __init__(self, most: int) -> None:
        self._most, self._waiting = most, queue.Queue[Task]()
        self._now: Task | None = None
        self._said = _Said()
        self._idle = threading.Event()
        self._idle.set()
        thread = threading.Thread(target=self._serve, daemon=True, name="bridgetune work")
        thread.start()
        self._said.thread = thread.ident
        logger.addFilter(self._said)

    def submit(self, task: Task) -> None:
        """Have it done when those before it are.

        Raises:
            RequestError: Too many wait already.
        """
        if len(self._ahead()) >= self._most:
            raise RequestError(f"{self._most} others are waiting already; try again when some of them are done")
        self._waiting.put(task)

    def ahead(self, task: Task) -> int:
        """How many come before one that waits."""
        waiting = self._ahead()
        return (waiting.index(task) if task in waiting else 0) + (self._now is not None and self._now is not task)

    def close(self) -> None:
        """Stop what is being done, and all that waits."""
        logger.removeFilter(self._said)
        for task in self._ahead() + ([self._now] if self._now else []):
            task.stop()

    def rests(self, seconds: float) -> bool:
        """Whether nothing is being done, for which so long is waited."""
        return self._idle.wait(seconds)

    def _ahead(self) -> list[Task]:
        with self._waiting.mutex:
            return [task for task in self._waiting.queue if task.state == "waiting"]

    def _serve(self) -> None:
        while True:
            task = self._waiting.get()
            self._now = self._said.task = task
            self._idle.clear()
            task.carry_out()
            self._now = self._said.task = None
            self._idle.set()


class _Said(logging.Filter):
    """Has what is said while a task is done said in its words, and notes it."""

    def __init__(self) -> None:
        super().__init__()
        self.task: Task | None = None
        self.thread: int | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        task = self.task
        if task is None or record.thread != self.thread:
            return True
        record.msg, record.args = task.words(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = task.words(logging.Formatter().formatException(record.exc_info))
        elif record.levelno >= logging.WARNING:
            task.said.append(" ".join(record.msg.split()))
        return True
