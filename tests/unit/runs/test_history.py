"""A run as its two files tell it."""

from __future__ import annotations

import numpy as np

from bridgetune.runs.history import History
from bridgetune.terms import TERMS
from tests.support.run_folders import Written, step_record, validation


def test_the_first_map_error_is_the_one_that_the_run_began_with(written: Written):
    later = [step_record(step) for step in range(1, 11)]
    assert History(written([validation(0, 0.2), *later, validation(10, 0.1)])).first_map_error == 0.2
    assert np.isnan(History(written(later)).first_map_error)


def test_of_a_step_that_was_done_twice_the_later_counts(written: Written):
    run = written([step_record(1, focal=1.0), step_record(2, focal=2.0), step_record(2, focal=4.0)])
    assert History(run).series("focal").values.tolist() == [1.0, 4.0]


def test_losses_are_told_in_the_tables_order_and_those_of_no_table_last(written: Written):
    records = [dict(reversed(step_record(1, edges=0.1, alpha=0.5).items()))]
    told = [term.name for term in History(written(records)).terms()]
    assert told == [*(name for name in TERMS if name in records[0]), "edges"]


def test_a_quantity_of_training_is_found_whatever_it_is_called(written: Written):
    history = History(written([step_record(1, edge_error=0.5), validation(1, 0.25, 0.125)]))
    assert history.series("edge_error").values.tolist() == [0.5]
    assert history.series("map_error").values.tolist() == [0.25]
    assert history.series("homogeneous_share").values.tolist() == [0.1]
