"""Every verb refuses a place that cannot be written to before it asks a network, and leaves everything as it was."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from bridgetune import opening
from bridgetune.cli import main
from bridgetune.data import read_image, write_image
from bridgetune.demo import job
from tests.support import ROOT
from tests.support.destinations import tree
from tests.support.evaluations import evaluation
from tests.support.small import Folders

NETWORK = ["--generator", "drpl"]

FILES: dict[str, tuple[str, list[str]]] = {
    "fuse": (".png", ["fuse", *NETWORK, "{at}/src/A/1.png", "{at}/src/B/1.png", "-o", "{bad}"]),
    "fuse --map": (
        ".png",
        ["fuse", *NETWORK, "{at}/src/A/1.png", "{at}/src/B/1.png", "-o", "{at}/ok.png", "--map", "{bad}"],
    ),
    "stack": (".png", ["stack", *NETWORK, "{at}/src/A/1.png", "{at}/src/B/1.png", "-o", "{bad}"]),
    "stack --depth": (
        ".tif",
        ["stack", *NETWORK, "{at}/src/A/1.png", "{at}/src/B/1.png", "-o", "{at}/ok.png", "--depth", "{bad}"],
    ),
    "evaluate --out": (".json", ["evaluate", "--sources", "{at}/src", *NETWORK, "--out", "{bad}"]),
    "evaluate --csv": (
        ".csv",
        ["evaluate", "--sources", "{at}/src", *NETWORK, "--out", "{at}/e.json", "--csv", "{bad}"],
    ),
    "panels": (".png", ["panels", "--sources", "{at}/src", *NETWORK, "--out", "{bad}"]),
    "export": (".onnx", ["export", "drpl", "--format", "onnx", "--out", "{bad}"]),
}
"""What is to be a file -> its suffix, and the command."""

STAGE = ["--images", "{images}", "--masks", "{masks}"]
FOLDERS = {
    "fuse --pairs": ["fuse", *NETWORK, "--pairs", "{at}/src", "--out", "{bad}"],
    "fuse --pairs --map": ["fuse", *NETWORK, "--pairs", "{at}/src", "--out", "{at}/fused", "--map", "{bad}"],
    "stack --each": ["stack", *NETWORK, "--each", "{at}/src", "--out", "{bad}"],
    "stack --each --depth": ["stack", *NETWORK, "--each", "{at}/src", "--out", "{at}/fused", "--depth", "{bad}"],
    "evaluate --keep": ["evaluate", "--sources", "{at}/src", *NETWORK, "--keep", "{bad}"],
    "compare": ["compare", "{at}/evaluations", "--out", "{bad}"],
    "compare --sweep": ["compare", "--sweep", str(ROOT / "examples" / "sweep.toml"), "--out", "{bad}"],
    "data make": ["data", "make", *STAGE, "--out", "{bad}"],
    "plugins new": ["plugins", "new", "somenet", "--out", "{bad}"],
    "demo": ["demo", "--out", "{bad}", "--force"],
    "pretrain": ["pretrain", *NETWORK, *STAGE, "--out", "{bad}"],
    "finetune": ["finetune", *NETWORK, *STAGE, "--clear", "{clear}", "--blurred", "{blurred}", "--out", "{bad}"],
    "finetune --resume": [
        *("finetune", *NETWORK, *STAGE, "--clear", "{clear}", "--blurred", "{blurred}"),
        *("--out", "{bad}", "--resume"),
    ],
}
"""What is to be a folder -> the command."""


@pytest.fixture
def at(folders: Folders, tmp_path: Path) -> Path:
    """A folder of a source pair and of evaluations, in which tests make what is in the way."""
    for side, number in (("A", 0), ("B", 1)):
        write_image(tmp_path / "src" / side / "1.png", read_image(folders.images / f"{number}.png").pixels)
    for number, method in enumerate(("One", "Two")):
        evaluation(method, 0.01 * number).write(tmp_path / "evaluations" / f"{number}.json")
    return tmp_path


def bad(at: Path, suffix: str) -> dict[str, tuple[str, str]]:
    """Places of every kind where nothing can be -> the place, and what is said of it."""
    (at / "file").write_text("it is")
    (at / f"loop{suffix}").symlink_to(at / f"loop{suffix}")
    os.mkfifo(at / f"pipe{suffix}")
    (at / f"device{suffix}").symlink_to("/dev/null")
    places = {
        "long": (str(at / f"{'x' * 300}{suffix}"), "too long"),
        "long folder": (str(at / ("y" * 300) / f"a{suffix}"), "too long"),
        "circle": (str(at / f"loop{suffix}"), "lead in a circle"),
        "below a file": (str(at / "file" / f"a{suffix}"), "is not a folder"),
        "FIFO": (str(at / f"pipe{suffix}"), "is a FIFO"),
        "device": (str(at / f"device{suffix}"), "is a device"),
        "no such system": (f"/proc/new{suffix}", "cannot be written there"),
        "Windows": (f"C:\\pics\\a{suffix}", "a Windows path"),
        "empty": ("", "given nothing"),
    }
    if suffix:
        (at / f"there{suffix}").write_text("it is")
        (at / f"folder{suffix}").mkdir()
        places |= {
            "there": (str(at / f"there{suffix}"), "exists already"),
            "folder": (str(at / f"folder{suffix}"), "is a folder"),
        }
    else:
        places |= {"file": (str(at / "file"), "is a file"), "standard output": ("-", "standard output")}
    return places


@pytest.fixture
def refused(
    at: Path,
    folders: Folders,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    logging_as_it_was: None,
) -> Callable[[list[str], str, str], None]:
    """Asserts that a command with a bad place is refused with what is said, in one line, and nothing else happens."""

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("a network was asked")

    for module, name in (
        (opening, "open_method"),
        (opening, "open_generator"),
        (job, "create"),
    ):
        monkeypatch.setattr(module, name, asked)

    def check(command: list[str], place: str, said: str) -> None:
        given = {"at": str(at), "bad": place, **{name: str(path) for name, path in folders._asdict().items()}}
        before = tree(at)
        with pytest.raises(SystemExit) as left:
            main([part.format(**given) for part in command])
        told = capsys.readouterr()
        lines = told.err.splitlines()
        if command[0] == "demo":
            lines = lines[-1:]
        assert (left.value.code, told.out, len(lines)) == (2, "", 1), (place, told)
        assert said in lines[0], (place, told)
        assert lines[0].isprintable()
        assert tree(at) == before, place

    return check


@pytest.mark.parametrize("verb", FILES)
def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    verb: str, at: Path, refused: Callable[[list[str], str, str], None]
):
    suffix, command = FILES[verb]
    for place, said in bad(at, suffix).values():
        refused(command, place, said)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("verb", FOLDERS)
def test_a_folder_that_cannot_be_made_is_refused_before_the_work(
    verb: str, at: Path, refused: Callable[[list[str], str, str], None]
):
    for place, said in bad(at, "").values():
        refused(FOLDERS[verb], place, said)


def test_suffixes_that_are_not_written_are_refused_before_the_work(
    at: Path, refused: Callable[[list[str], str, str], None]
):
    for verb in ("fuse", "fuse --map", "stack", "stack --depth", "panels", "export"):
        for name in ("m.xyz", "m", "m.heic"):
            refused(FILES[verb][1], str(at / name), "expected")


def test_outputs_are_neither_inputs_nor_one_file(at: Path, refused: Callable[[list[str], str, str], None]):
    (at / "link.png").symlink_to(at / "src" / "A" / "1.png")
    for place in ("src/A/1.png", "src/B/../A/1.png", "link.png"):
        refused([*FILES["fuse"][1], "--force"], str(at / place), "read")
    refused(FILES["fuse --map"][1], str(at / "ok.png"), "written; name two places")
    refused([*FILES["stack"][1], "--force"], str(at / "src" / "A" / "1.png"), "read")
    refused(FILES["stack --depth"][1], str(at / "ok.tif"), "ok.png: is also written; name two places")
    (at / "new.preview.jpg").touch()
    refused([*FILES["stack"][1], "--preview"], str(at / "new.png"), "new.preview.jpg: exists already")
    refused(FOLDERS["stack --each"], str(at / "src"), "holds the stacks; name another folder")
    refused(FILES["evaluate --csv"][1], str(at / "e.json"), "written; name two places")
    refused([*FILES["evaluate --out"][1], "--force"], str(at / "src" / "A" / "1.png"), "among what is measured")
    refused(FOLDERS["fuse --pairs --map"], str(at / "fused"), "written; name two places")
    refused(FOLDERS["fuse --pairs"], str(at / "src" / "A"), "holds the sources")
    refused(
        FOLDERS["fuse --pairs"],
        str(at / "out.PNG"),
        "the name of a file, expected a folder",
    )


def test_there_is_nothing_to_replace_where_nothing_is_written(at: Path, refused: Callable[[list[str], str, str], None]):
    for command in (FILES["evaluate --out"][1], FOLDERS["compare"]):
        refused([*command[:-2], "--force"], "", "--force: given without")


def test_results_that_are_there_are_replaced_where_that_is_asked_for(
    at: Path, refused: Callable[[list[str], str, str], None], capsys: pytest.CaptureFixture[str]
):
    write_image(at / "fused" / "1.png", read_image(at / "src" / "A" / "1.png").pixels)
    refused(FOLDERS["fuse --pairs"], str(at / "fused"), "1.png: exists already; name another, or replace it (--force)")
    (at / "comparison").mkdir()
    (at / "comparison" / "report.md").write_text("mine")
    refused(FOLDERS["compare"], str(at / "comparison"), "report.md: exists already")
    compare = ["compare", str(at / "evaluations"), "--out", str(at / "comparison"), "--force"]
    with pytest.raises(SystemExit, match="0"):
        main(compare)
    assert (at / "comparison" / "report.md").read_text() != "mine"
    capsys.readouterr()
    with pytest.raises(SystemExit, match="2"):
        main(compare[:-1])
    assert "--force" in capsys.readouterr().err
