"""Pieces of GitHub's Markdown."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bridgetune.markdown import markdown_text, pipe_table


@given(st.text("ab\\`*_|<>[]$ "))
def test_whatever_has_a_meaning_is_escaped_and_the_text_is_the_same(text: str):
    escaped = markdown_text(text)
    assert re.sub(r"\\([\\`*_|<>\[\]$])", r"\1", escaped) == text
    assert not re.search(r"[\\`*_|<>\[\]$]", re.sub(r"\\.", "", escaped))


def test_numbers_stand_to_the_right_and_names_to_the_left():
    assert pipe_table(["Method", "Q", "Note"], [["DRPL", "0.7", "own"], ["MSFIN", "12", ""]], left=(0, 2)) == (
        "| Method | Q | Note |\n| :-- | --: | :-- |\n| DRPL | 0.7 | own |\n| MSFIN | 12 |  |"
    )
