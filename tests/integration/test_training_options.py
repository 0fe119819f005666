"""What the options of both stages do to a run."""

from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

import bridgetune
from bridgetune import Adapter, RequestError, create, finetune, pretrain
from bridgetune.config.training import LABELLINGS
from bridgetune.data import References, SyntheticPairs, UnlabelledPairs
from bridgetune.discriminators import PairJudge
from tests.support.commands import run
from tests.support.runs import losses, same, stage1, stage2, weights
from tests.support.small import SIDE, Folders, sharpness

pytestmark = pytest.mark.usefixtures("undrawn")


def test_bfloat16_runs_and_leaves_float32_weights(
    generator: Adapter, pairs: SyntheticPairs, references: References, tmp_path: Path
):
    before = copy.deepcopy(generator)
    finetune(generator, pairs, references, stage2(2, precision="bf16"), run_dir=tmp_path / "run")
    assert all(value.dtype == torch.float32 for value in weights(generator).values())
    assert type(generator).forward is type(before).forward
    assert "forward" not in vars(generator), "the mixed-precision wrapper is gone"


def test_a_callable_may_make_the_discriminators(
    generator: Adapter, pairs: SyntheticPairs, references: References, tmp_path: Path
):
    def small_judge() -> nn.Module:
        return nn.Conv2d(3, 1, 5)

    finetune(generator, pairs, references, stage2(1), discriminator=small_judge, run_dir=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["discriminator"].endswith("small_judge")


def tuned(pairs: SyntheticPairs, references: References, **changes: Any) -> dict[str, Tensor]:
    """The weights after three steps."""
    generator = sharpness()
    finetune(generator, pairs, references, stage2(3, validation_share=0, **changes))
    return weights(generator)


@pytest.mark.parametrize("changes", [{"micro_batch": 1}, {"micro_batch": 3}, {"checkpoint_activations": True}], ids=str)
@pytest.mark.parametrize("recipe", ["paper", "released"])
def test_less_memory_gives_the_same_update(
    pairs: SyntheticPairs, references: References, recipe: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(nn.Dropout, "forward", lambda layer, x: x)  # parts draw in another order than the whole
    whole = tuned(pairs, references, recipe=recipe)
    spared = tuned(pairs, references, recipe=recipe, **changes)
    for name, value in whole.items():
        torch.testing.assert_close(spared[name], value, rtol=0, atol=2e-6)


def test_micro_batches_of_a_network_with_batch_norm_are_warned_of(
    pairs: SyntheticPairs, caplog: pytest.LogCaptureFixture
):
    network = nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 1))
    generator = bridgetune.wrap(network, bridgetune.AdapterConfig(call="concat"))
    pretrain(generator, pairs, stage1(1, micro_batch=2))
    assert "micro_batch: the network has BatchNorm" in caplog.text


@pytest.mark.parametrize("kept", [False, True])
def test_statistics_of_batch_norm_are_kept_where_that_is_asked_for(
    kept: bool, pairs: SyntheticPairs, references: References, caplog: pytest.LogCaptureFixture
):
    network = nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 1))
    generator = bridgetune.wrap(network, bridgetune.AdapterConfig(call="concat"))
    before = weights(generator)
    config = stage2(1, micro_batch=2, batch_norm="keep" if kept else "train", discriminator="patch")
    finetune(generator, pairs, references, config)
    after = weights(generator)
    assert torch.equal(after["1.running_mean"], before["1.running_mean"]) == kept
    assert torch.equal(after["1.num_batches_tracked"], before["1.num_batches_tracked"]) == kept
    assert not torch.equal(after["1.weight"], before["1.weight"])
    assert ("statistics are then those of a micro-batch" in caplog.text) != kept


def test_an_average_of_the_weights_is_what_is_saved(pairs: SyntheticPairs, tmp_path: Path):
    averaged = sharpness()
    config = stage1(3, validation_share=0, checkpoint_every=1, average=0.5)
    pretrain(averaged, pairs, config, run_dir=tmp_path / "run")
    checkpoints = sorted((tmp_path / "run" / "checkpoints").iterdir())
    steps = [load_file(path / "model.safetensors") for path in checkpoints]
    assert len(steps) == 3
    for name, value in weights(averaged).items():
        first, second, third = (step[f"generator.network.{name}"] for step in steps)
        torch.testing.assert_close(value, ((first + second) / 2 + third) / 2)
    assert same(weights(bridgetune.load(tmp_path / "run", network=sharpness().unwrap())), weights(averaged))


