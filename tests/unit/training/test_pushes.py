"""Which way the map is pushed, against a truth that is known: counted by pixels, and without a trace in the run."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from bridgetune import Adapter, AdapterConfig, finetune, wrap
from bridgetune.data import Pair, References, SyntheticPairs
from bridgetune.discriminators import Discriminator
from bridgetune.losses import adversarial_loss
from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.history import History
from bridgetune.synthesis import synthesize
from bridgetune.terms import DOMAINS, PUSHES
from bridgetune.training.forward import TuningPass
from bridgetune.training.labels import Labels
from bridgetune.training.pushes import (
    COIN,
    MOST,
    Push,
    pushed,
    shares,
    towards_labels,
    towards_references,
    warn_of_a_coin,
)
from tests.support.runs import records, same, stage2, weights
from tests.support.small import sharpness
from tests.support.steps import CPU, batch, networks


class Brighter(nn.Module):
    """A generator: the first image where it is the brighter one."""

    def forward(self, stacked: Tensor) -> Tensor:
        return (stacked[:, :3] - stacked[:, 3:]).mean(1, keepdim=True)


class Halves:
    """The left half is the first image's. All is noise but for the lower quarter, which is even; there the first image
    is a little brighter everywhere, so that `Brighter` is wrong on the right."""

    def __init__(self, side: int = 64, pairs: int = 1) -> None:
        self.side, self.pairs = side, pairs

    def __len__(self) -> int:
        return self.pairs

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        side = self.side
        first, second = torch.from_numpy(rng.random((2, 3, side, side), dtype=np.float32)) / 4
        first[:, 3 * side // 4 :], second[:, 3 * side // 4 :] = 0.5, 0.499
        mask = torch.zeros(1, side, side)
        mask[..., : side // 2] = 1
        return Pair(first, second, mask)


class Gray:
    """A reference."""

    def __init__(self, side: int = 64) -> None:
        self.side = side

    def sample(self, rng: np.random.Generator) -> Tensor:
        return torch.full((3, self.side, self.side), float(rng.random()))


def brighter() -> Adapter:
    return wrap(Brighter(), AdapterConfig(call="concat"))


def measured(way: Tensor) -> list[int]:
    return pushed(brighter(), Push("given", lambda _: way), Halves(), References(Gray(), Gray()), 0, CPU)


def test_a_push_towards_the_truth_is_right_everywhere_and_one_away_from_it_nowhere():
    truth = 2 * Halves().sample(0, np.random.default_rng(0)).mask[None] - 1
    assert shares(measured(truth)) == dict.fromkeys(PUSHES, 1.0)
    assert shares(measured(-truth)) == dict.fromkeys(PUSHES, 0.0)


def test_a_push_towards_the_first_image_is_wrong_where_the_first_image_was_wrongly_taken():
    counts = dict(zip(PUSHES, zip(*[iter(measured(torch.ones(1, 1, 64, 64)))] * 2, strict=True), strict=True))
    # of the even quarter's 16 rows a window of 11 reaches beyond it from 5, left and right of the boundary
    assert counts["push_wrong_homogeneous"] == (0, 11 * 32)
    assert counts["push_right_homogeneous"] == (11 * 32, 11 * 32)
    assert sum(all_ for name, (_, all_) in counts.items() if name.endswith("seam")) == 64 * (64 - 5), "off five columns"


@given(st.integers(0, 2**32 - 1))
def test_of_a_push_and_its_opposite_one_is_right(seed: int):
    way = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(seed))
    way[way.abs() < 0.3] = 0
    one, other = measured(way), measured(-way)
    assert one[1::2] == other[1::2]
    assert [sum(both) for both in zip(one[::2], other[::2], strict=True)] == one[1::2]


def test_a_pixel_that_is_left_alone_is_not_counted():
    counts = measured(torch.zeros(1, 1, 64, 64))
    assert counts == [0] * 8
    assert all(math.isnan(share) for share in shares(counts).values())


def test_the_middle_of_a_larger_pair_is_looked_at_and_the_middle_of_a_larger_reference_pasted():
    seen: list[dict[str, Tensor]] = []

    def way(forward: TuningPass) -> Tensor:
        seen.append(forward.batch)
        return forward.map.detach()

    for side, reference in ((64, 48), (48, 64)):
        pushed(brighter(), Push("seen", way), Halves(side), References(Gray(reference), Gray(reference)), 0, CPU)
    assert {tuple(image.shape) for one in seen for image in one.values()} == {(1, 3, 48, 48)}


def test_processes_share_the_first_pairs_among_them():
    up = Push("up", lambda forward: torch.ones_like(forward.map))
    given_to = brighter(), up, Halves(pairs=MOST + 5), References(Gray(), Gray()), 0, CPU
    alone = pushed(*given_to)
    parts = [pushed(*given_to, share=(rank, 3)) for rank in range(3)]
    assert alone[3] + alone[7] == MOST * 64 * 59
    assert alone == [sum(counts) for counts in zip(*parts, strict=True)]


@pytest.mark.parametrize("form", ["non-saturating", "saturating"])
def test_the_way_is_that_in_which_the_adversarial_loss_falls(form: str):
    given_to, made = batch(), networks()
    judges = {domain: made[domain].discriminator for domain in DOMAINS}
    logits = made["generator"](given_to["first"], given_to["second"]).detach()
    way = towards_references(TuningPass(given_to, [logits]), judges, form)

    def loss(at: Tensor) -> Tensor:
        made_up = synthesize(given_to["first"], given_to["second"], at, given_to["clear"], given_to["blurred"])
        return adversarial_loss([judges[name.split("_")[0]](image) for name, image in made_up._asdict().items()], form)

    with torch.no_grad():
        assert loss(logits + 0.1 * way.sign()) < loss(logits) < loss(logits - 0.1 * way.sign())


def test_a_networks_own_decisions_push_no_pixel_to_the_other_side():
    push = Push("its own", lambda forward: towards_labels(forward, Labels("pseudo")))
    counts = pushed(brighter(), push, Halves(), References(Gray(), Gray()), 0, CPU)
    assert list(shares(counts).values()) == [0, 0, 1, 1]


def test_modes_and_random_numbers_are_as_they_were():
    judges = {domain: Discriminator(nn.Sequential(nn.Conv2d(3, 1, 3), nn.Dropout(0.5))) for domain in DOMAINS}
    judges["clear"].eval()
    generator = sharpness().train()
    state = torch.get_rng_state()
    push = Push("", lambda forward: towards_references(forward, judges, "non-saturating"))
    pushed(generator, push, Halves(), References(Gray(), Gray()), 0, CPU)
    assert torch.equal(state, torch.get_rng_state())
    assert (generator.training, judges["clear"].training, judges["blurred"].training) == (True, False, True)


def test_a_run_tells_it_at_every_validation_and_is_what_it_would_have_been(
    pairs: SyntheticPairs, references: References, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    runs = []
    for folder in (tmp_path / "run", None):
        generator = sharpness()
        finetune(generator, pairs, references, stage2(6, alpha=1.0), run_dir=folder)
        runs.append(weights(generator))
        monkeypatch.setattr("bridgetune.training.stage.pushed", lambda *_: [0] * 8)
    assert same(*runs)
    validations = [record for record in records(tmp_path / "run") if "map_error" in record]
    assert [record["step"] for record in validations] == [0, 5, 6]
    assert all(0 <= record[name] <= 1 for record in validations for name in PUSHES if record[name] is not None)
    pushes = History(RunDirectory(tmp_path / "run")).pushes()["push_wrong_off_seam"]
    assert pushes == (validations[0]["push_wrong_off_seam"], validations[-1]["push_wrong_off_seam"])
    assert "| decided wrongly, off the seam |" in (tmp_path / "run" / "report.md").read_text()


def test_without_an_adversarial_loss_there_is_nothing_to_tell(
    pairs: SyntheticPairs, references: References, tmp_path: Path
):
    finetune(sharpness(), pairs, references, stage2(1, alpha=0.0), run_dir=tmp_path / "run")
    assert not any(PUSHES[0] in record or "adversarial" in record for record in records(tmp_path / "run"))
    assert "pushed" not in (tmp_path / "run" / "report.md").read_text()


@pytest.mark.parametrize(("share", "warned"), [(0.44, False), (0.46, True), (0.54, True), (0.56, False), (None, False)])
def test_a_coin_is_warned_of(share: float | None, warned: bool, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)
    warn_of_a_coin({} if share is None else {"push_wrong_off_seam": share}, "the push", ", that is so")
    assert ("the push pushes" in caplog.text) == warned
    assert COIN == (0.45, 0.55), "as the documentation says"
