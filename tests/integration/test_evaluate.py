"""Evaluation: which files belong together, what is measured of them, and how it is told."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bridgetune import Adapter, Evaluator, Generator, RequestError, create
from bridgetune.cli import main
from bridgetune.data import all_in_focus, multi_focus_pair, read_image, to_pixels, write_image
from bridgetune.evaluation import Evaluation, evaluate
from bridgetune.inference import fuse_files
from bridgetune.metrics import FUSION_METRICS, METRICS, HomogeneousRegion, SourcePair, map_scores
from tests.support.commands import run, succeeds

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


def tensor(path: Path) -> Tensor:
    return torch.tensor(read_image(path).pixels).permute(2, 0, 1)[None]


def done(*arguments: object) -> None:
    """The command, in this process."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert not ended.value.code


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three synthetic pairs of two sizes with ground truth, `fused/` by averaging, stems 2, 10 and 11."""
    root, rng = tmp_path_factory.mktemp("dataset") / "scenes", np.random.default_rng(0)
    for stem, (height, width) in {"2": (40, 48), "10": (40, 48), "11": (33, 50)}.items():
        scene = rng.random((3, height, width), dtype=np.float32)
        scene[:, : height // 2, : width // 2] = 0.5
        mask = torch.zeros(1, height, width)
        mask[..., : width // 3] = 1
        pair = multi_focus_pair(torch.from_numpy(scene), mask, 9)
        files = {"A": pair.first, "B": pair.second, "mask": mask, "clear": all_in_focus(pair)}
        for folder, image in {**files, "fused": (pair.first + pair.second) / 2}.items():
            write_image(root / folder / f"{stem}.png", to_pixels(image))
    return root


@pytest.fixture
def pairs_only(dataset: Path, tmp_path: Path) -> Path:
    """The same without ground truth, to be changed at will."""
    for folder in ("A", "B", "fused"):
        shutil.copytree(dataset / folder, tmp_path / "pairs" / folder)
    return tmp_path / "pairs"


def test_saved_results_have_the_scores_of_their_8_bit_levels(pairs_only: Path):
    result = evaluate(pairs_only, fused=pairs_only / "fused", workers=1)
    assert list(result.images) == ["2", "10", "11"]
    assert (result.method, result.dataset, result.convention) == ("fused", "pairs", "toolbox")
    for stem, scores in result.images.items():
        first, second, fused = (tensor(pairs_only / folder / f"{stem}.png") for folder in ("A", "B", "fused"))
        expected = {name: float(value) for name, value in SourcePair(first, second).score(fused).items()}
        assert scores == {name: None if math.isnan(value) else value for name, value in expected.items()}
    assert result.mean["q_mi"] == pytest.approx(np.mean([scores["q_mi"] for scores in result.images.values()]))
    assert result.metrics["q_mi"].higher_is_better


@pytest.mark.slow
def test_processes_find_and_keep_what_one_does(dataset: Path, tmp_path: Path):
    create("drpl", weights=None).save_pretrained(tmp_path / "net")
    kept = [tmp_path / "1", tmp_path / "2"]
    one, two = (
        evaluate(dataset, generator=tmp_path / "net", keep=keep, workers=workers)
        for workers, keep in enumerate(kept, 1)
    )
    assert list(two.images) == list(one.images)
    files = [{path.relative_to(keep): path.read_bytes() for path in keep.rglob("*.png")} for keep in kept]
    assert len(files[0]) == 6
    assert files[0] == files[1]
    for stem, scores in one.images.items():
        there, others = (
            {name: score for name, score in each.items() if score is not None} for each in (scores, two.images[stem])
        )
        assert others == pytest.approx(there, rel=1e-12)  # sums of another number of threads


def test_the_papers_convention_is_said_and_measured(pairs_only: Path):
    toolbox = evaluate(pairs_only, fused=pairs_only / "fused", workers=1)
    paper = evaluate(pairs_only, fused=pairs_only / "fused", workers=1, convention="paper")
    assert paper.convention == "paper"
    assert paper.mean["q_s"] != toolbox.mean["q_s"]
    assert paper.mean["q_mi"] == toolbox.mean["q_mi"]


def test_a_saved_fusion_of_ones_own_scores_as_the_generator_does(pairs_only: Path, generator: Adapter):
    for path in (pairs_only / "A").iterdir():
        fuse_files(generator, path, pairs_only / "B" / path.name).save(pairs_only / "fused" / path.name)
    saved = evaluate(pairs_only, fused=pairs_only / "fused", workers=1)
    made = evaluate(pairs_only, generator=generator, blend="feather")
    assert made.settings["blend"] == "feather"
    assert made.method == "Sharpness"
    decided = [name for name, metric in METRICS.items() if metric.kind == "decision"]
    assert list(made.metrics) == [*FUSION_METRICS, *decided, "swap_inconsistency"]
    for stem, scores in saved.images.items():
        assert scores == {name: made.images[stem][name] for name in FUSION_METRICS}


def test_with_ground_truth_maps_and_pictures_are_measured(dataset: Path, generator: Adapter):
    result = evaluate(dataset, generator=generator)
    assert result.metrics.keys() == METRICS.keys()
    assert "local std < 0.02 in 11×11 px of the all-in-focus image" in result.definitions["homogeneous region"]
    scores = result.images["11"]
    fusion = fuse_files(generator, dataset / "A" / "11.png", dataset / "B" / "11.png", blend="none")
    truth = tensor(dataset / "mask" / "11.png")[:, :1] / 255
    homogeneous = HomogeneousRegion().of(read_image(dataset / "clear" / "11.png").tensor()[None])
    expected = map_scores(torch.from_numpy(fusion.decision)[None, None], truth, homogeneous).named()
    assert 0 < expected["map_error"] < 1
    assert 0 < float(homogeneous.double().mean()) < 1
    assert {name: scores[name] for name in expected} == expected


def test_an_evaluator_is_measured_without_a_map_and_told_so(dataset: Path, pairs_only: Path):
    mean = Evaluator("mean", lambda first, second: (first + second) / 2)
    result = evaluate(dataset, generator=mean)
    assert result.method == "mean"
    saved = evaluate(dataset, fused=dataset / "fused", workers=1)
    assert list(result.metrics) == list(saved.metrics)
    left_out = [name for name in METRICS if name not in result.metrics]
    assert "map_error" in left_out
    assert result.settings["left out, without a map"] == left_out
    fewer = evaluate(pairs_only, generator=mean).settings["left out, without a map"]
    assert "swap_inconsistency" in fewer
    assert "map_error" not in fewer
    with pytest.raises(RequestError, match="recipe released: mean is an evaluator"):
        evaluate(dataset, generator=mean, recipe="released")


class Guesses(Generator):
    """Takes the first image on the left for sure, and everywhere else one pixel so, the next otherwise."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        height, width = first.shape[-2:]
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        logits = torch.where(columns < 4, 9.0, 0.1 - 0.2 * ((rows + columns) % 2))
        return logits.expand(len(first), 1, -1, -1)


