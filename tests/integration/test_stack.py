"""`bridgetune stack` as a photographer meets it: folders in, a picture out, and what is told of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from bridgetune.cli import main
from bridgetune.config import StackMaking
from bridgetune.data.stacks import make_stack
from bridgetune.inference import fuse_stack
from bridgetune.pictures import read_image, read_whole_image, write_image
from tests.support.commands import BRIDGETUNE, refused, run, succeeds

STILL = ("--align", "none")


def stack(frames: int = 4, height: int = 48, width: int = 96, bits: int = 8) -> tuple[list[np.ndarray], np.ndarray]:
    """Frames of noise, each sharp in a band of columns of its own and blurred elsewhere; and what is sharp all over."""
    full = 2**bits - 1
    sharp = np.random.default_rng(0).integers(0, full, (height, width, 3)).astype(f"u{bits // 8}")
    blurred = ndimage.gaussian_filter(sharp, (3, 3, 0))
    band = np.arange(width) * frames // width
    return [np.where((band == frame)[None, :, None], sharp, blurred) for frame in range(frames)], sharp


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of four frames of 16 bits, in TIFF, the third one with Exif."""
    folder = tmp_path / "Fotos für Oma"
    frames, _ = stack(bits=16)
    for number, frame in enumerate(frames):
        exif = [(271, "s", 0, f"Maker {number}", True)]
        folder.mkdir(exist_ok=True)
        tifffile.imwrite(folder / f"Bild {number + 8}.TIF", frame, photometric="rgb", metadata=None, extratags=exif)
    return folder


def test_a_folder_becomes_one_sharp_picture_with_its_depth(photos: Path, tmp_path: Path):
    out, depth = tmp_path / "new" / "scharf.tif", tmp_path / "new" / "tiefe.tif"
    told = json.loads(succeeds("stack", photos, "-o", out, "--depth", depth, "--preview", "--json", *STILL))
    fused = read_whole_image(out)
    sharp = stack(bits=16)[1]
    assert fused.bits == 16
    assert (fused.pixels == sharp).all(axis=2).mean() > 0.8
    assert fused.metadata.exif is not None
    assert fused.metadata.exif.picture[271][1] == b"Maker 2\0"  # of the middle one
    assert [frame["name"] for frame in told["used"]] == [f"Bild {number}.TIF" for number in (8, 9, 10, 11)]
    assert told["left_out"] == []
    assert np.shape(told["used"][0]["transform"]) == (3, 3)
    assert told["out"] == str(out)
    assert told["seconds"] > 0
    found = tifffile.imread(depth)
    bands = np.arange(96) * 4 // 96
    assert np.abs(found - bands).mean() < 0.5
    colours = read_image(told["depth_preview"])
    assert told["depth_preview"] == str(depth.with_suffix(".png"))
    assert colours.size == fused.size
    assert read_image(told["preview"]).size == fused.size  # no larger than a preview is
    assert not [path for path in out.parent.iterdir() if "partial" in path.name]


def test_the_frame_that_is_named_gives_the_metadata(photos: Path, tmp_path: Path):
    said = succeeds("stack", photos, "-o", tmp_path / "a.png", "--reference", "Bild 11.TIF", *STILL)
    assert "4 frames: fused image of 96×48 pixels in" in said
    exif = read_whole_image(tmp_path / "a.png").metadata.exif
    assert exif is not None
    assert exif.picture[271][1] == b"Maker 3\0"


def test_a_picture_among_its_frames_is_warned_of_and_refused_the_next_time(tmp_path: Path):
    for number, frame in enumerate(stack()[0]):
        write_image(tmp_path / f"{number}.png", frame)
    finished = run("stack", tmp_path, "-o", tmp_path / "sharp.png", *STILL)
    assert finished.returncode == 0
    assert "sharp.png: lies among its frames, and will be one of them the next time" in finished.stderr
    assert "is also read" in refused("stack", tmp_path, "-o", tmp_path / "sharp.png", "--force", *STILL)


def test_files_a_pattern_and_pages_are_the_same_stack(photos: Path, tmp_path: Path):
    frames = stack(bits=16)[0]
    tifffile.imwrite(tmp_path / "pages.ome.tif", np.stack(frames), photometric="rgb", metadata={"axes": "ZYXS"})
    given = {
        "files": sorted(photos.iterdir()),
        "pattern": [photos / "bild*.tif"],
        "pages": [tmp_path / "pages.ome.tif"],
    }
    succeeds("stack", photos, "-o", tmp_path / "folder.tif", *STILL)
    expected = read_image(tmp_path / "folder.tif").pixels
    for name, places in given.items():
        succeeds("stack", *places, "-o", tmp_path / f"{name}.tif", *STILL)
        np.testing.assert_array_equal(read_image(tmp_path / f"{name}.tif").pixels, expected)


