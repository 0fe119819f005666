"""What a stage trains on: a share is held out once, told as it was given, and all pictures have one size."""

from __future__ import annotations

import logging

import pytest

from bridgetune import RequestError
from bridgetune.data import References, SyntheticPairs
from bridgetune.training.stage_data import StageData, described
from tests.support.runs import stage1
from tests.support.small import SIDE, Folders


def test_a_share_is_held_out_and_the_pairs_are_told_as_they_were_given(pairs: SyntheticPairs):
    data = StageData.of(pairs, None, None, None, stage1(validation_share=0.25))
    assert data.decided() == {"training": 9, "validation": 3, "source": repr(pairs)}
    assert [len(source) for source in data.sources] == [9]


def test_given_held_out_pairs_leave_the_others_whole(pairs: SyntheticPairs):
    data = StageData.of(pairs, pairs, None, None, stage1())
    assert (data.pairs, data.held_out) == (pairs, pairs)


def test_nothing_is_held_out_where_nothing_is_to_be(pairs: SyntheticPairs):
    assert StageData.of(pairs, None, None, None, stage1(validation_share=0)).held_out is None


def test_the_side_is_that_of_the_pictures(pairs: SyntheticPairs, references: References):
    assert StageData.of(pairs, None, None, references, stage1(size=256)).side() == SIDE


def test_pictures_of_two_sizes_are_refused_with_their_sizes(pairs: SyntheticPairs, folders: Folders):
    larger = References.from_folders(folders.clear, folders.blurred, size=48)
    with pytest.raises(RequestError, match="got pairs 32×32, clear references 48×48, blurred references 48×48"):
        StageData.of(pairs, None, None, larger, stage1()).side()


def test_exchanged_references_are_warned_of(folders: Folders, caplog: pytest.LogCaptureFixture):
    exchanged = References.from_folders(folders.blurred, folders.clear, size=SIDE, fit="crop")
    with caplog.at_level(logging.WARNING, "bridgetune"):
        StageData.of(None, None, None, exchanged, stage1()).side()
    assert "the clear references are smoother than the blurred ones" in caplog.text


def test_a_source_that_has_no_words_for_itself_is_told_by_its_class():
    class Silent:
        pass

    assert described(Silent()) == "Silent"