def test_a_generator_is_measured_as_it_fuses(dataset: Path):
    settled, kept = (evaluate(dataset, generator=Guesses(), undecided=undecided) for undecided in ("settle", "keep"))
    assert [result.settings["undecided"] for result in (settled, kept)] == ["settle", "keep"]
    assert kept.mean["map_error"] == pytest.approx(0.5, abs=0.1)
    assert abs(settled.mean["map_error"] - kept.mean["map_error"]) > 0.01


def test_saved_results_are_compared_with_the_all_in_focus_image(dataset: Path):
    perfect = evaluate(dataset, fused=dataset / "clear", workers=1)
    assert list(perfect.metrics) == [*FUSION_METRICS, "psnr", "ssim"]
    assert perfect.mean["ssim"] == pytest.approx(1)
    assert evaluate(dataset, fused=dataset / "fused", workers=1).mean["psnr"] < 40


def test_an_image_that_is_identical_to_the_all_in_focus_one_has_no_psnr_and_is_counted(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copytree(dataset, tmp_path / "d")
    shutil.copy(tmp_path / "d" / "clear" / "10.png", tmp_path / "d" / "fused" / "10.png")
    command = ["evaluate", "--sources", tmp_path / "d", "--fused", tmp_path / "d" / "fused", "--workers", 1]
    done(*command, "--out", tmp_path / "e.json", "--csv", tmp_path / "e.csv")
    assert "1 of 3 fused images is identical to the all-in-focus image: without PSNR" in capsys.readouterr().err
    result = Evaluation.read(tmp_path / "e.json")
    assert result.named("identical to the all-in-focus image") == ["10"]
    assert result.images["10"]["psnr"] is None
    others = [result.images[stem]["psnr"] for stem in ("2", "11")]
    assert result.mean["psnr"] == pytest.approx(np.mean(np.array(others, float)))
    with (tmp_path / "e.csv").open() as file:
        psnr = {row["image"]: row["psnr"] for row in csv.DictReader(file)}
    assert psnr["10"] == ""
    assert float(psnr["mean"]) == result.mean["psnr"]


def test_results_that_are_stored_as_jpeg_are_pointed_out(pairs_only: Path, capsys: pytest.CaptureFixture[str]):
    command = ["evaluate", "--sources", pairs_only, "--fused", pairs_only / "fused", "--workers", 1, "--json"]
    done(*command)
    assert "JPEG" not in "".join(capsys.readouterr())
    path = pairs_only / "fused" / "10.png"
    write_image(path.with_suffix(".jpg"), read_image(path).pixels)
    path.with_suffix(".jpg").rename(path)  # whatever its suffix says
    done(*command)
    told = capsys.readouterr()
    assert json.loads(told.out)["settings"]["fused images stored as JPEG"] == 1
    assert "fused: 1 of 3 fused images are stored as JPEG, which alone costs" in told.err


def test_fused_images_and_maps_are_kept_and_not_replaced_unasked(
    pairs_only: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    saved, kept, out = tmp_path / "net", tmp_path / "kept", tmp_path / "e.json"
    create("bridgemff", weights=None).save_pretrained(saved)
    evaluate(pairs_only, generator=saved, keep=kept, workers=1)
    files = {f"{folder}/{stem}.png" for folder in ("fused", "maps") for stem in ("2", "10", "11")}
    assert {str(path.relative_to(kept)) for path in kept.rglob("*.*")} == files

    (kept / "fused" / "2.png").unlink()
    before = (kept / "maps" / "11.png").stat().st_mtime_ns
    command = ["evaluate", "--sources", pairs_only, "--generator", saved, "--keep", kept, "--workers", 1]
    with pytest.raises(SystemExit, match="2"):
        main([str(argument) for argument in (*command, "--out", out)])
    assert "maps/2.png and 4 more: exists already; name another, or replace it (--force)" in capsys.readouterr().err
    assert not (kept / "fused" / "2.png").exists()
    assert not out.exists()
    done(*command, "--force")
    assert f"fused images and maps in {kept}" in capsys.readouterr().out
    assert (kept / "fused" / "2.png").exists()
    assert (kept / "maps" / "11.png").stat().st_mtime_ns > before


def test_nothing_is_kept_over_the_sources(pairs_only: Path, tmp_path: Path, generator: Adapter):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "fused").symlink_to(pairs_only / "A")
    with pytest.raises(RequestError, match="kept/fused: holds the sources"):
        evaluate(pairs_only, generator=generator, keep=tmp_path / "kept", force=True)


def test_what_is_not_defined_for_an_image_is_left_out_of_the_mean(dataset: Path, tmp_path: Path, generator: Adapter):
    for folder in ("A", "B", "mask"):
        shutil.copytree(dataset / folder, tmp_path / "d" / folder)
    noise = np.random.default_rng(5).integers(0, 256, (40, 48, 3)).astype(np.uint8)
    for folder in ("A", "B"):  # no homogeneous region anywhere in this one
        write_image(tmp_path / "d" / folder / "10.png", noise)
    result = evaluate(tmp_path / "d", generator=generator)
    assert result.images["10"]["homogeneous_error"] is None
    others = [result.images[stem]["homogeneous_error"] for stem in ("2", "11")]
    assert result.mean["homogeneous_error"] == pytest.approx(np.mean(others))
    assert "put together by the true map" in result.definitions["homogeneous region"]


def test_sixteen_bits_are_measured_as_eight(pairs_only: Path):
    eight = evaluate(pairs_only, fused=pairs_only / "fused", workers=1)
    for path in [*(pairs_only / "A").iterdir(), *(pairs_only / "fused").iterdir()]:
        write_image(path, read_image(path).pixels.astype(np.uint16) * 257)
    assert evaluate(pairs_only, fused=pairs_only / "fused", workers=1).images == eight.images


def test_other_stems_are_matched_by_natural_order(pairs_only: Path):
    by_stem = evaluate(pairs_only, fused=pairs_only / "fused", workers=1)
    for number, stem in enumerate(("2", "10", "11"), 8):  # 8, 9, 10: the order of names would be 10, 8, 9
        (pairs_only / "fused" / f"{stem}.png").rename(pairs_only / "fused" / f"result-{number}.png")
    by_order = evaluate(pairs_only, fused=pairs_only / "fused", workers=1)
    assert by_order.images == by_stem.images
    assert by_order.settings["matched by natural order"] == [str(pairs_only / "fused")]


def delete(root: Path) -> None:
    (root / "fused" / "10.png").unlink()


def add(root: Path) -> None:
    shutil.copy(root / "fused" / "10.png", root / "fused" / "12.png")


def rename_all_but_one(root: Path) -> None:
    (root / "fused" / "2.png").unlink()
    for stem in ("10", "11"):
        (root / "fused" / f"{stem}.png").rename(root / "fused" / f"x{stem}.png")


def shrink(root: Path) -> None:
    write_image(root / "B" / "10.png", np.zeros((40, 47), np.uint8))


def mask_but_one(root: Path) -> None:
    write_image(root / "mask" / "10.png", np.zeros((40, 48), np.uint8))


def twice(root: Path) -> None:
    write_image(root / "A" / "10.jpg", np.zeros((40, 48), np.uint8))


def garbage(root: Path) -> None:
    (root / "fused" / "10.png").write_text("this is text")


def cut_off(root: Path) -> None:
    path = root / "fused" / "10.png"
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (delete, r"fused: no file for 10, but .*A has"),
        (add, r"A: no file for 12, but .*fused has"),
        (rename_all_but_one, r"fused: 2 images, .*A has 3, and no stem in common"),
        (shrink, r"B/10.png: 47×40 pixels, but .*A/10.png has 48×40"),
        (mask_but_one, r"mask: no file for 2, 11, but"),
        (twice, r"A: 10.jpg and 10.png have one stem"),
        (garbage, r"fused/10.png: not an image"),
        (cut_off, r"fused/10.png: cannot be read"),
    ],
)
def test_a_file_that_is_missing_or_wrong_is_named(pairs_only: Path, spoil: Callable[[Path], None], told: str):
    spoil(pairs_only)
    with pytest.raises(RequestError, match=told):
        evaluate(pairs_only, fused=pairs_only / "fused", workers=1)


