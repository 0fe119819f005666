"""An effect and a preset of one's own, registered in one file, wherever a run tells of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bridgetune import Adapter, Augmentation, RequestError, TuneConfig, finetune, pretrain
from bridgetune.cli.app import app
from bridgetune.config import AUGMENTATIONS, register_augmentation
from bridgetune.data import Effect, References, SyntheticPairs, register_effect
from bridgetune.sweeps.settings import Data
from bridgetune.sweeps.training_data import TrainingData
from tests.support.effects import registered
from tests.support.runs import losses, stage1, stage2
from tests.support.small import SIDE, Folders, sharpness
from tests.support.verbs import help_of


def rows_that_fail(rng, strength, shape):
    """Which rows of the sensor fail, (H,)."""
    return rng.random(shape[0]) < strength


def without_rows(pair, rows):
    return pair * torch.from_numpy(~rows).to(pair)[:, None]


@pytest.fixture(autouse=True)
def banding() -> Iterator[Augmentation]:
    """The preset `bands`: pictures whose rows are black in parts."""
    with registered():
        register_effect(Effect("banding", "rows of the sensor that fail", rows_that_fail, without_rows))
        register_augmentation("bands", Augmentation(exchange=True, effects={"banding": 0.3}))
        yield AUGMENTATIONS["bands"]


@pytest.fixture
def banded(folders: Folders, banding: Augmentation) -> SyntheticPairs:
    return SyntheticPairs(folders.images, folders.masks, size=SIDE, fit="crop", augmentation=banding)


def black_rows(image: torch.Tensor) -> int:
    return int((image == 0).all(dim=(0, 2)).sum())


def test_its_pairs_show_it(banded: SyntheticPairs):
    pairs = [banded.sample(index, np.random.default_rng(index)) for index in range(8)]
    assert all(black_rows(pair.first) == black_rows(pair.second) for pair in pairs)
    assert np.mean([black_rows(pair.first) for pair in pairs]) == pytest.approx(0.3 * SIDE, rel=0.3)
    assert not black_rows(banded.unaugmented().sample(0, np.random.default_rng(0)).first)


@pytest.mark.parametrize("verb", ["pretrain", "finetune"])
def test_the_command_line_offers_it(verb: str):
    assert re.search(r"--augment <[a-z|]*\|bands\b", help_of(app, verb))


def test_a_run_tells_of_it(generator: Adapter, banded: SyntheticPairs, references: References, tmp_path: Path):
    run = tmp_path / "run"
    finetune(generator, banded, references, stage2(2, augmentation="bands"), run_dir=run)
    decided = json.loads((run / "config.json").read_text())
    assert decided["config"]["augmentation"] == "bands"
    assert "effects={'banding': 0.3}" in decided["pairs"]["source"]
    assert "bands" in (run / "generator" / "README.md").read_text()


def test_a_run_that_was_cut_short_goes_on_with_it(banded: SyntheticPairs, tmp_path: Path):
    config = stage1(4, augmentation="bands")
    pretrain(sharpness(), banded, config, run_dir=tmp_path / "whole")

    class CutShort(RuntimeError): ...

    class Ending(SyntheticPairs):
        drawn = 0

        def draw(self, index, rng):
            self.drawn += 1
            if self.drawn > 14:
                raise CutShort
            return super().draw(index, rng)

    ending = Ending.__new__(Ending)
    vars(ending).update(vars(banded))
    with pytest.raises(CutShort):
        pretrain(sharpness(), ending, config, run_dir=tmp_path / "run")
    pretrain(sharpness(), banded, config, run_dir=tmp_path / "run", resume=True)
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")


def test_a_run_is_not_resumed_with_another_strength_of_it(folders: Folders, banded: SyntheticPairs, tmp_path: Path):
    config = stage1(2, augmentation="bands")
    pretrain(sharpness(), banded, config, run_dir=tmp_path / "run")
    stronger = banded.augmentation.model_copy(update={"effects": {"banding": 0.5}})
    pairs = SyntheticPairs(folders.images, folders.masks, size=SIDE, fit="crop", augmentation=stronger)
    with pytest.raises(RequestError, match="pairs"):
        pretrain(sharpness(), pairs, config, run_dir=tmp_path / "run", resume=True)


def test_the_runs_of_a_sweep_take_it_by_name(folders: Folders, banding: Augmentation):
    data = Data(images=folders.images, masks=folders.masks, clear=folders.clear, blurred=folders.blurred)
    opened = TrainingData(data)
    one, other = (opened.pairs(TuneConfig(size=SIDE, augmentation="bands")) for _ in range(2))
    assert one is other
    assert isinstance(one, SyntheticPairs)
    assert one.augmentation == banding