def test_alpha_that_is_chosen_automatically_is_recorded_and_holds_its_share(
    generator: Adapter, pairs: SyntheticPairs, references: References, tmp_path: Path
):
    config = stage2(12, alpha="auto", adversarial_share=0.25)
    finetune(generator, pairs, references, config, run_dir=tmp_path / "run")
    first, *_, last = losses(tmp_path / "run")
    for record in (first, last):
        share = record["alpha"] * record["map_gradient_adversarial"] / record["map_gradient_known"]
        assert share == pytest.approx(0.25, rel=1e-3 if record is first else 1.0)
    assert first["loss"] == pytest.approx(first["alpha"] * first["adversarial"] + first["supervised"], rel=1e-4)


@pytest.fixture
def unlabelled(folders: Folders, tmp_path: Path) -> UnlabelledPairs:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "A").symlink_to(folders.clear)
    (tmp_path / "new" / "B").symlink_to(folders.blurred)
    return UnlabelledPairs(tmp_path / "new", size=SIDE, fit="crop")


def test_unlabelled_pairs_alone_tune_a_generator(
    generator: Adapter, unlabelled: UnlabelledPairs, references: References, tmp_path: Path
):
    before = weights(generator)
    finetune(generator, None, references, stage2(2), unlabelled=unlabelled, run_dir=tmp_path / "run")
    assert not same(before, weights(generator))
    for record in losses(tmp_path / "run"):
        assert {"swap", "binary", "variation", "adversarial"} <= record.keys()
        assert "supervised" not in record
        known = record["swap"] + 0.1 * record["binary"] + 0.1 * record["variation"]
        assert record["loss"] == pytest.approx(1e-4 * record["adversarial"] + known, rel=1e-4)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["pairs"]["unlabelled"] == repr(unlabelled)


def test_labelled_and_unlabelled_pairs_tune_it_together(
    generator: Adapter, pairs: SyntheticPairs, unlabelled: UnlabelledPairs, references: References, tmp_path: Path
):
    config = stage2(2, swap_weight=2.0, binary_weight=0.0, variation_weight=0.0)
    finetune(generator, pairs, references, config, unlabelled=unlabelled, run_dir=tmp_path / "run")
    for record in losses(tmp_path / "run"):
        known = record["supervised"] + 2 * record["swap"]
        assert record["loss"] == pytest.approx(1e-4 * record["adversarial"] + known, rel=1e-4)


def test_a_run_can_be_watched_in_tensorboard(
    generator: Adapter, pairs: SyntheticPairs, references: References, tmp_path: Path
):
    finetune(generator, pairs, references, stage2(2, tensorboard=True), run_dir=tmp_path / "run")
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert {"loss/loss", "validation/map error", "gradient/generator"} <= set(events.Tags()["scalars"])
    shown = set(events.Tags()["images"])
    assert {f"pictures/{name}" for name in ("sources/first", "sources/second", "map/generator", "map/true")} <= shown
    for domain in ("clear", "blurred"):
        for which in ("first", "second"):
            assert f"pictures/syntheses/{domain}_{which}" in shown
            assert f"pictures/taken_for_references/{domain}_{which}" in shown


def test_a_run_without_wanting_them_has_no_events(generator: Adapter, pairs: SyntheticPairs, tmp_path: Path):
    pretrain(generator, pairs, stage1(2), run_dir=tmp_path / "run")
    assert not (tmp_path / "run" / "tensorboard").exists()


def test_compiling_is_asked_of_the_wrapper_and_leaves_the_network_as_it_was(
    generator: Adapter, pairs: SyntheticPairs, references: References
):
    network = generator.unwrap()
    attributes = set(vars(network))
    plain = tuned(pairs, references)
    with torch.compiler.set_stance("force_eager"):  # the compiler itself takes a minute
        compiled = tuned(pairs, references, compile=True)
        finetune(generator, pairs, references, stage2(1, compile=True))
    assert same(plain, compiled)
    assert set(vars(network)) == attributes