def test_a_damaged_file_is_named_by_a_process_too(pairs_only: Path):
    cut_off(pairs_only)
    with pytest.raises(RequestError, match=r"10\.png: cannot be read"):
        evaluate(pairs_only, fused=pairs_only / "fused", workers=2)


def test_the_command_line_writes_one_document_everywhere(dataset: Path, tmp_path: Path):
    saved, out, table = tmp_path / "one" / "generator", tmp_path / "new" / "e.json", tmp_path / "e.csv"
    create("bridgemff", weights=None).save_pretrained(saved)
    command = ["evaluate", "--sources", dataset, "--generator", saved, "--out", out, "--csv", table, "--workers", 1]
    told = json.loads(succeeds(*command, "--json", "--dataset", "toy"))
    assert told == json.loads(out.read_text())
    assert (told["format"], told["method"], told["dataset"]) == (1, "one", "toy")
    assert set(told["mean"]) == set(told["metrics"]) == set(METRICS)
    assert (told["settings"]["recipe"], told["settings"]["undecided"]) == ("paper", "settle")
    assert Evaluation.read(out).mean == told["mean"]
    with table.open() as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["2", "10", "11", "mean"]
    assert float(rows["10"]["q_mi"]) == told["images"]["10"]["q_mi"]


def test_the_command_line_shows_every_image_and_the_mean(dataset: Path):
    shown = succeeds("evaluate", "--sources", dataset, "--fused", dataset / "clear", "--workers", 1)
    assert "clear on scenes, 3 images" in shown
    lines = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert {"2", "10", "11", "mean"} <= lines.keys()
    assert lines["mean"].split()[1:] == ["–", "1.0000"]


