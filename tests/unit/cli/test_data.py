"""`data make` as it is typed: pairs, or stacks, and what belongs to one of them alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bridgetune.cli import main
from bridgetune.data import FolderPairs, read_image

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


def said(capsys: pytest.CaptureFixture[str], *given: object) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of `bridgetune data make`."""
    with pytest.raises(SystemExit) as stopped:
        main(["data", "make", *map(str, given)])
    return int(stopped.value.code or 0), *capsys.readouterr()


def test_stacks_are_written_as_asked_and_told_of(scenes, tmp_path, capsys):
    out = tmp_path / "out"
    given = ["--images", scenes / "image", "--out", out, "--stack", 3, "--blur", 5, "--depth-shape", "steps"]
    code, told, _ = said(capsys, *given, "--breathing", "0.02", "--seed", 9)
    assert (code, told) == (0, f"3 stacks of 3 frames in {out}/frames\n")
    record = json.loads((out / "stacks.json").read_text())
    assert (record["seed"], record["frames"]) == (9, 3)
    assert {name: record["making"][name] for name in ("blur", "depth_shape", "breathing", "noise")} == {
        "blur": 5,
        "depth_shape": "steps",
        "breathing": 0.02,
        "noise": 0,
    }
    assert len(list((out / "frames" / "10").iterdir())) == 3


def test_a_stack_has_its_photographs_size_unless_told_otherwise(scenes, tmp_path, capsys):
    photograph = scenes / "image" / "1.png"
    for name, more, size in (("own", [], (24, 36)), ("told", ["--size", 32], (32, 32))):
        code, told, _ = said(capsys, "--images", photograph, "-o", tmp_path / name, "--stack", 2, *more)
        assert (code, told) == (0, f"1 stack of 2 frames in {tmp_path}/{name}/frames\n")
        assert read_image(tmp_path / name / "clear" / "1.png").size == size


def test_pairs_are_256_pixels_wide_unless_told_otherwise(scenes, tmp_path, capsys):
    given = ["--images", scenes / "image", "--masks", scenes / "mask"]
    assert said(capsys, *given, "-o", tmp_path / "plain")[0] == 0
    assert said(capsys, *given, "-o", tmp_path / "own", "--size", 0)[0] == 0
    sizes = [
        FolderPairs(tmp_path / name, size=None).sample(0, np.random.default_rng(0)).first.shape
        for name in ("plain", "own")
    ]
    assert sizes == [(3, 256, 256), (3, 24, 36)]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["--masks", "{masks}", "--stack", 3], "--masks: a stack has none; leave it out, or give --depth"),
        ([], "--masks: missing, expected the folder of the photographs' masks; or --stack N for stacks"),
        (["--masks", "{masks}", "--blur", 3], "--blur: of effect on stacks alone; add --stack N, or leave it out"),
        (["--masks", "{masks}", "--depth", "x"], "--depth: of effect on stacks alone; add --stack N, or leave it out"),
        (["--stack", 3, "--depth", "nothing.png"], "nothing.png: "),
        (["--stack", 3, "--blur", 401], "--blur: "),
        (["--stack", 1], "Invalid value for '--stack': "),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(scenes, tmp_path, capsys, given, line):
    words = [str(word).replace("{masks}", str(scenes / "mask")) for word in given]
    code, told, error = said(capsys, "--images", scenes / "image", "--out", tmp_path / "out", *words)
    assert (code, told) == (2, "")
    assert error.startswith(f"bridgetune: {line}")
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()