def test_a_wrong_request_is_one_line_and_nothing_is_written(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], logging_as_it_was: None
):
    first = photos / "Bild 8.TIF"
    out = tmp_path / "out.tif"
    before = sorted(tmp_path.rglob("*"))
    for arguments, said in (
        ([photos], "not told where to, expected the place of what is fused; add -o fused.tif"),
        (["--each", tmp_path], "add -o fused, a folder"),
        ([], "expected frames, FRAMES... -o OUT, or a folder of their folders"),
        (["-o", out], "expected frames"),
        ([photos, "--each", tmp_path, "-o", out], "expected frames"),
        ([first, "-o", out], "Bild 8.TIF: one frame, expected two or more"),
        ([photos, "-o", tmp_path / "out.jpg"], "cannot hold 16 bit"),
        ([photos, "-o", first, "--force"], "is also read"),
        (
            [photos, "-o", out, "--depth", tmp_path / "d.png"],
            f"a PNG to look at, in colours, is written beside it: name {tmp_path / 'd.tif'}",
        ),
        ([photos, "-o", out, "--reference", "Bild 1.TIF"], "expected first, middle, last or one of"),
        ([photos, "-o", out, "--align", "perfect"], "--align"),
        ([photos, "-o", out, "--weights", first], "--weights: is for a network, and none is asked for"),
        ([photos, "-o", out, "--plain"], "--symmetric: is for a network"),
        ([photos, "-o", out, "--watch", "5"], "--watch: given with FRAMES, expected --each"),
        (["--each", tmp_path, "-o", out, "--watch", "5", "--json"], "--watch: given with --json"),
        (["--each", tmp_path, "-o", tmp_path / "new", "--preview"], "--preview: given with --each"),
        (["--each", photos, "-o", tmp_path / "new"], "holds no folders of pictures"),
        ([tmp_path, "-o", out], "there is --each"),
        (
            [photos, "-o", out, "--depth", tmp_path / "d.tif", "--generator", "laplacian-pyramid"],
            "no decision map",
        ),
    ):
        with pytest.raises(SystemExit) as left:
            main(["stack", *map(str, arguments)])
        told = capsys.readouterr()
        assert (left.value.code, told.out, len(told.err.splitlines())) == (2, "", 1), (arguments, told)
        assert said in told.err, arguments
        assert sorted(tmp_path.rglob("*")) == before, arguments


def test_what_is_no_picture_is_passed_over_by_a_quoted_pattern(photos: Path, tmp_path: Path):
    (photos / "notes.txt").write_text("f/2.8")
    said = refused("stack", *sorted(photos.iterdir()), "-o", tmp_path / "a.png")
    pattern = photos / "*"
    assert "notes.txt: not an image" in said
    assert f'quote the pattern, "{pattern}", which passes over what is no picture' in said
    succeeds("stack", pattern, "-o", tmp_path / "a.png", *STILL)


def test_a_stack_in_which_little_is_sharp_is_warned_of(tmp_path: Path):
    slope = np.linspace(40, 220, 96)[:, None]
    for number, noise in enumerate(np.random.default_rng(0).normal(0, 3, (4, 64, 96, 3))):
        write_image(tmp_path / "in" / f"{number}.png", (slope + noise).astype(np.uint8))
    finished = run("stack", tmp_path / "in", "-o", tmp_path / "out.png", *STILL)
    assert finished.returncode == 0
    assert "of the pixels no frame is clearly the sharpest, and they follow their surroundings" in finished.stderr
    assert "(--undecided keep)" in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    quick = run("stack", tmp_path / "in", "-o", tmp_path / "quick.png", "--quality", "fast", *STILL)
    assert (quick.returncode, quick.stderr) == (0, "")


def test_a_damaged_picture_of_a_folder_is_named_and_left_out(tmp_path: Path):
    folder = tmp_path / "in"
    for number, frame in enumerate(stack()[0]):
        write_image(folder / f"{number}.jpg", frame)
    damaged = folder / "0.jpg"
    damaged.write_bytes(damaged.read_bytes()[:1500])
    finished = run("stack", folder, "-o", tmp_path / "out.jpg", "--preview", *STILL)
    assert finished.returncode == 0, finished.stderr
    assert "3 frames, 1 left out" in finished.stdout
    assert "0.jpg is left out: cannot be read (" in finished.stderr
    said = refused("stack", *sorted(folder.iterdir()), "-o", tmp_path / "again.jpg", *STILL)
    assert f"{damaged}: cannot be read" in said


