"""What the library says of options, as the page says it: no option that nobody can type there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from bridgetune.app.choices import SETTINGS, VALUES
from bridgetune.app.wording import PHRASES, in_words
from tests.support import ROOT

TOLD = ("inference", "pictures", "opening.py", "pretrained.py", "wrapping", "weights.py", "training", "data")
"""Rooms and modules of bridgetune whose lines reach the page."""

OPTION = re.compile(r"(?<![\w-])--[a-z]")


def lines_of(node: ast.AST) -> Iterator[str]:
    """Texts within it, docstrings and all; what is put into them is `x`."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in each.values)
            for part in each.values:
                if isinstance(part, ast.FormattedValue):
                    yield from lines_of(part)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value
        else:
            yield from lines_of(each)


def lines_with_options() -> list[str]:
    found = set()
    for place in TOLD:
        path = ROOT / "bridgetune" / place
        for module in [path] if path.suffix else sorted(path.rglob("*.py")):
            found |= {line for line in lines_of(ast.parse(module.read_text(encoding="utf-8"))) if OPTION.search(line)}
    return sorted(found)


LINES = lines_with_options()


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:40])
def test_no_line_of_the_library_names_an_option_on_the_page(line: str):
    assert not OPTION.search(re.sub(r"`[^`]*`", "", in_words(line)))


def test_there_are_such_lines_and_each_phrase_is_one_of_theirs():
    every = "\n".join(LINES)
    assert len(LINES) > 10
    assert [phrase for phrase in PHRASES if "--exposure)" not in phrase and phrase not in every] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "a source pair must have one size; align them (--align auto)",
            "a source pair must have one size; align them (“Alignment” at “by what is found”)",
        ),
        (
            "bring them to one exposure (--align auto --exposure)",
            "bring them to one exposure (“Alignment” at “by what is found”, “Exposure” at “always evened”)",
        ),
        (
            "bring the frames to one exposure first (--exposure)",
            "bring the frames to one exposure first (“Exposure” at “always evened”)",
        ),
        (
            "leave out --align and --exposure to fuse them as they are",
            "to fuse them as they are, have “Alignment” at “none: as they are” and “Exposure” at “kept as it is”",
        ),
        (
            "a border that holds nothing, and are taken from a.png; --borders keep has them as they are",
            "a border that holds nothing, and are taken from a.png",
        ),
        (
            "--clear and --blurred are one folder; choose another",
            "“References, sharp” and “References, blurred” are one folder; choose another",
        ),
        ("expected 8; choose a larger --size", "expected 8; choose a larger “Side, in pixels”"),
        ("--learning-rate 11 is too large; take --lr 1", "“Learning rate” 11 is too large; take “Learning rate” 1"),
        ("start by `bridgetune app --tune DIR`", "start by `bridgetune app --tune DIR`"),
        ("nothing of that kind -- at all", "nothing of that kind -- at all"),
        ("--unheard-of", "unheard of"),
        ("--alpha 0 (alpha=0) was as good", "“Adversarial weight α” 0 was as good"),
    ],
)
def test_an_option_is_the_control_that_has_its_label(line: str, said: str):
    assert in_words(line) == said


def test_every_value_of_every_setting_is_named_by_its_label():
    for name, values in VALUES.items():
        for value, label in values.items():
            assert in_words(f"take them so (--{name} {value})") == f"take them so (“{SETTINGS[name]}” at “{label}”)"
