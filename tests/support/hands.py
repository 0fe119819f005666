"""Hands of this process: what is handed out is sent and opened as elsewhere."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator, Sequence
from typing import Any

from bridgetune.cluster.worker import attempted
from bridgetune.handing import Done


def here(work: Any, items: Sequence[Any]) -> Generator[Done[Any, Any], None, None]:
    """`Hands`, last item first: nothing may depend on the order."""
    does = pickle.loads(pickle.dumps(work)).opened()
    for item in reversed(items):
        answer = attempted(does, item)
        yield Done(item, answer.result, answer.said, answer.remarks)


def stopping_after(count: int) -> Callable[..., Generator[Done[Any, Any], None, None]]:
    """`Hands` that are stopped when so many items are done."""

    def hands(work: Any, items: Sequence[Any]) -> Generator[Done[Any, Any], None, None]:
        yield from here(work, items[len(items) - count :])
        raise KeyboardInterrupt

    return hands
