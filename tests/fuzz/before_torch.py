"""Whether wrong values are refused before torch is waited for: `python -m tests.fuzz.before_torch`.

Every option of every verb that a value can be wrong for is given one, each in a child of one process in which a first
import of torch ends it. What is printed for each that does wait is its command line.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridgetune.cli.app import run
from bridgetune.cli.stopping import Stop
from tests.fuzz.command_lines import MISSING, NUMBERS, RIGHT, VERBS, without
from tests.fuzz.example import make_example

WRONG = {"number": NUMBERS, "path": (MISSING[0], "C:\\pictures\\a.png", *MISSING[1:]), "choice": ("nonsense",)}

WAITED = 77
"""The exit code of a child that was about to import torch."""


class Torchless:
    """A finder of modules by which an import of torch ends the process."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "torch":
            os._exit(WAITED)


def lines(values: int) -> Iterator[list[str]]:
    """Command lines with one wrong value each, so many for every option."""
    for verb, options in sorted(VERBS.items()):
        for option in options:
            if option.flag:
                wrong = ("nonsense",) if option.flag == "--generator" else WRONG.get(option.kind, ())
                for value in wrong[:values]:
                    right = without(list(RIGHT.get(verb, ())), option)
                    yield [*verb.split(), *right, option.flag, *[value] * option.values]


def in_child(does: Any) -> int:
    """The exit code of what is done in a child, which says nothing."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os._exit(does() or 0)


def refused_at_once(arguments: list[str]) -> int:
    sys.meta_path.insert(0, Torchless())
    return run(arguments, Stop())


def main(values: int) -> int:
    """Print those lines that are not refused before torch is imported, and how many there were."""
    assert "torch" not in sys.modules
    asked = list(lines(values))
    with tempfile.TemporaryDirectory() as place:
        in_child(lambda: make_example(Path(place) / "example"))
        os.chdir(Path(place) / "example")
        codes = [in_child(lambda arguments=arguments: refused_at_once(arguments)) for arguments in asked]
        os.chdir("/")
    waiting = [arguments for arguments, code in zip(asked, codes, strict=True) if code != 2]
    for arguments in waiting:
        print(ascii(arguments))
    print(f"{len(asked)} lines, {len(waiting)} not refused at once")
    return int(bool(waiting))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