def test_a_folder_of_folders_is_fused_each_and_what_fails_is_named(photos: Path, tmp_path: Path):
    shoot, out = tmp_path / "shoot", tmp_path / "shoot" / "fused"
    frames, sharp = stack()
    for name in ("ant 2", "ant 10"):
        for number, frame in enumerate(frames):
            write_image(shoot / name / f"{number}.png", frame)
    write_image(shoot / "lonely" / "1.png", sharp)
    (shoot / "empty").mkdir()
    finished = run("stack", "--each", shoot, "-o", out, "--depth", tmp_path / "depths", "--json", *STILL)
    told = json.loads(finished.stdout)
    assert finished.returncode == 1
    assert [Path(one["out"]).name for one in told["stacks"]] == ["ant 2.tif", "ant 10.tif"]
    assert [one["name"] for one in told["failed"]] == ["lonely"]
    assert "one frame" in told["failed"][0]["reason"]
    assert told["skipped"] == [{"name": "empty", "reason": "it holds no pictures"}]
    assert f"{shoot / 'empty'}: holds no pictures, and is left out" in finished.stderr
    assert "1 of 3 stacks could not be fused: lonely" in finished.stderr
    assert sorted(path.name for path in (tmp_path / "depths").iterdir() if not path.name.startswith(".")) == [
        *("ant 10.png", "ant 10.tif", "ant 2.png", "ant 2.tif")
    ]
    made = (out / "ant 2.tif").stat().st_mtime_ns
    assert "1 of 3 stacks could not be fused: lonely" in run("stack", "--each", shoot, "-o", out, *STILL).stderr
    said = refused("stack", "--each", shoot, "-o", tmp_path / "fused.tif", *STILL)
    assert "expected a folder for the pictures" in said
    assert not (tmp_path / "fused.tif").exists()
    (shoot / "lonely" / "1.png").unlink()
    again = run("stack", "--each", shoot, "-o", out, "--json", *STILL)
    assert again.returncode == 0
    told = json.loads(again.stdout)
    assert (told["stacks"], told["failed"]) == ([], [])
    assert [one["name"] for one in told["skipped"]] == ["empty", "lonely", "ant 2", "ant 10"]
    assert told["skipped"][-1]["reason"] == f"{out / 'ant 10.tif'} is there already"
    assert again.stderr.count("is there already and is left as it is; --force makes it again") == 2
    assert (out / "ant 2.tif").stat().st_mtime_ns == made


def test_folders_are_fused_as_they_come_until_it_is_stopped(tmp_path: Path):
    shoot, out = tmp_path / "shoot", tmp_path / "fused"
    shoot.mkdir()
    command = [*BRIDGETUNE, "stack", "--each", str(shoot), "--watch", "0.5", "-o", str(out), *STILL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for number, frame in enumerate(stack()[0]):
            write_image(shoot / "one" / f"{number}.png", frame)
        ends = time.monotonic() + 120
        while not (out / "one.tif").exists() and time.monotonic() < ends and process.poll() is None:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        told, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "one: 4 frames: fused image of 96×48 pixels" in told
    assert said.splitlines()[-1] == "bridgetune: stopped"
    assert [path.name for path in out.iterdir()] == ["one.tif"]


def test_what_is_stopped_leaves_nothing_half_written(tmp_path: Path):
    frame = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), np.uint8)
    for number in range(24):
        write_image(tmp_path / "in" / f"{number}.tif", np.roll(frame, number, axis=1))
    before = sorted(tmp_path.rglob("*"))
    command = [*BRIDGETUNE, "stack", str(tmp_path / "in"), "-o", str(tmp_path / "new" / "out.tif"), *STILL]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[1].splitlines()[-1] == "bridgetune: stopped"
    assert process.returncode == 130
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("frame", ["pcb/pcb_002.jpg", "coffee/0001.jpg"])
def test_frames_that_move_lose_nothing_beside_frames_that_stand_still(frame: str, shared: Callable[[str], Path]):
    """A photograph of a camera, with the noise of one: what is interpolated is less sharp, and less noisy."""
    photograph = read_image(shared(f"data/stacks/{frame}")).pixels[400:760, 600:1140].astype(np.uint8)
    still = StackMaking(blur=12, noise=0.005)
    reached = []
    for making in (still, still.model_copy(update={"breathing": 0.01, "shift": 4.0, "rotation": 0.1})):
        made = make_stack(photograph, 5, making, seed=1)
        fusion = fuse_stack(None, [made.frame(number) for number in range(5)])
        inside = slice(24, -24), slice(24, -24)
        errors = fusion.pixels[inside].astype(float) - made.clear[fusion.area][inside]
        reached.append(20 * np.log10(255) - 10 * np.log10((errors**2).mean()))
    assert reached[1] > reached[0] - 0.3, reached


def test_fuse_says_where_three_frames_go(photos: Path, tmp_path: Path):
    said = refused("fuse", *sorted(photos.iterdir())[:3], "-o", tmp_path / "a.tif")
    assert "got more than two images, expected A B; three and more of a stack are for `bridgetune stack`" in said


def test_a_jpeg_of_jpegs(tmp_path: Path):
    for number, frame in enumerate(stack()[0]):
        Image.fromarray(frame).save(tmp_path / f"{number}.JPG", quality=98)
    succeeds("stack", tmp_path / "*.jpg", "-o", tmp_path / "a.jpg", *STILL)
    assert read_image(tmp_path / "a.jpg").size == (48, 96)


def test_a_stack_without_a_network_does_not_wait_for_torch(photos: Path, tmp_path: Path):
    out = tmp_path / "fused.tif"
    typed = ["bridgetune", "stack", str(photos), "-o", str(out), *STILL]
    start = f"import sys; sys.argv = {typed!r}; from bridgetune.cli import main"
    code = (
        f"{start}\ntry:\n    main()\nexcept SystemExit as end:\n    assert not end.code\nprint('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "False"
    assert out.is_file()
