"""What the verbs print, whatever the terminal can show."""

from __future__ import annotations

import io
import sys

import pytest

from bridgetune.cli.console import RESULTS, show_anything
from bridgetune.paths import as_text


def test_what_the_terminal_cannot_show_is_escaped(monkeypatch: pytest.MonkeyPatch):
    raw = io.BytesIO()
    terminal = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    show_anything()
    RESULTS.print("größe \udce9 α", markup=False)
    terminal.flush()
    assert raw.getvalue() == rb"gr\xf6\xdfe \xe9 \u03b1" + b"\n"


def test_names_in_documents_are_utf8_or_escaped():
    assert as_text("größe") == "größe"
    assert as_text("gr\udcc3\udcb6\udcc3\udc9fe") == "größe"  # as LC_ALL=C has it
    assert as_text("caf\udce9") == r"caf\xe9"
