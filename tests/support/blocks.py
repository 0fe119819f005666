"""The fenced blocks of Markdown pages, and commands in them as a shell would split them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """What stands between two fences.

    Attributes:
        language: Behind the first fence; empty where nothing is.
        text: The lines between.
        line: Of the first of them, from 1.
    """

    language: str
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page in Markdown, in their order."""
    for found in _FENCE.finditer(page):
        yield Block(found[1].strip(), found[2], page[: found.start(2)].count("\n") + 1)


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a shell block, without comments; a backslash continues a line, `&&` parts two commands."""
    for line in text.replace("\\\n", " ").splitlines():
        command: list[str] = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            if word != "&&":
                command.append(word)
            elif command:
                yield command
                command = []
