"""What training minimises: one table of its terms, for the objectives, the console, reports, charts and TensorBoard.

Nothing here imports torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridgetune.errors import RequestError

Domain = Literal["clear", "blurred"]
DOMAINS: tuple[Domain, ...] = ("clear", "blurred")
"""Of the syntheses, the references and the discriminators, Eq. 1-6."""

CANNOT_TELL = math.log(27 / 4)
"""The least of Eq. 5 and 6 for a D that answers the same to a reference and two syntheses, ⅓: -[log ⅓ + 2 log ⅔]."""

DrawnAs = Literal["sum", "summand", "adversarial", "discriminator"]
"""As what a report's charts show a term: the `sum` that the generator minimises, a `summand` of it, with its weight, or
the `adversarial` loss or that of the `discriminator` in one domain."""

COUNTERS = ("step", "steps")
PUSHES = ("push_wrong_homogeneous", "push_wrong_off_seam", "push_right_homogeneous", "push_right_off_seam")
"""Of the pixels that the map decides wrongly or rightly, in homogeneous regions or off the seam, the share that stage 2
pushes to the right side."""

VALIDATED = ("map_error", "homogeneous_error", "homogeneous_share", *PUSHES)
OTHERS = (*COUNTERS, *VALIDATED, "learning_rate", "seconds", "alpha", "map_mean")
"""What records hold besides the terms; counters and what is measured on held-out pairs first ..."""

_OTHER_GROUPS = ("gradient_", "map_gradient_")
"""... and what the names of all the rest begin with."""


@dataclass(frozen=True)
class Term:
    """One loss of training, by itself or as a part of another.

    Attributes:
        name: As in `metrics.jsonl`: lower-case letters, digits and underscores.
        title: What it is, in a few words of Markdown.
        equation: Of the paper, `Eq. 8`; empty where it is not the paper's.
        note: What a reader of its values must know.
        weight: The setting that it is weighed by in what is minimised: of `TuneConfig`, or of `Recipe`, where
            `{stage}` stands for the stage. Empty: by 1, or, where there is a `function`, by its entry in
            `TuneConfig.term_weights`.
        default_weight: Where `TuneConfig.term_weights` has no such entry. At 0 it is recorded and does not teach.
        function: Computes the term from the map's logits, (B, 1, S, S) -> scalar, in stage 2; itself, or named as
            `package.module:attribute`. None: an objective of its own computes it.
        pairs: Whose map `function` is called with.
        swapped: Whether it is called with the logits of these pairs in the other order, too, which unlabelled ones
            alone have.
        in_bar: Whether the progress bar shows it; all are shown elsewhere.
        drawn_as: See there.
        domain: Whose adversarial or discriminator's loss it is.
    """

    name: str
    title: str
    equation: str = ""
    note: str = ""
    weight: str = ""
    default_weight: float = 1.0
    function: Callable[..., Any] | str | None = None
    pairs: Literal["labelled", "unlabelled"] = "labelled"
    swapped: bool = False
    in_bar: bool = False
    drawn_as: DrawnAs = "summand"
    domain: Domain | None = None

    @property
    def definition(self) -> str:
        """What it is, in a line of Markdown."""
        whose = "unlabelled pairs: " if self.pairs == "unlabelled" else ""
        equation = f", {self.equation}" if self.equation else ""
        return f"{whose}{self.title}{equation}{f'; {self.note}' if self.note else ''}"

    @property
    def tag(self) -> str:
        """Its name in TensorBoard: its group before the stroke."""
        return (
            f"discriminator/{self.domain}"
            if self.drawn_as == "discriminator"
            else f"loss/{self.name.replace('_', ' ')}"
        )


def _of_domains() -> list[Term]:
    adversarial = [
        Term(f"adversarial_{domain}", f"its part by the {domain} discriminator", drawn_as="adversarial", domain=domain)
        for domain in DOMAINS
    ]
    judging = [
        Term(
            f"discriminator_{domain}",
            f"what the {domain} discriminator minimises",
            equation,
            note=f"{CANNOT_TELL:.2f}: it cannot tell",
            in_bar=True,
            drawn_as="discriminator",
            domain=domain,
        )
        for domain, equation in zip(DOMAINS, ("Eq. 5", "Eq. 6"), strict=True)
    ]
    return [*adversarial, *judging]


TERMS: dict[str, Term] = {
    term.name: term
    for term in (
        Term("loss", "what the generator minimises", "Eq. 12", in_bar=True, drawn_as="sum"),
        Term("supervised", "L_SUP, weighted focal + dice", "Eq. 11", in_bar=True, drawn_as="sum"),
        Term("focal", "focal loss", "Eq. 8", weight="focal_weight_{stage}"),
        Term("dice", "dice loss", "Eq. 10"),
        Term(
            "swap",
            "the map must not depend on the order of the images",
            weight="swap_weight",
            function="bridgetune.losses:swap_consistency",
            pairs="unlabelled",
            swapped=True,
        ),
        Term(
            "binary",
            "a pixel is in focus in one image",
            weight="binary_weight",
            function="bridgetune.losses:binarisation",
            pairs="unlabelled",
        ),
        Term(
            "variation",
            "focus comes in regions",
            weight="variation_weight",
            function="bridgetune.losses:total_variation",
            pairs="unlabelled",
        ),
        Term(
            "pseudo",
            "L_SUP with labels that nobody gave",
            note="see `adversarial`",
            weight="pseudo_weight",
            pairs="unlabelled",
        ),
        Term(
            "fidelity",
            "the picture of an end-to-end network is made of its sources",
            weight="fidelity_weight",
        ),
        Term("adversarial", "L_GAN, both domains, before α", "Eq. 7", weight="alpha", in_bar=True),
        *_of_domains(),
    )
}
"""Name -> term, in the order in which they are computed and shown."""


def register_term(term: Term) -> None:
    """Add a term to the table, for this process: runs of stage 2 begun from now on compute it and are weighed by it.

    Raises:
        RequestError: A name that is taken or is none, or what the term cannot be.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", term.name):
        raise RequestError(f"term {term.name!r}: expected a name of lower-case letters, digits and underscores")
    if term.name in TERMS or not is_term(term.name):
        raise RequestError(f"term {term.name!r}: records have something of that name already; choose another")
    if not 0 <= term.default_weight < math.inf:
        raise RequestError(f"term {term.name!r}: got default_weight={term.default_weight}, expected a number from 0 on")
    if term.swapped and term.pairs != "unlabelled":
        raise RequestError(f"term {term.name!r}: labelled pairs have no other order; expected pairs='unlabelled'")
    TERMS[term.name] = term


def is_term(name: str) -> bool:
    """Whether an entry of a record is a term, known or not, rather than one of all the rest."""
    return name not in OTHERS and not name.startswith(_OTHER_GROUPS)


def term_of(name: str) -> Term:
    """A term that was recorded, also where it is in no table: by code that is not here, say."""
    return TERMS.get(name) or Term(name, "not in the table of terms")


def default_weights() -> dict[str, float]:
    """Name -> default weight, of the terms that have no setting of their own: see `TuneConfig.term_weights`."""
    return {term.name: term.default_weight for term in TERMS.values() if term.function is not None and not term.weight}


def term_weights(given: Mapping[str, float]) -> dict[str, float]:
    """The weight of each of these terms: as given, or its default.

    Raises:
        RequestError: A name of none of them.
    """
    known = default_weights()
    for name in given:
        if name in TERMS and name not in known:
            setting = TERMS[name].weight.format(stage="finetune")
            raise RequestError(f"{name!r} is weighed by {setting or 'nothing'}; leave it out here")
        if name not in known:
            expected = f"expected one of {', '.join(known)}" if known else "none is registered"
            raise RequestError(f"no such term as {name!r}; {expected}, see bridgetune.terms.register_term")
    return known | dict(given)
