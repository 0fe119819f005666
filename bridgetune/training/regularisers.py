"""The terms of the table that are computed from the map alone, most of them for pairs without masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from bridgetune.config import TuneConfig
from bridgetune.errors import RequestError, WorkError
from bridgetune.targets import cause, resolve
from bridgetune.terms import TERMS, Term
from bridgetune.training.forward import TuningPass


@dataclass(frozen=True)
class Regulariser:
    """A term of the table, ready to be computed.

    Attributes:
        term: See there.
        function: The one that the term names.
        weight: In what the generator minimises.
    """

    term: Term
    function: Callable[..., Tensor]
    weight: float

    def of(self, forward: TuningPass) -> Tensor | None:
        """Its value, a scalar; None where the batch has no pairs of its kind.

        Raises:
            WorkError: Its function gave something else.
        """
        labelled, unlabelled, swapped = forward.parts()
        logits = labelled if self.term.pairs == "labelled" else unlabelled
        if not len(logits):
            return None
        value = self.function(logits, swapped) if self.term.swapped else self.function(logits)
        if not isinstance(value, Tensor) or value.ndim:
            given = f"a tensor of {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
            raise WorkError(f"term {self.term.name!r}: its function gave {given}, expected a scalar tensor")
        return value


def regularisers(config: TuneConfig) -> list[Regulariser]:
    """All of them, in the table's order.

    Raises:
        RequestError: A term's function cannot be imported.
    """
    return [
        Regulariser(term, _function(term), getattr(config, term.weight) if term.weight else config.term_weights[name])
        for name, term in TERMS.items()
        if term.function is not None
    ]


def _function(term: Term) -> Callable[..., Tensor]:
    if not isinstance(term.function, str):
        assert term.function is not None
        return term.function
    try:
        function: Callable[..., Tensor] = resolve(term.function)
    except Exception as error:  # whatever another's module does at import
        raise RequestError(
            f"term {term.name!r}: {term.function} cannot be imported ({cause(error)}); expected module:function"
        ) from None
    return function
