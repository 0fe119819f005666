"""Pairs from the command line: wrong requests, what was written, help, and folders with bad pairs or begun before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridgetune.cli import main
from bridgetune.cli.app import app
from bridgetune.filling import RECORD
from bridgetune.inference.folders import PairSettings
from bridgetune.pictures import write_image
from tests.support.sources import noise_in
from tests.support.verbs import help_of

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return noise_in(tmp_path / "sources", 3, 24, 32)


@pytest.fixture
def fuse(sources: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Fuses the pairs: the exit code, and what is told on standard output and error."""

    def fuse(*options: str) -> tuple[object, str, str]:
        given = ["fuse", "--generator", "modified-laplacian", "--pairs", str(sources), "-o", str(tmp_path / "out")]
        with pytest.raises(SystemExit) as left:
            main([*given, *options])
        told = capfd.readouterr()
        return left.value.code, told.out, told.err

    return fuse


def test_pairs_that_cannot_be_fused_are_named_at_the_end_and_the_others_are_fused(sources: Path, tmp_path: Path, fuse):
    (sources / "A" / "0.png").write_bytes(b"no picture")
    write_image(sources / "B" / "1.png", np.zeros((12, 16, 3), np.uint8))
    code, told, said = fuse()
    assert code == 1
    assert told == f"1 fused images in {tmp_path / 'out'}\n"
    unreadable, other, closing = said.splitlines()[-3:]
    assert unreadable.startswith(f"0: {sources / 'A' / '0.png'}: ")
    assert other.startswith("1: a source pair must have one size: ")
    assert other.endswith("align or crop them first (--align auto)")
    assert closing == (
        "bridgetune: 2 of 3 pairs could not be fused: 0, 1; the same command tries them again, and leaves the others"
        " alone"
    )


def test_a_file_without_partner_is_named_and_is_no_failure(sources: Path, fuse):
    (sources / "B" / "1.png").unlink()
    code, told, said = fuse()
    assert (code, told.partition(" in ")[0]) == (0, "2 fused images")
    assert "A/1.png (no file of this stem in B)" in said


def test_a_folder_that_was_stopped_on_the_way_goes_on_where_it_was(
    tmp_path: Path, fuse, monkeypatch: pytest.MonkeyPatch
):
    out, fused = tmp_path / "out", PairSettings.fused

    def stopped(settings, generator, first, second):
        if first.stem == "2":
            raise KeyboardInterrupt
        return fused(settings, generator, first, second)

    with monkeypatch.context() as stopping:
        stopping.setattr(PairSettings, "fused", stopped)
        assert fuse()[0] == 130
    assert sorted(path.name for path in out.iterdir()) == [RECORD, "0.png", "1.png"]
    before = [(out / name).stat().st_mtime_ns for name in ("0.png", "1.png")]
    assert "begun with blend=feather, now asked for none" in fuse("--blend", "none")[2]
    code, told, said = fuse()
    assert (code, told) == (0, f"3 fused images in {out}\n")
    assert f"{out}: 2 of 3 pairs are there from an earlier start" in said
    assert [(out / name).stat().st_mtime_ns for name in ("0.png", "1.png")] == before
    assert sorted(path.name for path in out.iterdir()) == ["0.png", "1.png", "2.png"]
    code, _, said = fuse()
    assert (code, "0.png and 2 more: exists already" in said) == (2, True)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("a.png", "b.png")):
        write_image(Path(name), np.random.default_rng(seed).integers(0, 256, (40, 48, 3), dtype=np.uint8))
    return ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["a.png", "b.png"], "not told where to, expected the place of what is fused; add -o fused.tif"),
        (["--pairs", "."], "not told where to, expected the place of what is fused; add -o fused, a folder"),
        (["a.png"], "expected two images, A B -o OUT, or a folder, --pairs DIR -o OUT"),
        (["a.png", "-o", "c.png"], "expected two images, A B -o OUT, or a folder, --pairs DIR -o OUT"),
        (["a.png", "b.png", "--pairs", "."], "expected two images, A B -o OUT, or a folder, --pairs DIR -o OUT"),
        ([], "expected two images, A B -o OUT, or a folder, --pairs DIR -o OUT"),
    ],
)
def test_what_is_missing_is_named(given: list[str], said: str, pair: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        main(["fuse", *given])
    assert left.value.code == 2
    assert capsys.readouterr().err == f"bridgetune: fuse: {said}\n"


def test_every_file_that_was_written_is_named(pair: list[str], capsys: pytest.CaptureFixture[str]):
    outputs = ["-o", "c.png", "--map", "m.png", "--report", "p.html"]
    with pytest.raises(SystemExit) as left:
        main(["fuse", *pair, "--generator", "modified-laplacian", *outputs])
    assert left.value.code == 0
    assert Path("p.html").is_file()
    assert "pixels in c.png, its map in m.png, page in p.html (" in " ".join(capsys.readouterr().out.split())


def test_help_says_how_wide_a_seam_is_and_that_the_default_network_has_no_smoothing_of_its_own():
    said = help_of(app, "fuse")
    assert "feather: over a pixel on either side, over up to 16 where both images are even." in said
    assert "where its plugin brings that; the default network's does not." in said
