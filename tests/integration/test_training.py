"""Both stages as a library user runs them."""

from __future__ import annotations

import copy
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

import bridgetune
from bridgetune import Adapter, PretrainConfig, RequestError, Steps, TuneConfig, WorkError, finetune, pretrain
from bridgetune.data import Pair, References, SyntheticPairs, UnlabelledPairs
from bridgetune.training.loop import Stopped

from .conftest import SIDE, Folders, sharpness

QUICK: dict[str, Any] = {"batch": 4, "size": SIDE, "workers": 0, "device": "cpu", "validate_every": 5}


def stage1(steps: int = 6, **changes: Any) -> PretrainConfig:
    return PretrainConfig(**{**QUICK, "duration": Steps(steps=steps), "checkpoint_every": 2, **changes})


def stage2(steps: int = 6, **changes: Any) -> TuneConfig:
    return TuneConfig(**{**QUICK, "duration": Steps(steps=steps), "checkpoint_every": 2, **changes})


def records(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def losses(run: Path) -> list[dict[str, float]]:
    """The training records without the clock."""
    return [
        {name: value for name, value in record.items() if name != "seconds"}
        for record in records(run)
        if "learning_rate" in record
    ]


def weights(generator: Adapter) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in generator.unwrap().state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_pretraining_lowers_the_held_out_map_error(generator: Adapter, pairs: SyntheticPairs, tmp_path: Path):
    pretrain(generator, pairs, stage1(80, learning_rate=1e-2, validate_every=80), run_dir=tmp_path / "run")
    before, after = (record["map_error"] for record in records(tmp_path / "run") if "map_error" in record)
    assert before > 0.3
    assert after < before / 2


@pytest.mark.parametrize("recipe", ["paper", "released"])
def test_finetuning_records_every_term_of_equation_12_and_both_discriminators(
    generator: Adapter, pairs: SyntheticPairs, references: References, tmp_path: Path, recipe: str
):
    finetune(generator, pairs, references, stage2(2, recipe=recipe, alpha=0.01), run_dir=tmp_path / "run")
    for record in losses(tmp_path / "run"):
        assert {"discriminator_clear", "discriminator_blurred"} <= record.keys()
        assert record["adversarial"] == pytest.approx(record["adversarial_clear"] + record["adversarial_blurred"])
        assert record["supervised"] == pytest.approx(20 * record["focal"] + record["dice"], rel=1e-5)
        assert record["loss"] == pytest.approx(0.01 * record["adversarial"] + record["supervised"], rel=1e-5)


def test_the_learning_rate_falls_to_zero_by_a_cosine(generator: Adapter, pairs: SyntheticPairs, tmp_path: Path):
    pretrain(generator, pairs, stage1(4, learning_rate=1e-3), run_dir=tmp_path / "run")
    rates = [record["learning_rate"] for record in losses(tmp_path / "run")]
    assert rates == pytest.approx([1e-3 * (1 + np.cos(np.pi * step / 4)) / 2 for step in range(4)])


def test_a_run_directory_holds_what_was_decided_and_the_product(
    generator: Adapter, pairs: SyntheticPairs, references: References, tmp_path: Path
):
    result = finetune(generator, pairs, references, stage2(4), run_dir=tmp_path / "run")
    run = tmp_path / "run"
    decided = json.loads((run / "config.json").read_text())
    assert decided["config"]["alpha"] == 1e-4
    assert decided["discriminator"] == "twin"
    assert decided["versions"]["torch"] == torch.__version__
    assert decided["recipe"]["order"] == "discriminators first"
    again = bridgetune.load(run / "generator", network=sharpness().unwrap())
    assert same(weights(again), weights(result.generator))
    assert not result.generator.training


def test_only_the_newest_checkpoints_are_kept(generator: Adapter, pairs: SyntheticPairs, tmp_path: Path):
    pretrain(generator, pairs, stage1(6, checkpoint_every=1, checkpoints_kept=2), run_dir=tmp_path / "run")
    kept = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert kept == ["step-00000005", "step-00000006"]


def test_the_network_stays_the_users_own(generator: Adapter, pairs: SyntheticPairs, references: References):
    network = generator.unwrap()
    keys, kind, attributes = list(network.state_dict()), type(network), set(vars(network))
    before = weights(generator)
    finetune(generator, pairs, references, stage2(2))
    assert generator.unwrap() is network
    assert (list(network.state_dict()), type(network), set(vars(network))) == (keys, kind, attributes)
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert not same(before, weights(generator)), "it was tuned in place"


def test_frozen_parameters_stay_frozen(generator: Adapter, pairs: SyntheticPairs, references: References):
    first_layer = generator.unwrap().layers[0]
    first_layer.requires_grad_(False)
    before = first_layer.weight.clone()
    finetune(generator, pairs, references, stage2(2))
    assert torch.equal(first_layer.weight, before)
    assert not first_layer.weight.requires_grad


def test_a_run_without_a_folder_writes_nothing(
    generator: Adapter, pairs: SyntheticPairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    pretrain(generator, pairs, stage1(2))
    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_gives_the_same_run_and_another_seed_another(pairs: SyntheticPairs):
    runs = []
    for seed in (1, 1, 2):
        generator = sharpness()
        pretrain(generator, pairs, stage1(3, seed=seed))
        runs.append(weights(generator))
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


class Interrupting:
    """Pairs that send a signal to this process when step `step` of batches of `batch` is being prepared."""

    def __init__(self, pairs: SyntheticPairs, at: int) -> None:
        self.pairs, self.left = pairs, at

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        return repr(self.pairs)

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return self.pairs.sample(index, rng)


@pytest.mark.parametrize("stage", ["pretrain", "finetune"])
def test_ctrl_c_leaves_a_checkpoint_and_resuming_ends_bit_identical(
    pairs: SyntheticPairs, references: References, tmp_path: Path, stage: str
):
    def run(source: Any, folder: Path, resume: bool = False) -> Adapter:
        generator = sharpness()
        if stage == "pretrain":
            pretrain(generator, source, stage1(7, validation_share=0), run_dir=folder, resume=resume)
        else:
            config = stage2(7, validation_share=0)
            finetune(generator, source, references, config, run_dir=folder, resume=resume)
        return generator

    straight = run(pairs, tmp_path / "straight")
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Stopped, match="step-0000000"):
        run(Interrupting(pairs, at=14), tmp_path / "stopped")
    assert signal.getsignal(signal.SIGINT) is before
    assert 0 < len(losses(tmp_path / "stopped")) < 7
    resumed = run(pairs, tmp_path / "stopped", resume=True)
    assert same(weights(straight), weights(resumed))
    assert losses(tmp_path / "stopped") == losses(tmp_path / "straight")


def test_resuming_a_finished_run_changes_nothing(pairs: SyntheticPairs, tmp_path: Path):
    first, second = sharpness(), sharpness()
    pretrain(first, pairs, stage1(3), run_dir=tmp_path / "run")
    written = (tmp_path / "run" / "metrics.jsonl").read_text()
    result = pretrain(second, pairs, stage1(3), run_dir=tmp_path / "run", resume=True)
    assert same(weights(first), weights(second))
    assert (tmp_path / "run" / "metrics.jsonl").read_text() == written
    assert result.validation is not None


def test_resume_without_a_run_starts_one(generator: Adapter, pairs: SyntheticPairs, tmp_path: Path):
    pretrain(generator, pairs, stage1(2), run_dir=tmp_path / "run", resume=True)
    assert len(losses(tmp_path / "run")) == 2


def test_a_checkpoint_that_cannot_be_read_gives_way_to_the_one_before(
    pairs: SyntheticPairs, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    straight, resumed = sharpness(), sharpness()
    pretrain(straight, pairs, stage1(6), run_dir=tmp_path / "run")
    newest = tmp_path / "run" / "checkpoints" / "step-00000006"
    for file in newest.iterdir():
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    pretrain(resumed, pairs, stage1(6), run_dir=tmp_path / "run", resume=True)
    assert "step-00000006: not readable" in caplog.text
    assert same(weights(straight), weights(resumed))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"learning_rate": 5e-3}, "learning_rate=0.001"), ({"duration": Steps(steps=9)}, "duration")],
)
def test_a_run_is_not_resumed_as_another(pairs: SyntheticPairs, tmp_path: Path, changes: dict[str, Any], said: str):
    pretrain(sharpness(), pairs, stage1(2), run_dir=tmp_path / "run")
    with pytest.raises(RequestError, match=said):
        pretrain(sharpness(), pairs, stage1(**{"steps": 2, **changes}), run_dir=tmp_path / "run", resume=True)


