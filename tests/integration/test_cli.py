"""The command line as a user runs it: results on standard output, one line for a wrong request, exit codes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bridgetune import create, load
from bridgetune.data import FolderPairs, read_image, write_image
from tests.support import ROOT
from tests.support.commands import refused, run, started, succeeds
from tests.support.runs import losses
from tests.support.small import Folders

PYRAMID = "laplacian-pyramid"
"""An evaluator of bridgetune-classic."""

SMALL = ["--size", "32", "--batch", "2", "--workers", "0", "--device", "cpu"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved generator with fresh weights."""
    folder = tmp_path_factory.mktemp("generator")
    create("bridgemff", weights=None).save_pretrained(folder)
    return folder


def stage1(folders: Folders, out: Path, *more: object) -> list[object]:
    given = ["--images", folders.images, "--masks", folders.masks, "--out", out]
    return ["pretrain", "--generator", "bridgemff", *given, *SMALL, *more]


def stage2(folders: Folders, generator: Path | str, out: Path, *more: object) -> list[object]:
    given = ["--images", folders.images, "--masks", folders.masks, "--out", out]
    references = ["--clear", folders.clear, "--blurred", folders.blurred]
    return ["finetune", "--generator", generator, *given, *references, *SMALL, *more]


def test_from_pictures_to_a_tuned_generator_to_a_fused_picture(folders: Folders, tmp_path: Path):
    succeeds(*stage1(folders, tmp_path / "one", "--steps", 3))
    told = succeeds(*stage2(folders, tmp_path / "one" / "generator", tmp_path / "two", "--steps", 2, "--json"))
    assert json.loads(told)["steps"] == 2
    assert json.loads((tmp_path / "two" / "config.json").read_text())["discriminator"] == "twin"

    first, second = folders.images / "0.png", folders.images / "1.png"
    out, map_out = tmp_path / "fused.png", tmp_path / "map.png"
    asked = "--generator", tmp_path / "two" / "generator", "-o", out, "--map", map_out, "--blend", "none"
    succeeds("fuse", first, second, *asked)
    taken = read_image(map_out).pixels == 255
    succeeds("fuse", first, second, *asked, "--force", "--report", tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().count("<img-comparison-slider") == 3
    turned = tmp_path / "turned.png"
    turning = "--map", turned, "--adapter", "orientation=second"
    succeeds("fuse", first, second, *asked[:2], "-o", tmp_path / "x.png", *turning)
    assert ((read_image(turned).pixels == 255) != taken).mean() > 0.9
    expected = np.where(taken, read_image(first).pixels, read_image(second).pixels)
    assert np.array_equal(read_image(out).pixels, expected)


def test_how_pairs_are_made_and_networks_built_is_chosen_by_options_and_kept(folders: Folders, tmp_path: Path):
    given = ["--images", folders.images, "--masks", folders.masks, *SMALL, "--steps", 1, "--augment", "camera"]
    network = ["--generator", "drpl", "--option", "blocks=1", "--option", "width=8", "--symmetric"]
    succeeds("pretrain", *network, *given, "--out", tmp_path / "one")
    decided = json.loads((tmp_path / "one" / "config.json").read_text())
    assert decided["config"]["augmentation"] == "camera"
    assert decided["generator"]["origin"]["options"] == {"blocks": 1, "width": 8}

    references = ["--clear", folders.clear, "--blurred", folders.blurred]
    succeeds("finetune", "--generator", tmp_path / "one", *given, *references, "--out", tmp_path / "two")
    generator = load(tmp_path / "two")
    assert generator.config.symmetric
    assert generator.origin.options == {"blocks": 1, "width": 8}


def test_a_folder_of_pairs_is_fused_by_stem(saved: Path, folders: Folders, tmp_path: Path):
    for side in "AB":
        for name in ("2", "10"):
            write_image(tmp_path / "in" / side / f"{name}.png", read_image(folders.images / f"{name}.png").pixels)
    told = succeeds("fuse", "--generator", saved, "--pairs", tmp_path / "in", "--out", tmp_path / "out")
    assert "2 fused images" in told
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["10.png", "2.png"]
    # where both sources are one picture, so is the fused one
    same = read_image(tmp_path / "out" / "2.png").pixels
    assert np.array_equal(same, read_image(folders.images / "2.png").pixels)


def test_sixteen_bits_and_gray_stay_what_they_are(saved: Path, tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in "ab":
        write_image(tmp_path / f"{name}.tif", rng.integers(0, 65536, (40, 50)).astype(np.uint16))
    succeeds(
        "fuse",
        "--generator",
        saved,
        tmp_path / "a.tif",
        tmp_path / "b.tif",
        "-o",
        tmp_path / "f.tif",
        "--blend",
        "none",
    )
    fused = read_image(tmp_path / "f.tif")
    assert (fused.bits, fused.gray) == (16, True)
    sources = [read_image(tmp_path / f"{name}.tif").pixels for name in "ab"]
    assert ((fused.pixels == sources[0]) | (fused.pixels == sources[1])).all()


def test_a_quality_says_how_often_the_network_is_asked(tmp_path: Path):
    rng, maps = np.random.default_rng(0), {}
    sources = tmp_path / "a.png", tmp_path / "b.png"
    for source in sources:
        write_image(source, rng.integers(0, 256, (40, 50, 3)).astype(np.uint8))
    asked = {
        "fast": ["--quality", "fast"],
        "once": ["--plain", "--single", "--scales", "1"],
        "best": ["--quality", "best"],
        "all but enlarged": ["--quality", "best", "--scales", "1,1/2,1/4"],
        "saved": [],
    }
    for name, options in asked.items():
        map_out = tmp_path / f"{name}.png"
        succeeds("fuse", *sources, "-o", tmp_path / f"{name}.tif", "--map", map_out, "--undecided", "keep", *options)
        maps[name] = read_image(map_out).pixels
    assert np.array_equal(maps["fast"], maps["once"])
    assert np.array_equal(maps["all but enlarged"], maps["saved"])
    assert not np.array_equal(maps["best"], maps["saved"])
    assert not np.array_equal(maps["fast"], maps["best"])


def test_the_offline_dataset_can_be_trained_on(folders: Folders, tmp_path: Path):
    made = tmp_path / "made"
    told = succeeds("data", "make", "--images", folders.images, "--masks", folders.masks, "--out", made, "--size", 32)
    assert "12 pairs" in told
    assert len(FolderPairs(made, size=32)) == 12
    succeeds(
        *["pretrain", "--generator", "bridgemff", "--pairs", made, "--out", tmp_path / "run", *SMALL, "--steps", 1]
    )


def test_what_cannot_be_read_is_named_counted_and_skipped(folders: Folders, tmp_path: Path):
    images = tmp_path / "images"
    images.mkdir()
    for path in folders.images.iterdir():
        (images / path.name).write_bytes(path.read_bytes())
    (images / "3.png").write_text("this is text")
    (images / "unpaired.png").write_bytes((images / "1.png").read_bytes())
    Image.new("RGB", (9, 9)).save(images / "5.png")
    finished = run(*stage1(folders._replace(images=images), tmp_path / "run", "--steps", 1))
    assert finished.returncode == 0, finished.stderr
    (warning,) = (line for line in finished.stderr.splitlines() if "skipped" in line)
    for name in ("3.png", "unpaired.png", "5.png"):
        assert name in warning
    assert "kept 10" in warning


def test_plugins_and_doctor_speak_json():
    listed = json.loads(succeeds("plugins", "list", "--json"))
    (plugin,) = (plugin for plugin in listed["plugins"] if plugin["name"] == "bridgemff")
    assert (plugin["distribution"], plugin["problem"]) == ("bridgetune-bridgemff", None)
    told = json.loads(succeeds("doctor", "--json"))
    assert {"bridgetune", "torch", "device", "selective scan on cpu"} <= told["facts"].keys()
    (classic,) = (plugin for plugin in listed["plugins"] if plugin["name"] == "classic")
    assert [one["name"] for one in classic["generators"]] == ["modified-laplacian", "spatial-frequency"]
    weights = {one["name"]: one["weights"] for each in listed["plugins"] for one in each["generators"]}
    assert [weights[name] for name in ("bridgemff", "sesf", "modified-laplacian")] == ["shipped", "none", "not needed"]
    assert [one["name"] for one in classic["evaluators"]] == [PYRAMID]
    shown = succeeds("plugins", "list")
    assert "bridgemff" in shown
    assert PYRAMID in shown
    assert "selective scan" in succeeds("doctor")


def test_wrong_requests_are_one_line_with_exit_code_2_and_write_nothing(folders: Folders, saved: Path, tmp_path: Path):
    picture, out = folders.images / "0.png", tmp_path / "out"
    text, small = tmp_path / "text.png", tmp_path / "small.png"
    text.write_text("this is text")
    Image.new("RGB", (9, 9)).save(small)
    there = sorted(tmp_path.rglob("*"))

    fused = tmp_path / "out.png"
    fuse = ["fuse", "--generator", saved, "-o", fused]
    missing = tmp_path / "missing"
    wrong: list[tuple[list[Any], str]] = [
        ([*fuse, picture, missing], "no such file"),
        ([*fuse, picture, text], "text.png: not an image"),
        ([*fuse, picture, small], "one size"),
        ([*fuse, picture], "expected two images"),
        ([*fuse, folders.images], f"a stack of frames in it is for `bridgetune stack {folders.images} -o OUT`"),
        ([*fuse, picture, picture, "--adapter", "orientation=third"], "orientation: got 'third'"),
        ([*fuse, picture, picture, "--report", text], "text.png"),
        ([*fuse, "--pairs", folders.images, "--report", tmp_path / "page.html"], "--report: given with --pairs"),
        (["fuse", "--generator", saved, picture, picture, "-o", picture], "is also read"),
        ([*fuse, picture, picture, "--map", fused], "is also written"),
        ([*fuse, "--pairs", missing], "no such folder"),
        (["fuse", "--generator", saved, picture, picture, "-o", tmp_path / "out.xyz"], ".xyz"),
        (["fuse", "--generator", "bridgemf", picture, picture, "-o", fused], "did you mean 'bridgemff'"),
        (["fuse", "--generator", missing / "x", picture, picture, "-o", fused], "no saved generator"),
        (
            ["fuse", "--generator", PYRAMID, picture, picture, "-o", fused, "--map", tmp_path / "map.png"],
            "draws no decision map",
        ),
        (
            ["fuse", "--generator", PYRAMID, picture, picture, "-o", fused, "--weights", text],
            "weights: laplacian-pyramid",
        ),
        (["fuse", "--generator", PYRAMID, picture, picture, "-o", fused, "--quality", "fast"], "has no such choice"),
        (["fuse", "--weights", text, picture, picture, "-o", fused], "text.png"),
        (["fuse", "--weights", missing, picture, picture, "-o", fused], "no such file"),
        (stage1(folders, out, "--steps", 0), "--steps: got 0"),
        (stage1(folders, out, "--lr", -2), "bridgetune: --lr: got -2.0; "),
        (stage1(folders, out, "--kernel-sizes", 4, 21), "bridgetune: --kernel-sizes: got (4, 21), "),
        (stage1(folders, out, "--steps", 1, "--epochs", 1), "one of them"),
        (stage1(folders, out, "--recipe", "cake"), "cake"),
        (stage1(folders._replace(images=missing), out), "no such folder"),
        (["pretrain", "--out", out], "--images DIR --masks DIR"),
        (stage1(folders, out, "--option", "blocks"), "--option: got 'blocks', expected NAME=VALUE"),
        (stage1(folders, out, "--option", "blocks=1", "--option", "blocks=2"), "--option: blocks is given twice"),
        (stage1(folders, out, "--generator", "./drpl"), "drpl: no saved generator here"),
        (stage1(folders, out, "--option", "blocks=2"), "does not take the options {'blocks': 2}"),
        (stage1(folders, out, "--augment", "rain"), "rain"),
        (stage2(folders, saved, out, "--option", "a=1"), "--option: is for a plugin's generator"),
        (stage2(folders, saved, out, "--alpha", -1), "--alpha: got -1"),
        (stage2(folders, saved, out, "--average", 2), "bridgetune: --average: got 2.0; "),
        (stage2(folders, "msfinn", out), "unknown generator 'msfinn'"),
        (stage2(folders, PYRAMID, out), "'laplacian-pyramid' is an evaluator"),
        (stage2(folders, "modified-laplacian", out), "modified-laplacian has no parameters"),
        (stage1(folders, out, "--generator", "spatial-frequency"), "spatial-frequency has no parameters"),
        (["export", PYRAMID, "--format", "torch", "-o", tmp_path / "out.pt2"], "'laplacian-pyramid' is an evaluator"),
        (stage2(folders._replace(clear=missing), saved, out), "no such folder"),
        (["data", "make", "--images", missing, "--masks", missing, "--out", out], "no such folder"),
        (["no-such-verb"], "No such command"),
        (["fuse", "--no-such-option"], "No such option"),
    ]
    for arguments, said in wrong:
        line = refused(*arguments)
        assert said in line, (arguments, line)
        assert sorted(tmp_path.rglob("*")) == there, arguments


def test_debug_shows_the_traceback(tmp_path: Path):
    finished = run("fuse", "--generator", "nobody", "a", "b", "-o", tmp_path / "c.png", "--debug")
    assert "Traceback" in finished.stderr


@pytest.mark.usefixtures("undrawn")
def test_a_run_that_is_killed_goes_on_where_it_was(folders: Folders, saved: Path, tmp_path: Path):
    """SIGKILL in the middle of either stage, then the same command with --resume."""

    def command(stage: str, out: Path) -> list[object]:
        more = ["--steps", 12, "--checkpoint-every", 2]
        return stage1(folders, out, *more) if stage == "pretrain" else stage2(folders, saved, out, *more)

    for stage in ("pretrain", "finetune"):
        straight, killed = tmp_path / f"{stage}-straight", tmp_path / f"{stage}-killed"
        succeeds(*command(stage, straight))
        process = started(*command(stage, killed))
        while len(losses(killed)) < 5:
            assert process.goes_on(), "the run ended before it could be killed"
            time.sleep(0.005)
        process.killed()
        assert not (killed / "generator").exists()

        succeeds(*command(stage, killed), "--resume")
        assert losses(killed) == losses(straight)
        assert len(losses(killed)) == 12
        product = "generator/model.safetensors"
        assert (killed / product).read_bytes() == (straight / product).read_bytes()


def test_ctrl_c_says_where_to_resume(folders: Folders, tmp_path: Path):
    out = tmp_path / "run"
    process = started(*stage1(folders, out, "--steps", 500))
    while len(losses(out)) < 2:
        assert process.goes_on()
        time.sleep(0.01)
    process.send(signal.SIGINT)
    ended = process.ended()
    assert ended.returncode == 1
    assert "with --resume" in ended.stderr.splitlines()[-1]
    assert list((out / "checkpoints").glob("step-*"))


def test_without_an_adversarial_loss_no_references_are_asked_for(folders: Folders, saved: Path, tmp_path: Path):
    command = [*stage2(folders, saved, tmp_path / "run", "--steps", 1)]
    without = [part for part in command if part not in ("--clear", folders.clear, "--blurred", folders.blurred)]
    assert "--clear: not given" in refused(*without)
    assert "--blurred: not given" in refused(*without, "--clear", folders.clear, "--alpha", 0)
    assert not (tmp_path / "run").exists()
    succeeds(*without, "--alpha", 0)
    assert "discriminators" not in (tmp_path / "run" / "report.md").read_text()


def test_a_network_of_ones_own_is_inspected_tuned_and_used_by_its_factory(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n\n\n"
        "def make():\n    return nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.Conv2d(4, 1, 1))\n"
    )
    monkeypatch.chdir(tmp_path)
    told = json.loads(succeeds("inspect", "mine:make", "--json"))
    assert (told["parameters"], told["readings"][0]["config"]) == (225, "AdapterConfig(call='concat')")
    assert "AdapterConfig(call='concat')" in succeeds("inspect", "mine:make")

    succeeds(*stage2(folders, "mine:make", tmp_path / "run", "--steps", 1))
    picture = folders.images / "0.png"
    # the run's own folder stands for its product
    fused = ("fuse", picture, picture, "-o", tmp_path / "f.png")
    assert "--trust-code" in refused(*fused, "--generator", tmp_path / "run")
    succeeds(*fused, "--generator", "mine:make", "--weights", tmp_path / "run")
    (tmp_path / "f.png").unlink()
    succeeds(*fused, "--generator", tmp_path / "run", "--trust-code")
    assert np.array_equal(read_image(tmp_path / "f.png").pixels, read_image(picture).pixels)


def test_inspect_shows_a_plugins_network(saved: Path):
    assert json.loads(succeeds("inspect", "gacn", "--json"))["parameters"] == 68_820
    shipped, folder = (json.loads(succeeds("inspect", name, "--json")) for name in ("bridgemff", saved))
    assert "symmetric=True" in shipped["readings"][0]["config"]
    assert "symmetric=True" not in folder["readings"][0]["config"]
    assert (shipped["network"], folder["weights"]) == (folder["network"], str(saved))


def test_inspect_takes_a_plugins_options():
    told = json.loads(succeeds("inspect", "drpl", "--option", "width=4", "--option", "blocks=1", "--json"))
    assert told["options"] == {"width": 4, "blocks": 1}
    assert told["parameters"] < 10_000
    assert "--option: is for a plugin's generator" in refused("inspect", "mine:make", "--option", "width=4")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wrap_your_network", "finetune_drpl", "compare_backbones"])
def test_an_example_runs(name: str, tmp_path: Path):
    """With a few steps, on small pairs; that as many as it takes bring something is the demo's test."""
    example = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    shorter, times = re.subn(r"\b(steps|validate_every)=\d+", r"\1=4", example)
    assert times == 4, "of two stages"
    shorter = re.sub(r"longest_side=\d+", "longest_side=64", shorter)
    (tmp_path / "example.py").write_text(shorter, encoding="utf-8")
    finished = subprocess.run([sys.executable, tmp_path / "example.py"], capture_output=True, text=True, timeout=900)
    assert finished.returncode == 0, finished.stderr
    assert "%" in finished.stdout, "it prints what it measured"
