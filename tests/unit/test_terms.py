"""The table of loss terms: what it holds, what may join it, and what the settings make of that."""

from __future__ import annotations

import pytest

from bridgetune import RECIPES, TuneConfig
from bridgetune.documents import checked
from bridgetune.errors import RequestError
from bridgetune.losses import swap_consistency
from bridgetune.targets import resolve
from bridgetune.terms import TERMS, Term, default_weights, is_term, register_term, term_of
from tests.support.terms import Registering

EDGES = Term("edges", "the map follows edges", function=abs, default_weight=0.25)


def test_every_setting_that_weighs_a_term_exists():
    settings = TuneConfig.model_fields.keys() | type(RECIPES["paper"]).model_fields.keys()
    weights = {term.weight.format(stage=stage) for term in TERMS.values() for stage in ("pretrain", "finetune")}
    assert weights - {""} <= settings


def test_every_function_of_the_table_is_found():
    functions = {name: resolve(term.function) for name, term in TERMS.items() if isinstance(term.function, str)}
    assert functions["swap"] is swap_consistency
    assert all(map(callable, functions.values()))


def test_no_term_is_called_as_something_else_in_the_records():
    assert all(map(is_term, TERMS))
    assert not any(map(is_term, ("step", "seconds", "alpha", "map_error", "gradient_generator", "map_gradient_known")))


def test_a_term_joins_at_the_end_and_has_its_default_weight(registering: Registering):
    before = list(TERMS)
    registering(EDGES)
    assert list(TERMS) == [*before, "edges"]
    assert default_weights() == {"edges": 0.25}
    assert TuneConfig().term_weights == {"edges": 0.25}
    assert TuneConfig(term_weights={"edges": 2}).term_weights == {"edges": 2.0}


def test_settings_name_no_term_where_none_is_registered():
    assert TuneConfig().term_weights == default_weights() == {}


@pytest.mark.parametrize(
    ("term", "said"),
    [
        (Term("focal", ""), "'focal': records have something of that name already"),
        (Term("alpha", ""), "'alpha': records have something of that name already"),
        (Term("gradient_clear", ""), "'gradient_clear': records have something of that name already"),
        (Term("total loss", ""), "'total loss': expected a name of lower-case letters"),
        (Term("edges", "", default_weight=-1), "got default_weight=-1, expected a number from 0 on"),
        (Term("edges", "", default_weight=float("nan")), "got default_weight=nan, expected a number from 0 on"),
        (Term("edges", "", swapped=True), "labelled pairs have no other order; expected pairs='unlabelled'"),
    ],
)
def test_what_cannot_join_is_refused(term: Term, said: str):
    before = dict(TERMS)
    with pytest.raises(RequestError, match=said):
        register_term(term)
    assert before == TERMS


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"edge": 1.0}, "term_weights: no such term as 'edge'; expected one of edges, see"),
        ({"swap": 1.0}, "term_weights: 'swap' is weighed by swap_weight; leave it out here"),
        ({"focal": 1.0}, "term_weights: 'focal' is weighed by focal_weight_finetune; leave it out here"),
        ({"dice": 1.0}, "term_weights: 'dice' is weighed by nothing; leave it out here"),
        ({"edges": -1.0}, "term_weights.edges: got -1.0; input should be greater than or equal to 0"),
    ],
)
def test_a_weight_that_no_term_can_have_is_refused_in_a_line(
    given: dict[str, float], said: str, registering: Registering
):
    registering(EDGES)
    with pytest.raises(RequestError, match=said):
        checked(TuneConfig, term_weights=given)


def test_where_none_is_registered_a_weight_is_refused_with_the_mend():
    with pytest.raises(RequestError, match=r"'edges'; none is registered, see bridgetune\.terms\.register_term"):
        checked(TuneConfig, term_weights={"edges": 1.0})


def test_a_term_of_code_that_is_not_here_is_told_as_one():
    assert term_of("focal") is TERMS["focal"]
    assert term_of("edges").definition == "not in the table of terms"


def test_a_definition_says_whose_map_which_equation_and_how_it_is_read():
    assert TERMS["dice"].definition == "dice loss, Eq. 10"
    assert TERMS["variation"].definition == "unlabelled pairs: focus comes in regions"
    assert TERMS["discriminator_clear"].definition.endswith("minimises, Eq. 5; 1.91: it cannot tell")
