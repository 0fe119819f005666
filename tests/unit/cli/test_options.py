"""Options that several verbs share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main

from bridgetune import create
from bridgetune.cli import main
from bridgetune.cli.app import app
from bridgetune.cli.options import _fractions
from bridgetune.cli.settings import settings
from bridgetune.config import PretrainConfig, StackMaking, TuneConfig
from bridgetune.data import read_image, write_image
from bridgetune.inference import fuse_files
from tests.support.commands import refused, succeeds


@pytest.mark.parametrize(
    ("typed", "sizes"),
    [("1", (1,)), ("1,1/2,1/4", (1, 0.5, 0.25)), ("1, 0.5, 1/3", (1, 0.5, 1 / 3)), ("2,1,1/2", (2, 1, 0.5))],
)
def test_scales_are_fractions_or_decimals(typed: str, sizes: tuple[float, ...]):
    assert _fractions(typed) == sizes


@pytest.fixture
def pair(tmp_path: Path) -> list[Path]:
    for seed, name in enumerate(("a.png", "b.png")):
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 48, 3), dtype=np.uint8)
        write_image(tmp_path / name, pixels)
    return [tmp_path / "a.png", tmp_path / "b.png"]


def test_pictures_are_fused_as_the_options_say(pair: list[Path], tmp_path: Path):
    create("drpl", weights=None, blocks=1, width=4).save_pretrained(tmp_path / "g")
    said = succeeds("fuse", *pair, "-o", tmp_path / "f.png", "--generator", tmp_path / "g", "--scales", "1,1/2")
    assert re.search(r"fused image of \d+×\d+ pixels in .*f\.png \(\d+\.\d s\)", said.replace("\n", ""))
    asked = create("drpl", weights=tmp_path / "g", scales=(1, 0.5), blocks=1, width=4)
    assert np.array_equal(read_image(tmp_path / "f.png").pixels, fuse_files(asked, *pair).pixels)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("1,x", "--scales: got '1,x', expected sizes such as 1,1/2,1/4"),
        ("1,1/0", "--scales: got '1,1/0', expected sizes such as 1,1/2,1/4"),
        ("1/2", "scales: got 0.5; expected 1, then whole fractions of it, each once, and at most a 2 in front: 2, 1, "),
        ("2", "scales: got 2; expected 1, then whole fractions of it, each once, and at most a 2 in front: 2, 1, "),
    ],
)
def test_sizes_that_are_none_are_refused_in_a_line(typed: str, said: str, pair: list[Path], tmp_path: Path):
    line = refused("fuse", *pair, "-o", tmp_path / "f.png", "--scales", typed)
    assert said in line
    assert not (tmp_path / "f.png").exists()


def _numbers(group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _numbers(command)
            continue
        for option in command.params:
            descriptor = option.type_descriptor
            if descriptor.annotation in (int, float, int | None, float | None):
                yield f"{name} {option.opts[0]}", option


def test_every_number_of_the_command_line_has_two_ends():
    models = {
        flag
        for model in (PretrainConfig, TuneConfig, StackMaking)
        for option in settings(model)
        for flag in option.flags
    }
    numbers = list(_numbers(typer.main.get_command(app)))
    free = [name for name, option in numbers if not models & set(option.opts) and None in (option.min, option.max)]
    assert not free, f"give them limits(…) of bridgetune.config.bounds: {free}"
    assert "make --seed" in [name for name, _ in numbers]


@pytest.mark.parametrize(
    "given",
    [
        "data make --images a --masks b --out c --seed 4294967296",
        "data make --images a --masks b --out c --seed -1",
        "data make --images a --masks b --out c --size 99999999999999999999999",
        "data make --images a --masks b --out c --size 1e23",
        "data make --images a --out c --stack 1",
        "data make --images a --out c --stack 99999999999",
        "data make --images a --out c --stack 3 --blur nan",
        "data make --images a --out c --stack 3 --rotation 1e300",
        "compare a.json --alpha nan",
        "evaluate --sources a --fused b --workers 0",
        "evaluate --sources a --fused b --workers 1e23",
        "panels --sources a --generator drpl --out b.png --width 99999999",
        "export drpl --out a.pt2 --format torch --size 99999x99999",
        "export drpl --out a.pt2 --format torch --tolerance nan",
        "pretrain --images a --masks b --out c --cache -1",
        "pretrain --images a --masks b --out c --batch 100000000000000000000000",
        "pretrain --images a --masks b --out c --batch 65536 --size 16384",
        "pretrain --images a --masks b --out c --steps 1000000000000000000000000000000",
        "pretrain --images a --masks b --out c --lr 1e300",
        "pretrain --images a --masks b --out c --betas 0.9 nan",
        "pretrain --images a --masks b --out c --kernel-sizes 3 99999999",
        "pretrain --images a --masks b --out c --workers 100000",
        "pretrain --images a --masks b --out c --seed 18446744073709551616",
        "finetune --images a --masks b --clear c --blurred d --out e --alpha nan",
        "finetune --images a --masks b --clear c --blurred d --out e --alpha 1e300",
        "finetune --images a --masks b --clear c --blurred d --out e --term-weight swap=1e300",
    ],
)
def test_a_number_beyond_is_refused_by_the_name_of_its_option(
    given: str, capsys: pytest.CaptureFixture[str], logging_as_it_was: None
):
    option = next(word for word in reversed(given.split()) if word.startswith("--"))
    with pytest.raises(SystemExit) as stopped:
        main(given.split())
    said = capsys.readouterr().err.splitlines()
    assert stopped.value.code == 2
    assert len(said) == 1
    assert option in said[0] or "--batch" in said[0]


def test_a_map_is_smoothed_by_the_steps_that_are_given(pair: list[Path], tmp_path: Path):
    steps = ("small-regions", "guided")
    asked = ["--generator", "modified-laplacian", *(part for step in steps for part in ("--smooth", step))]
    succeeds("fuse", *pair, "-o", tmp_path / "f.png", *asked)
    expected = fuse_files(create("modified-laplacian"), *pair, smooth=steps)
    assert np.array_equal(read_image(tmp_path / "f.png").pixels, expected.pixels)
    line = refused("fuse", *pair, "-o", tmp_path / "g.png", "--smooth", "gided")
    assert "--smooth: got 'gided', expected one of small-regions, guided, paper" in line
