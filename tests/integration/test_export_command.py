"""`bridgetune export` as a user runs it, and the snippets of the documentation on what it writes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import bridgetune
from bridgetune import RequestError
from bridgetune.exporting import FORMATS, FormatName, export
from bridgetune.inference import fuse_files
from tests.integration.test_export import assert_same_map, generator, pair, without_bridgetune
from tests.support import ROOT
from tests.support.blocks import blocks
from tests.support.commands import refused, run, succeeds


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generator")
    generator("drpl").save_pretrained(folder)
    return folder


def test_the_command_says_what_the_file_takes_and_how_far_it_is_off(saved: Path, tmp_path: Path):
    told = succeeds("export", saved, "--format", "torch", "-o", tmp_path / "it.pt2", "--size", "dynamic")
    assert "H and W from 2 on" in told
    assert re.search(r"in torch: its map is off by \d\.\de[-+]\d\d at most, 1e-04 allowed", told)


@pytest.mark.parametrize("format", FORMATS)
def test_the_snippets_of_the_documentation_fuse_without_bridgetune(format: FormatName, saved: Path, tmp_path: Path):
    made, path = bridgetune.load(saved), tmp_path / f"mynet{FORMATS[format].suffix}"
    export(made, path, format, size=(40, 50))
    rng = np.random.default_rng(0)
    sources = [tmp_path / f"{name}.png" for name in "AB"]
    for source in sources:
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(source)

    page = (ROOT / "docs" / "exporting.md").read_text(encoding="utf-8")
    section = page[page.index("## Fuse with it") : page.index("## In Python")]
    images, *runs, saving = (block.text for block in blocks(section))
    (chosen,) = (snippet for snippet in runs if path.name in snippet)
    without_bridgetune(images + chosen + saving, tmp_path)
    fused = np.asarray(Image.open(tmp_path / "fused.png"))
    assert np.array_equal(fused, fuse_files(made, *sources, undecided="keep", blend="none").pixels)


def test_a_plugins_network_is_exported_as_its_options_have_it(tmp_path: Path):
    weights, program = tmp_path / "narrow.safetensors", tmp_path / "it.pt2"
    save_file(bridgetune.create("drpl", weights=None, width=4, blocks=1).unwrap().state_dict(), weights)
    given = "drpl", "--weights", weights, "--option", "width=4"
    assert "blocks" in refused("export", *given, "--format", "torch", "-o", program, "--size", "16x16")
    succeeds("export", *given, "--option", "blocks=1", "--format", "torch", "-o", program, "--size", "16x16")
    assert program.exists()


def test_a_network_of_ones_own_is_exported_by_its_factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n\n\n"
        "def make():\n    return nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.Conv2d(4, 1, 1))\n"
    )
    monkeypatch.chdir(tmp_path)
    finished = run("export", "mine:make", "--format", "torch", "-o", "mine.pt2", "--json")
    assert finished.returncode == 0, finished.stderr
    assert '"size": "dynamic"' in finished.stdout
    torch.export.load(tmp_path / "mine.pt2").module()(*pair(2, 7, 9))


def test_wrong_requests_are_one_line_and_write_nothing(saved: Path, tmp_path: Path):
    there, folder = tmp_path / "there.onnx", tmp_path / "folder.pt2"
    there.write_text("something")
    folder.mkdir()
    (tmp_path / "beside.bin").write_text("something")
    before = sorted(tmp_path.rglob("*"))
    wrong: list[tuple[list[object], str]] = [
        (["--format", "tflite", "-o", there], "tflite"),
        (["--format", "onnx", "-o", there], "there.onnx: exists already; name another, or replace it (--force)"),
        (["--format", "onnx", "-o", tmp_path / "it.onnx", "--size", "256"], "--size: got '256', expected HxW"),
        (["--format", "onnx", "-o", tmp_path / "it.onnx", "--weights", there], "brings its own weights"),
    ]
    for arguments, said in wrong:
        line = refused("export", saved, *arguments)
        assert said in line, (arguments, line)
    made = bridgetune.load(saved)
    for path, format, said in (
        (tmp_path / "it.pt2", "onnx", "ends in .onnx"),
        (there / "it.onnx", "onnx", "there.onnx is not a folder"),
        (folder, "torch", "folder.pt2: is a folder"),
        (tmp_path / "beside.xml", "openvino", "beside.bin: exists already"),
    ):
        with pytest.raises(RequestError, match=said):
            export(made, path, format)
    with pytest.raises(RequestError, match="size: got 0x8"):
        export(made, tmp_path / "it.onnx", "onnx", size=(0, 8))
    assert sorted(tmp_path.rglob("*")) == before
    assert there.read_text() == "something"


def test_a_file_is_replaced_where_that_is_asked_for(saved: Path, tmp_path: Path):
    path = tmp_path / "it.xml"
    for file in (path, path.with_suffix(".bin")):
        file.write_text("something")
    export(bridgetune.load(saved), path, "openvino", size=(8, 8), overwrite=True)
    assert_same_map(path, bridgetune.load(saved), (1, 8, 8))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["it.bin", "it.xml"]
