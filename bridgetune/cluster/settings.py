"""Which cluster works, and what one of its processes has. Nothing here imports Ray or torch."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Callable
from dataclasses import dataclass

from bridgetune.config.bounds import ClusterWorkers, Cores, Gpus, within
from bridgetune.errors import RequestError
from bridgetune.paths import printable

HERE = "here"
"""Instead of an address: this machine alone, by a Ray of the command's own."""

AUTO = "auto"
"""Likewise: the Ray that runs on this machine, or that RAY_ADDRESS names."""

PATIENCE = 5.0
"""Seconds for a head to answer."""


@dataclass(frozen=True)
class Cluster:
    """Where work is handed out to.

    Attributes:
        address: HOST:PORT of a Ray head, `auto`, or `here`.
        workers: Processes; None for as many as fit.
        cpus: Cores of each, which are its threads, too.
        gpus: GPUs of each, of which it may have a share. None: of training runs one, where there are some; of pictures
            none, which are then computed as the command line does it by itself.
        prepare: What a process does first.
    """

    address: str = HERE
    workers: int | None = None
    cpus: int = 1
    gpus: float | None = None
    prepare: tuple[Callable[[], None], ...] = ()

    @property
    def device(self) -> str:
        """Where a process has its network; empty for where it is opened."""
        return "cuda" if self.gpus else ""

    def check(self) -> None:
        """Find out at once what would keep the work from being begun.

        Raises:
            RequestError: Ray is not installed, or nobody answers at the address; or a number is out of range.
        """
        if self.workers is not None:
            within("workers", self.workers, ClusterWorkers)
        within("cpus", self.cpus, Cores)
        if self.gpus is not None:
            within("gpus", self.gpus, Gpus)
        if importlib.util.find_spec("ray") is None:
            raise RequestError("--ray: Ray is not installed; pip install 'bridgetune[cluster]'")
        if self.address not in (HERE, AUTO):
            self._check_address()

    def _check_address(self) -> None:
        host, colon, port = self.address.rpartition(":")
        if not (colon and host and port.isdecimal() and 0 < int(port) < 65536 and "/" not in host):
            raise RequestError(
                f"--ray: got {printable(self.address)}, expected HOST:PORT of a Ray head, {AUTO}, or nothing for this"
                " machine"
            )
        try:
            socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
        except (OSError, UnicodeError) as error:
            reason = printable(getattr(error, "strerror", None) or str(error) or "it does not answer")
            raise RequestError(
                f"--ray {printable(self.address)}: no Ray head there ({reason}); start one (ray start --head), or check"
                " the address"
            ) from None
