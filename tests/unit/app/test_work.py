"""One piece of work at a time: how far it is, how it ends, how it is stopped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from bridgetune.app.work import StoppedError, Task, Worker
from bridgetune.errors import RequestError
from tests.support.pages import until


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(2)
    yield made
    made.close()


class Held:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun, self.free = threading.Event(), threading.Event()
        self.task = Task(self)

    def __call__(self, task: Task) -> None:
        self.begun.set()
        while not self.free.wait(0.005):
            task.tell("holding", 1, 4, "a frame")


def test_tasks_are_done_in_order_one_at_a_time(worker: Worker):
    held, order = Held(), list[str]()
    worker.submit(held.task)
    assert held.begun.wait(5)
    others = [Task(lambda task, name=name: order.append(name)) for name in "ab"]
    for other in others:
        worker.submit(other)
    assert [worker.ahead(task) for task in (held.task, *others)] == [0, 1, 2]
    with pytest.raises(RequestError, match="2 others are waiting"):
        worker.submit(Task(lambda task: None))
    held.free.set()
    assert all(task.wait(5) for task in (held.task, *others))
    assert order == ["a", "b"]
    assert {task.state for task in (held.task, *others)} == {"done"}


def test_what_is_being_done_says_how_far_it_is_and_stops(worker: Worker):
    held = Held()
    worker.submit(held.task)
    until(lambda: held.task.step == "holding")
    assert (held.task.share, held.task.name, held.task.goes_on) == (0.25, "a frame", True)
    left = held.task.seconds_left()
    assert left is not None
    assert left >= 0
    held.task.stop()
    assert held.task.wait(5)
    assert (held.task.state, held.task.error) == ("stopped", "")
    with pytest.raises(StoppedError):
        held.task.tell("holding", 2)


def test_what_is_stopped_while_it_waits_is_never_begun_and_makes_room(worker: Worker):
    held, begun = Held(), list[int]()
    worker.submit(held.task)
    assert held.begun.wait(5)
    waiting = [Task(lambda task: begun.append(1)) for _ in range(2)]
    for task in waiting:
        worker.submit(task)
        task.stop()
    last = Task(lambda task: None)
    worker.submit(last)
    held.free.set()
    assert last.wait(5)
    assert begun == []
    assert {task.state for task in waiting} == {"stopped"}


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        (RequestError("a.png: got\n a cat"), "a.png: got a cat"),
        (MemoryError(), "not enough memory"),
        (ValueError("odd"), "ValueError: odd"),
    ],
)
def test_what_fails_says_why_in_one_line_and_the_next_is_done(worker: Worker, raised: Exception, line: str):
    def fail(task: Task) -> None:
        raise raised

    failing, after = Task(fail), Task(lambda task: None)
    worker.submit(failing)
    worker.submit(after)
    assert failing.wait(5)
    assert after.wait(5)
    assert (failing.state, after.state) == ("failed", "done")
    assert line in failing.error
    assert "\n" not in failing.error


def test_what_is_said_while_it_is_done_is_noted_and_nothing_else(worker: Worker):
    logger = logging.getLogger("bridgetune")
    logger.warning("before")
    held = Held()
    worker.submit(held.task)
    assert held.begun.wait(5)
    logger.warning("by somebody else")
    held.free.set()
    saying = Task(lambda task: logger.warning("%s: aligned", "b.png"))
    worker.submit(saying)
    assert saying.wait(5)
    assert (held.task.said, saying.said) == ([], ["b.png: aligned"])


def test_what_is_said_and_what_fails_is_in_the_words_of_the_task_in_the_log_too(
    worker: Worker, caplog: pytest.LogCaptureFixture
):
    def work(task: Task) -> None:
        logging.getLogger("bridgetune").warning("%s: aligned", "/tmp/sent-0002.jpg")
        raise OSError("/tmp/sent-0002.jpg is gone")

    task = Task(work, lambda line: line.replace("/tmp/sent-0002.jpg", "b.jpg"))
    worker.submit(task)
    assert task.wait(5)
    assert task.said == ["b.jpg: aligned"]
    assert task.error == "OSError: b.jpg is gone"
    logged = "\n".join(map(logging.Formatter().format, caplog.records))
    assert "b.jpg: aligned" in logged
    assert "OSError: b.jpg is gone" in logged
    assert "the page's work failed" in logged


def test_closing_stops_all():
    worker, held = Worker(2), Held()
    waiting = Task(lambda task: None)
    worker.submit(held.task)
    assert held.begun.wait(5)
    worker.submit(waiting)
    worker.close()
    assert held.task.wait(5)
    assert (held.task.state, waiting.state) == ("stopped", "stopped")


def test_it_rests_where_nothing_is_being_done(worker: Worker):
    assert worker.rests(0)
    held = Held()
    worker.submit(held.task)
    assert held.begun.wait(5)
    assert not worker.rests(0.01)
    held.free.set()
    assert worker.rests(5)


def test_what_fails_once_it_is_to_stop_was_stopped(worker: Worker):
    begun, free = threading.Event(), threading.Event()

    def work(task: Task) -> None:
        begun.set()
        free.wait(5)
        raise FileNotFoundError("its folder")

    task = Task(work)
    worker.submit(task)
    assert begun.wait(5)
    task.stop()
    free.set()
    assert task.wait(5)
    assert (task.state, task.error) == ("stopped", "")