def test_a_folder_in_use_is_refused(generator: Adapter, pairs: SyntheticPairs, tmp_path: Path):
    (tmp_path / "diary.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(RequestError, match="not empty"):
            pretrain(generator, pairs, stage1(2), run_dir=tmp_path, resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]


def test_a_generator_with_nothing_to_train_is_refused(generator: Adapter, pairs: SyntheticPairs, tmp_path: Path):
    generator.requires_grad_(False)
    with pytest.raises(RequestError, match="no trainable parameter"):
        pretrain(generator, pairs, stage1(2), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


class Failing(nn.Module):
    """Turns to NaN, or to a NaN gradient, at its third training step."""

    def __init__(self, inner: nn.Module, where: str) -> None:
        super().__init__()
        self.inner, self.where, self.calls = inner, where, 0

    def forward(self, stacked: Tensor) -> Tensor:
        logits = self.inner(stacked)
        self.calls += self.training
        if not self.training or self.calls < 3:
            return logits
        if self.where == "loss":
            return logits * float("nan")
        return logits + torch.sqrt(logits * 0).detach() * 0 + torch.sqrt(logits * 0)


@pytest.mark.parametrize(
    ("where", "said"),
    [("loss", "step 3: the generator's map is not finite"), ("gradient", "step 3: the gradient of 'generator' is nan")],
)
def test_nan_stops_with_the_step_and_the_loss_and_spoils_no_checkpoint(
    generator: Adapter, pairs: SyntheticPairs, tmp_path: Path, where: str, said: str
):
    failing = bridgetune.wrap(Failing(generator.unwrap(), where), generator.config)
    with pytest.raises(WorkError, match=said):
        pretrain(failing, pairs, stage1(6, validation_share=0), run_dir=tmp_path / "run")
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-00000002"]
    assert all(torch.isfinite(value).all() for value in weights(failing).values())


def test_bfloat16_runs_and_leaves_float32_weights(
    generator: Adapter, pairs: SyntheticPairs, references: References, tmp_path: Path
):
    before = copy.deepcopy(generator)
    finetune(generator, pairs, references, stage2(2, precision="bf16"), run_dir=tmp_path / "run")
    assert all(value.dtype == torch.float32 for value in weights(generator).values())
    assert type(generator).forward is type(before).forward
    assert "forward" not in vars(generator), "the mixed-precision wrapper is gone"


def test_pairs_and_references_of_different_size_are_refused_before_anything_is_written(
    generator: Adapter, folders: Folders, pairs: SyntheticPairs, tmp_path: Path
):
    larger = References.from_folders(folders.clear, folders.blurred, size=2 * SIDE)
    with pytest.raises(RequestError, match=r"pairs 32×32, clear references 64×64"):
        finetune(generator, pairs, larger, stage2(2), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_exchanged_references_are_warned_of(
    generator: Adapter, pairs: SyntheticPairs, references: References, caplog: pytest.LogCaptureFixture
):
    finetune(generator, pairs, References(references.blurred, references.clear), stage2(1))
    assert "are the two exchanged?" in caplog.text


def test_the_size_that_is_recorded_is_the_pairs_own(generator: Adapter, pairs: SyntheticPairs, tmp_path: Path):
    pretrain(generator, pairs, stage1(1, size=256), run_dir=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"]["size"] == SIDE


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


def test_a_run_without_any_pairs_is_refused(generator: Adapter, references: References):
    with pytest.raises(RequestError, match="no pairs to train on"):
        finetune(generator, None, references, stage2(1))


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


def test_a_run_ends_with_its_report(generator: Adapter, pairs: SyntheticPairs, tmp_path: Path):
    pretrain(generator, pairs, stage1(4), run_dir=tmp_path / "run")
    assert (tmp_path / "run" / "report.md").read_text().startswith("#")


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
