"""Blind votes: drawn where results differ, evenly, and counted once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from bridgetune.app.voting import Ballot, Choice, Row, sign_test
from bridgetune.errors import RequestError

votes = st.integers(0, 60)


@given(votes, votes)
def test_the_sign_test_is_the_exact_binomial_one(first: int, second: int):
    p = sign_test(first, second)
    if first + second == 0:
        assert p is None
        return
    assert p == pytest.approx(binomtest(first, first + second).pvalue)
    assert p == sign_test(second, first)


def small(number: int) -> np.ndarray:
    """A picture of its number in the lower right quarter, and of black elsewhere."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[20:, 30:] = 50 * number
    return pixels


def voted(ballot: Ballot, results: list[int], times: int, choose: dict[int, int]) -> None:
    """Vote for whichever `choose` likes better, or for neither."""
    for _ in range(times):
        trial = ballot.draw(results, small)
        likes = choose.get(trial.left, 0) - choose.get(trial.right, 0)
        choice: Choice = "left" if likes > 0 else "right" if likes < 0 else "neither"
        ballot.vote(trial.number, choice)


def test_what_is_shown_is_where_the_two_differ():
    ballot = Ballot(seed=0)
    for _ in range(20):
        trial = ballot.draw([1, 2], small)
        assert {trial.left, trial.right} == {1, 2}
        assert 0.5 <= trial.place[0] < 1
        assert 0.5 <= trial.place[1] < 1
        ballot.vote(trial.number, "neither")


def test_any_two_are_seen_as_often_and_on_either_side():
    ballot, sides = Ballot(seed=0), Counter[int]()
    pairs = Counter[frozenset[int]]()
    for _ in range(60):
        trial = ballot.draw([0, 1, 2], small)
        sides[trial.left] += 1
        pairs[frozenset((trial.left, trial.right))] += 1
        ballot.vote(trial.number, "left")
    assert set(pairs.values()) == {20}
    assert min(sides.values()) > 10


def test_votes_are_for_the_results_whatever_side_they_were_on():
    ballot = Ballot(seed=0)
    voted(ballot, [1, 2], 10, {2: 1})
    assert ballot.table() == [Row(1, 2, 0, 10, 0, pytest.approx(2 / 1024))]
    voted(ballot, [1, 2], 3, {})
    assert ballot.table() == [Row(1, 2, 0, 10, 3, pytest.approx(2 / 1024))]


def test_nobody_has_voted_yet():
    assert (Ballot().table(), len(Ballot())) == ([], 0)


def test_a_trial_stays_until_it_is_voted_on_and_a_vote_counts_once():
    ballot = Ballot(seed=0)
    trial = ballot.draw([0, 1, 2], small)
    assert ballot.draw([0, 1, 2], small) is trial
    ballot.vote(trial.number + 1, "left")
    assert len(ballot) == 0
    for _ in range(2):
        ballot.vote(trial.number, "left")
    assert len(ballot) == 1
    assert ballot.draw([0, 1, 2], small).number == 1
    assert ballot.find(0) is trial  # what is still on its way to a browser
    for number in (-1, 2):
        with pytest.raises(RequestError, match="reload"):
            ballot.find(number)


def test_a_trial_of_what_is_no_longer_shown_is_drawn_anew():
    ballot = Ballot(seed=0)
    ballot.draw([0, 1], small)
    assert {ballot.draw([2, 3], small).left} <= {2, 3}


@pytest.mark.parametrize("results", [[], [1], [1, 1]])
def test_what_does_not_differ_cannot_be_voted_on(results: list[int]):
    with pytest.raises(RequestError, match="expected two results that differ"):
        Ballot().draw(results, small)
