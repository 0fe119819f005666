"""The formats: a program written and run again."""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import nn

from bridgetune import AdapterConfig, RequestError, WorkError, export, wrap
from bridgetune.cli.export import export as export_verb
from bridgetune.exporting import FORMATS, FormatName
from bridgetune.exporting.tracing import trace


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_runs_and_is_all_in_the_files_that_are_told(name: FormatName, tmp_path: Path):
    kind = FORMATS[name]
    kind.require()
    torch.manual_seed(0)
    made = wrap(nn.Conv2d(6, 1, 3, padding=1), AdapterConfig(call="concat")).eval()
    kind.write(trace(made, (6, 9), {}), tmp_path / f"it{kind.suffix}", {"bridgetune": "1"}, None)
    assert {path.suffix for path in tmp_path.iterdir()} == {kind.suffix, *kind.beside}
    first, second = torch.rand(2, 1, 3, 6, 9)
    with torch.no_grad():
        torch.testing.assert_close(kind.open(tmp_path / f"it{kind.suffix}")(first, second), made(first, second))


@pytest.mark.parametrize("name", FORMATS)
def test_every_package_that_is_needed_is_told_with_what_brings_it(name: FormatName, monkeypatch: pytest.MonkeyPatch):
    for package in FORMATS[name].packages:
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, package, None)
            with pytest.raises(WorkError, match=rf"^{package} is not installed; pip install 'bridgetune\[\w+\]'$"):
                FORMATS[name].require()


def test_suffixes_tell_the_formats_apart():
    suffixes = [suffix for kind in FORMATS.values() for suffix in (kind.suffix, *kind.beside)]
    assert len(set(suffixes)) == len(suffixes)


def test_a_format_is_one_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """As CONTRIBUTING.md has it: here, torch's format under another suffix."""
    theirs = FORMATS["torch"]
    mine = replace(theirs, suffix=".mine", runtime="mine")
    monkeypatch.setitem(FORMATS, "mine", mine)  # type: ignore[misc]
    generator = wrap(nn.Conv2d(6, 1, 3, padding=1), AdapterConfig(call="concat")).eval()
    done = export(generator, tmp_path / "it.mine", "mine", size=(6, 9))  # type: ignore[arg-type]
    assert done.path.is_file()
    assert done.difference < 1e-6
    with pytest.raises(RequestError, match=r"expected a name that ends in \.mine, as mine takes it"):
        export(generator, tmp_path / "it.pt2", "mine")  # type: ignore[arg-type]


def test_the_command_line_offers_every_format():
    annotation = inspect.signature(export_verb, eval_str=True).parameters["format_"].annotation
    choices, _ = get_args(annotation)
    assert set(get_args(choices)) == set(FORMATS)