def test_the_command_line_names_what_a_plugins_evaluator_leaves_out(dataset: Path, tmp_path: Path):
    out = tmp_path / "pyramid.json"
    done = run("evaluate", "--sources", dataset, "--generator", "laplacian-pyramid", "--out", out, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "laplacian-pyramid draws no decision map; left out: map_error, " in " ".join(done.stderr.split())
    result = Evaluation.read(out)
    assert result.method == "laplacian-pyramid"
    assert result.mean["psnr"] > evaluate(dataset, fused=dataset / "fused", workers=1).mean["psnr"]


def test_wrong_requests_are_one_line_and_write_nothing(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = ["--out", tmp_path / "e.json", "--csv", tmp_path / "e.csv"]
    missing, fused = tmp_path / "missing", dataset / "fused"
    wrong: list[tuple[list[object], str]] = [
        (["--sources", dataset], "--fused DIR"),
        (["--sources", dataset, "--fused", fused, "--generator", "bridgemff"], "--fused DIR"),
        (["--sources", missing, "--fused", fused], "missing: no such folder"),
        (["--sources", dataset / "A", "--fused", fused], "A: no such folder"),
        (["--sources", dataset, "--fused", missing], "missing: no such folder"),
        (["--sources", dataset, "--fused", tmp_path], "no images there"),
        (["--sources", dataset, "--fused", fused, "--weights", dataset / "A" / "2.png"], "weights: given without"),
        (["--sources", dataset, "--generator", "bridgemf"], "did you mean 'bridgemff'"),
        (["--sources", dataset, "--generator", "laplacian-pyramid", "--mirrored"], "mirrored: laplacian-pyramid is an"),
        (["--sources", dataset, "--fused", fused, "--workers", 0], "workers"),
        (["--sources", dataset, "--fused", fused, "--out", tmp_path], "is a folder"),
        (["--sources", dataset, "--fused", fused, "--keep", tmp_path / "k"], "keep: given without a generator"),
        (["--sources", dataset, "--generator", "bridgemff", "--keep", dataset / "A" / "2.png"], "is a file"),
    ]
    for arguments, said in wrong:
        with pytest.raises(SystemExit, match="2"):
            main(["evaluate", *map(str, [*out, *arguments])])
        told = capsys.readouterr()
        assert told.out == ""
        (line,) = told.err.splitlines()
        assert said in line, (arguments, line)
        assert not list(tmp_path.iterdir()), arguments
