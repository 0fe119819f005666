"""Many items of one kind of work, and who does it: this process, or others that it hands them to."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
ItemIn = TypeVar("ItemIn", contravariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)


class Work(Protocol[ItemIn, ResultOut]):
    """What is done to each of many items. It can be sent to another process, and brings nothing that is open."""

    def opened(self) -> Callable[[ItemIn], ResultOut]:
        """What does it. Called once in a process: a network is read here.

        Raises:
            RequestError: It cannot be opened there.
        """
        ...


@dataclass(frozen=True)
class Done(Generic[Item, Result]):
    """What became of an item.

    Attributes:
        item: As it was given.
        result: What came of it; None where it failed.
        failure: Why it failed, in a line; empty where it did not.
        remarks: What there was to warn of, a line each.
    """

    item: Item
    result: Result | None = None
    failure: str = ""
    remarks: tuple[str, ...] = ()


class Hands(Protocol):
    """Who does work that is handed out."""

    def __call__(self, work: Work[Item, Result], items: Sequence[Item]) -> Generator[Done[Item, Result], None, None]:
        """Every item once, as it is done, in no order; one that fails stops no other.

        Raises:
            WorkError: The work cannot be opened where it is to be done, or nobody is left to do it.
        """
        ...


class RunHands(Protocol):
    """Who does work of which one item may have to wait for another, as the runs of a sweep do."""

    def __call__(
        self, work: Work[Item, Result], items: Sequence[Item], after: Callable[[Item], Item | None]
    ) -> Generator[Done[Item, Result], None, None]:
        """See `Hands`; no item is begun before the one that it comes after has ended, be it in failure."""
        ...
