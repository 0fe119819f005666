"""Both stages as a library user runs them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import bridgetune
from bridgetune import Adapter, RequestError, Steps, WorkError, create, finetune, pretrain
from bridgetune.data import Pair, References, SyntheticPairs
from bridgetune.pictures import read_image
from bridgetune.runs.directory import RunDirectory
from bridgetune.training.loop import Stopped
from tests.support.runs import losses, records, same, stage1, stage2, weights
from tests.support.small import SIDE, Folders, sharpness

pytestmark = pytest.mark.usefixtures("undrawn")


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


def test_without_an_adversarial_loss_nothing_is_judged_and_the_generator_ends_as_with_one_that_counts_for_nothing(
    pairs: SyntheticPairs, references: References, tmp_path: Path
):
    def unwanted() -> nn.Module:
        raise AssertionError("a discriminator was made")

    alone, beside = (create("drpl", weights=None, width=4, blocks=1) for _ in range(2))
    beside.load_state_dict(alone.state_dict())
    finetune(alone, pairs, None, stage2(3, alpha=0), discriminator=unwanted, run_dir=tmp_path / "run")
    finetune(beside, pairs, references, stage2(3, alpha=1e-40))
    assert same(weights(alone), weights(beside))
    told = set().union(*losses(tmp_path / "run"))
    assert "supervised" in told
    assert not any(name.startswith(("discriminator", "adversarial", "gradient_discriminator")) for name in told)
    with pytest.raises(RequestError, match=r"references: got none, expected clear and blurred images .* \(--alpha 0\)"):
        finetune(alone, pairs, None, stage2(1))


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


def test_a_run_shows_what_became_of_the_maps_of_held_out_pairs(
    generator: Adapter, pairs: SyntheticPairs, references: References, tmp_path: Path
):
    finetune(generator, pairs, references, stage2(4, learning_rate=0.01), run_dir=tmp_path / "run")
    kept = RunDirectory(tmp_path / "run").maps.all()
    errors = [record["map_error"] for record in records(tmp_path / "run") if "map_error" in record]
    assert len(kept) == 1
    before, now, true = (read_image(kept[0].files[part]).pixels >= 128 for part in ("before", "now", "true"))
    assert (before != true).mean() == pytest.approx(errors[0])
    assert (now != true).mean() == pytest.approx(errors[-1])
    assert "maps/1-now.png" in (tmp_path / "run" / "report.md").read_text()


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


def test_a_generator_without_parameters_is_refused_by_its_name(pairs: SyntheticPairs, tmp_path: Path):
    with pytest.raises(RequestError, match=r"^modified-laplacian has no parameters: there is nothing to train"):
        pretrain(create("modified-laplacian"), pairs, stage1(2), run_dir=tmp_path / "run")
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


def test_a_run_without_any_pairs_is_refused(generator: Adapter, references: References):
    with pytest.raises(RequestError, match="no pairs to train on"):
        finetune(generator, None, references, stage2(1))


def test_a_run_ends_with_its_report(generator: Adapter, pairs: SyntheticPairs, tmp_path: Path):
    pretrain(generator, pairs, stage1(4), run_dir=tmp_path / "run")
    assert (tmp_path / "run" / "report.md").read_text().startswith("#")
