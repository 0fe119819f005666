"""Whatever is given as the path of an input is refused in one line before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridgetune.cli import main
from bridgetune.data import read_image, write_image
from tests.support.destinations import tree
from tests.support.small import Folders

PAIR, OUT = ["{at}/src/A/1.png", "{at}/src/B/1.png"], ["--out", "{at}/out.png"]
STAGE, REFERENCES = ["--images", "{images}", "--masks", "{masks}"], ["--clear", "{clear}", "--blurred", "{blurred}"]
DRPL = ["--generator", "drpl"]

COMMANDS: dict[str, list[str]] = {
    "fuse A": ["fuse", "{bad}", PAIR[1], *OUT],
    "fuse --pairs": ["fuse", "--pairs", "{bad}", "--out", "{at}/out"],
    "fuse --generator": ["fuse", "--generator", "{bad}", *PAIR, *OUT],
    "fuse --weights": ["fuse", "--weights", "{bad}", *PAIR, *OUT],
    "stack": ["stack", "{bad}", PAIR[1], *OUT],
    "stack --each": ["stack", "--each", "{bad}", "--out", "{at}/out"],
    "stack --each --watch": ["stack", "--each", "{bad}", "--watch", "1", "--out", "{at}/out"],
    "stack --generator": ["stack", "--generator", "{bad}", *PAIR, *OUT],
    "evaluate --sources": ["evaluate", "--sources", "{bad}", "--fused", "{images}"],
    "evaluate --fused": ["evaluate", "--sources", "{at}/src", "--fused", "{bad}"],
    "evaluate --weights": ["evaluate", "--sources", "{at}/src", *DRPL, "--weights", "{bad}"],
    "compare": ["compare", "{bad}"],
    "compare --sweep": ["compare", "--sweep", "{bad}", "--out", "{at}/out"],
    "panels --sources": ["panels", "--sources", "{bad}", *DRPL, *OUT],
    "export": ["export", "{bad}", "--format", "onnx", "--out", "{at}/out.onnx"],
    "inspect": ["inspect", "{bad}"],
    "report": ["report", "{bad}"],
    "data make": ["data", "make", "--images", "{bad}", "--masks", "{masks}", "--out", "{at}/out"],
    "pretrain --pairs": ["pretrain", *DRPL, "--pairs", "{bad}", "--out", "{at}/out"],
    "pretrain --val-images": [
        *("pretrain", *DRPL, *STAGE, "--val-images", "{bad}", "--val-masks", "{masks}", "--out", "{at}/out")
    ],
    "pretrain --weights": ["pretrain", *DRPL, *STAGE, "--weights", "{bad}", "--out", "{at}/out"],
    "finetune --unlabelled": ["finetune", "--unlabelled", "{bad}", *REFERENCES, "--out", "{at}/out"],
    "finetune --blurred": ["finetune", *STAGE, *REFERENCES, "--blurred", "{bad}", "--out", "{at}/out"],
}


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_path_that_is_no_input_is_refused_in_a_line(
    verb: str, folders: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str], logging_as_it_was: None
):
    for side, number in (("A", 0), ("B", 1)):
        write_image(tmp_path / "src" / side / "1.png", read_image(folders.images / f"{number}.png").pixels)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    given = {"at": str(tmp_path), **{name: str(path) for name, path in folders._asdict().items()}}
    before = tree(tmp_path)
    bad = [str(tmp_path / name) for name in ("x" * 300, "loop", "pipe", "src/A/1.png/below", "none", "caf\udce9")]
    for path in [*bad, r"C:\pics\a.png", ""]:
        with pytest.raises(SystemExit) as left:
            main([part.format(bad=path, **given) for part in COMMANDS[verb]])
        told = capsys.readouterr()
        lines = told.err.splitlines()
        assert (left.value.code, told.out, len(lines)) == (2, "", 1), (path, told)
        assert lines[0].isprintable()
    assert tree(tmp_path) == before
