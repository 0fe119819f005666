"""The formats: a program written and run again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from bridgetune import AdapterConfig, WorkError, wrap
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
