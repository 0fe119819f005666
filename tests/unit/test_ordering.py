"""The order in which people count files."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from bridgetune.ordering import natural_order

names = st.text(st.sampled_from("aBß019 .-²١"), max_size=8)


@given(stem=st.text("abc-", max_size=3), numbers=st.lists(st.integers(0, 10**20), unique=True))
def test_numbers_count_by_their_value(stem: str, numbers: list[int]):
    counted = [f"{stem}{number}.png" for number in sorted(numbers)]
    shuffled = [f"{stem}{number}.png" for number in numbers]
    assert sorted(shuffled, key=natural_order) == counted


@given(st.lists(names, unique=True), st.integers())
def test_any_names_have_one_order_however_they_come(some: list[str], seed: int):
    other = some.copy()
    random.Random(seed).shuffle(other)
    assert sorted(some, key=natural_order) == sorted(other, key=natural_order)


def test_case_counts_only_between_names_that_are_alike_but_for_it():
    assert sorted(["b", "A10", "a2", "a10", "B"], key=natural_order) == ["a2", "A10", "a10", "B", "b"]
