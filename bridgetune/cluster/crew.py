"""Processes on a Ray cluster that do what is handed out to them. Nothing else here imports Ray."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridgetune._version import __version__
from bridgetune.cluster.settings import AUTO, HERE, Cluster
from bridgetune.cluster.worker import Answer, Worker, carry_out
from bridgetune.errors import RequestError, WorkError
from bridgetune.handing import Done, Item, Result, Work
from bridgetune.signals import heeded

RETRIES = 3
"""Times that an item is done again whose process died; the fourth death is put down to the item."""

GRACE = 60.0
"""Seconds for what is being done to end, once it is to be stopped."""

OBJECTS = 128 << 20
"""Bytes that a Ray of our own keeps for what is sent; items and answers are small."""


@dataclass(frozen=True)
class Crew:
    """`Hands` on a cluster, which is there as long as items are done: each process opens the work once.

    A process that dies is replaced by Ray, and its item done again. Who stops early, by Ctrl-C, waits for the items
    that are being done.
    """

    cluster: Cluster

    def __call__(self, work: Work[Item, Result], items: Sequence[Item]) -> Generator[Done[Item, Result], None, None]:
        """See `Hands`."""
        if not items:
            return
        gpus = self.cluster.gpus or 0.0
        with _connected(self.cluster) as ray:
            room = _room(ray, self.cluster.cpus, gpus)
            count = min(len(items), self.cluster.workers or room)
            worker = ray.remote(num_cpus=self.cluster.cpus, num_gpus=gpus, max_restarts=-1, max_task_retries=RETRIES)(
                Worker
            )
            given = work, self.cluster.cpus, __version__, str(Path.cwd()), gpus, self.cluster.prepare
            yield from handed_out(ray, [worker.remote(*given) for _ in range(count)], items)

    def runs(
        self, work: Work[Item, Result], items: Sequence[Item], after: Callable[[Item], Item | None]
    ) -> Generator[Done[Item, Result], None, None]:
        """See `RunHands`: each item is a task that asks for its cores and GPUs by itself."""
        if not items:
            return
        with _connected(self.cluster) as ray:
            gpus = self.cluster.gpus
            if gpus is None:
                gpus = float(ray.cluster_resources().get("GPU", 0.0) > 0)
            _room(ray, self.cluster.cpus, gpus)
            task = ray.remote(num_cpus=self.cluster.cpus, num_gpus=gpus, max_retries=RETRIES)(carry_out)
            pickled = ray.cloudpickle.dumps(work)
            given = self.cluster.cpus, __version__, str(Path.cwd()), gpus, self.cluster.prepare
            references = dict[Item, Any]()
            for item in items:
                before = after(item)
                waited_for = None if before is None else references.get(before)
                references[item] = task.remote(pickled, item, given, waited_for)
            yield from _awaited(ray, {reference: item for item, reference in references.items()})


def handed_out(ray: Any, workers: list[Any], items: Sequence[Item]) -> Iterator[Done[Item, Any]]:
    """Each item to the next process that has nothing to do.

    Args:
        ray: Connected.
        workers: A handle of a `Worker` for each item that may be done at once.
        items: See `Hands`.
    """
    idle, waiting, running = workers, iter(items), dict[Any, tuple[Item, Any]]()
    try:
        while True:
            for item in waiting:
                worker = idle.pop()
                running[worker.carry_out.remote(item)] = item, worker
                if not idle:
                    break
            # Its cores may be what a process that lost its machine waits for.
            while idle:
                ray.kill(idle.pop())
            if not running:
                return
            for reference in _ended(ray, running):
                item, worker = running.pop(reference)
                idle.append(worker)
                yield _done(ray, reference, item)
    finally:
        with contextlib.suppress(Exception):
            ray.wait(list(running), num_returns=len(running), timeout=GRACE)
        for worker in (*idle, *(worker for _, worker in running.values())):
            ray.kill(worker)


def _awaited(ray: Any, running: dict[Any, Item]) -> Generator[Done[Item, Any], None, None]:
    """Tasks as they end. Those that are not waited for any more are asked to stop as Ctrl-C would."""
    try:
        while running:
            for reference in _ended(ray, running):
                yield _done(ray, reference, running.pop(reference))
    finally:
        if running:
            with contextlib.suppress(Exception):
                for reference in running:
                    ray.cancel(reference)
                ray.wait(list(running), num_returns=len(running), timeout=GRACE)


def _ended(ray: Any, running: Iterable[Any]) -> list[Any]:
    """Which of some tasks have ended, once one of them has: to ask takes as long for all of them as for one."""
    everyone = list(running)
    ray.wait(everyone)
    ended: list[Any]
    ended, _ = ray.wait(everyone, num_returns=len(everyone), timeout=0)
    return ended


def _done(ray: Any, reference: Any, item: Item) -> Done[Item, Any]:
    try:
        answer: Answer = ray.get(reference)
    except ray.exceptions.RayError as error:
        return Done(item, failure=_death(ray, error))
    if answer.state == "unusable":
        raise WorkError(f"{answer.said}; every machine of the cluster needs the same packages and files")
    return Done(item, answer.result, answer.said, answer.remarks)


def _death(ray: Any, error: Exception) -> str:
    """Why Ray gave an item up, in a line."""
    if isinstance(error, ray.exceptions.RayActorError | ray.exceptions.WorkerCrashedError):
        return f"the process that did it died {RETRIES + 1} times, out of memory perhaps"
    first = next((line for line in str(error).splitlines() if line.strip()), "no message")
    return f"{type(error).__name__}: {' '.join(first.split())}"


def _room(ray: Any, cpus: int, gpus: float) -> int:
    """How many processes fit on the machines that there are.

    Raises:
        RequestError: None fits.
    """
    have = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    count = sum(_fits(resources, cpus, gpus) for resources in have)
    if not count:
        most = {name: max((each.get(name, 0.0) for each in have), default=0.0) for name in ("CPU", "GPU")}
        raise RequestError(
            f"--ray: no machine has {cpus} cores and {gpus:g} GPUs for a process, at most"
            f" {most['CPU']:g} and {most['GPU']:g}; ask for fewer (--ray-cpus, --ray-gpus)"
        )
    return count


def _fits(resources: dict[str, float], cpus: int, gpus: float) -> int:
    fits = resources.get("CPU", 0.0) // cpus
    if gpus:
        fits = min(fits, resources.get("GPU", 0.0) // gpus)
    return int(fits)


@contextmanager
def _connected(cluster: Cluster) -> Iterator[Any]:
    """Ray, connected within.

    Raises:
        RequestError: It cannot be reached, or is of another version.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")  # a Ray of our own, on a busy machine
    import ray

    if ray.is_initialized():
        raise RequestError("--ray: this process has a Ray already; call ray.shutdown() first")
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    own = {"include_dashboard": False, "num_cpus": _cores(), "object_store_memory": OBJECTS}
    try:
        with _signals_as_they_were():
            if cluster.address == HERE:
                # an address of the environment is for `auto`
                ray.init("local", **own, **quiet)
            else:
                ray.init(cluster.address, **quiet)
    except Exception as error:
        what = "" if cluster.address == HERE else f" {cluster.address}"
        advice = ""
        if cluster.address == AUTO:
            advice = "; start one (ray start --head), or leave out auto for one of its own"
        elif cluster.address != HERE and os.environ.get("RAY_AUTH_MODE") != "token":
            advice = "; where its head has a ~/.ray/auth_token, have that here and set RAY_AUTH_MODE=token"
        raise RequestError(f"--ray{what}: Ray cannot be had ({' '.join(str(error).split())[:300]}){advice}") from None
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _signals_as_they_were() -> Iterator[None]:
    """Ray answers SIGTERM in its own way."""
    before = heeded()
    try:
        yield
    finally:
        for number, handler in before.items():
            with contextlib.suppress(ValueError):  # not in the main thread
                signal.signal(number, handler)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not everywhere
        return os.cpu_count() or 1