def test_the_command_tells_before_its_first_step_and_at_its_end_which_way_the_map_is_pushed(
    folders: Folders, tmp_path: Path
):
    create("drpl", weights=None, width=2, blocks=1).save_pretrained(tmp_path / "generator")
    pictures = [part for name, folder in folders._asdict().items() for part in (f"--{name}", folder)]
    settings = ["--size", "32", "--fit", "crop", "--batch", "2", "--steps", "1", "--device", "cpu", "--workers", "0"]
    said = run("finetune", "--generator", tmp_path / "generator", *pictures, *settings, "--out", tmp_path / "run")
    assert said.returncode == 0, said.stderr
    assert "finetune: step 0: pushed to the right side: of the wrong pixels" in said.stderr
    assert re.search(r"pushed to the right side: .* [\d.]+% → [\d.]+% off the seam; of the right ones", said.stdout)


@pytest.mark.parametrize("labelling", LABELLINGS)
def test_labels_that_nobody_gave_tune_a_generator_together_with_those_that_there_are(
    labelling: str, pairs: SyntheticPairs, unlabelled: UnlabelledPairs, references: References, tmp_path: Path
):
    config = stage2(2, adversarial=labelling, pseudo_weight=0.5, judge_steps=2)
    generator = sharpness()
    finetune(generator, pairs, references, config, unlabelled=unlabelled, run_dir=tmp_path / "run")
    assert not same(weights(generator), weights(sharpness()))
    for record in losses(tmp_path / "run"):
        known = record["supervised"] + record["swap"] + 0.1 * record["binary"] + 0.1 * record["variation"]
        assert record["loss"] == pytest.approx(known + 0.5 * record["pseudo"], rel=1e-4)
        assert not {"adversarial", "alpha", "discriminator_clear"} & record.keys()
    said = (tmp_path / "run" / "report.md").read_text()
    assert f"| labels of unlabelled pairs | {labelling}, weight 0.5 |" in said
    assert f"Share of them that the labels of `{labelling}` push to the right side" in said
    assert "α" not in said
    assert (
        f"| labels of unlabelled pairs | {labelling}, weight 0.5 |"
        in (tmp_path / "run/generator/README.md").read_text()
    )


def taught_again(*_: object) -> None:
    raise AssertionError("the judge of a checkpoint is taught no more")


def test_a_run_by_votes_is_resumed_with_the_judge_that_it_began_with(
    pairs: SyntheticPairs,
    unlabelled: UnlabelledPairs,
    references: References,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    config = stage2(4, adversarial="votes", judge_steps=3)

    def run(folder: Path) -> Adapter:
        generator = sharpness()
        finetune(generator, pairs, references, config, unlabelled=unlabelled, run_dir=folder, resume=True)
        return generator

    whole = run(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "step-00000004")
    kept = torch.load(tmp_path / "run" / "checkpoints" / "step-00000002" / "state.pt", weights_only=True)
    assert kept["judge"].keys() == dict(PairJudge().state_dict()).keys()
    monkeypatch.setattr("bridgetune.training.algorithm.teach", taught_again)
    assert same(weights(run(tmp_path / "run")), weights(whole))


def test_labels_without_pairs_to_label_or_with_a_discriminator_are_refused_before_anything_is_written(
    generator: Adapter, pairs: SyntheticPairs, unlabelled: UnlabelledPairs, references: References, tmp_path: Path
):
    config = stage2(1, adversarial="votes")
    with pytest.raises(RequestError, match=r"labels pairs without masks, and there are none; give some \(--unlabelled"):
        finetune(generator, pairs, references, config, run_dir=tmp_path / "run")
    with pytest.raises(RequestError, match="got a callable, but adversarial='votes' has no adversarial loss"):
        finetune(generator, pairs, references, config, unlabelled=unlabelled, discriminator=nn.Identity)
    assert not (tmp_path / "run").exists()
