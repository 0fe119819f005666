"""What is drawn of a run: terms that add up, and the line at which a discriminator cannot tell."""

from __future__ import annotations

import pytest
import torch

from bridgetune.losses import discriminator_loss
from bridgetune.runs.curves import alphas, weighted_terms
from bridgetune.runs.history import History
from bridgetune.terms import CANNOT_TELL
from tests.support.run_folders import Written, step_record


def test_the_terms_that_are_drawn_add_up_to_the_loss(written: Written):
    history = History(written(map(step_record, range(1, 11)), steps=10))
    terms, leading = weighted_terms(history)
    added = sum(series.values for label, series in terms.items() if label != leading)
    assert added == pytest.approx(terms[leading].values)


def test_alpha_is_what_was_given_where_it_was_not_recorded(written: Written):
    history = History(written(map(step_record, range(1, 4)), alpha=0.01))
    assert alphas(history).values.tolist() == [0.01] * 3


def test_a_discriminator_that_answers_the_same_to_all_does_no_better_than_the_line():
    logits = torch.linspace(-3, 3, 601)
    least = min(discriminator_loss(answer, [answer, answer]) for answer in logits)
    assert pytest.approx(float(least), abs=1e-5) == CANNOT_TELL


def test_a_term_has_the_weight_that_its_run_was_decided_with(written: Written):
    """Also one that is called as a setting is."""
    weights = {"swap_weight": 0.5, "size": 32, "term_weights": {"size": 0.25}}
    history = History(written([step_record(1, swap=0.1, size=2.0)], **weights))
    terms, leading = weighted_terms(history)
    assert {label: series.values[0] for label, series in terms.items() if label != leading} == pytest.approx(
        {"20·focal": 0.2, "dice": 0.3, "0.5·swap": 0.05, "α·adversarial": 0.03, "0.25·size": 0.5}
    )
