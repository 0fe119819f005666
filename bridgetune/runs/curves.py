"""The curves of a run's report: what is drawn of it, and the sentences below. Needs matplotlib."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from bridgetune import pages
from bridgetune.drawing import drawing, file_of
from bridgetune.runs import plotting
from bridgetune.runs.history import History, Series
from bridgetune.runs.plotting import Panel
from bridgetune.terms import CANNOT_TELL, DOMAINS, TERMS, DrawnAs, Term, term_of

_ABOUT_LINES = "Faint: every step; strong: the mean over neighbouring steps; a rare spike may leave the picture"


@dataclass(frozen=True)
class Chart:
    """A chart of the report.

    Attributes:
        name: Of its file, without the suffix.
        title: What it shows, for those who cannot see it.
        caption: How it is read, a sentence or two, in Markdown.
        png: The file.
        panels: The same as numbers, from top to bottom.
    """

    name: str
    title: str
    caption: str
    png: bytes
    panels: tuple[pages.Chart, ...]


def charts(history: History) -> list[Chart]:
    """All that can be drawn of what was recorded."""
    with drawing(plotting.TEXT):
        return [
            Chart(name, title, caption, file_of(figure, "png", plotting.DPI), pages.charts_of(figure))
            for draw in (_losses, _discriminators, _map_errors, _gradients)
            for name, title, caption, figure in draw(history)
        ]


_Drawn = Iterator[tuple[str, str, str, Figure]]


def _losses(history: History) -> _Drawn:
    terms, leading = weighted_terms(history)
    panels, caption = [], ""
    if terms:
        title = "What the generator minimises, and what adds up to it"
        panels.append(Panel(terms, title, "loss (weighted)", logarithmic=True, leading=leading))
        caption = (
            "Every term of Eq. 12 with its weight" if "adversarial" in history.names() else "Eq. 11, term by term"
        ) + f": black is their sum, which is minimised. {_ABOUT_LINES}."
    adversarial = _by_domain(history, "adversarial")
    if adversarial:
        saturating = history.config.get("adversarial") == "saturating"
        height = (-2 if saturating else 2) * math.log(2)
        said = f"cannot tell:\n{height / math.log(2):g}·ln 2\n= {height:.2f}"
        title = "Adversarial loss by domain, before α (lower: the syntheses pass for references)"
        panels.append(
            Panel(adversarial, title, "loss (nats)", reference=(height, said), least=None if saturating else 0)
        )
        caption += (
            " Below, what the two discriminators say of the syntheses: at the dashed line they cannot tell them from"
            " references; above it they can, and below it they are fooled."
        )
    if panels:
        yield "losses", "Losses of the generator over the steps", caption.strip(), plotting.curves(panels, history.done)


def weighted_terms(history: History) -> tuple[dict[str, Series], str]:
    """The summands of what the generator minimises, as they are added, and the label of the sum."""
    sums = _drawn_as("sum")
    total = next((term for term in sums if history.series(term.name)), sums[-1])
    leading = "sum" if total is sums[0] else f"sum ({total.name})"
    terms = {leading: history.series(total.name)}
    weighed = history.config.get("term_weights") or {}
    elsewhere = [term_of(name) for name in weighed if name not in TERMS]
    for term in [*_drawn_as("summand"), *elsewhere]:
        label, series = _weighted(history, term)
        terms[label] = series
    return {label: series for label, series in terms.items() if series and series.values.any()}, leading


def _weighted(history: History, term: Term) -> tuple[str, Series]:
    """A summand, times its weight in the run, and its label."""
    series = history.series(term.name)
    if term.weight == "alpha":
        return f"α·{term.name}", series.times(alphas(history))
    weight = _weight(history, term)
    return (term.name, series) if weight is None else (f"{weight:g}·{term.name}", series.scaled(weight))


def _weight(history: History, term: Term) -> float | None:
    """As `config.json` has it; None where the term is added as it is."""
    if not term.weight:
        weight = (history.config.get("term_weights") or {}).get(term.name)
        return None if weight is None else float(weight)
    stage = "finetune" if history.decided["stage"] == "finetune" else "pretrain"
    settings = {**(history.decided.get("recipe") or {}), **history.config}
    return float(settings.get(term.weight.format(stage=stage), 1))


def _drawn_as(drawn_as: DrawnAs) -> list[Term]:
    return [term for term in TERMS.values() if term.drawn_as == drawn_as]


def alphas(history: History) -> Series:
    """α of Eq. 12 at every step: as it was recorded, or as it was given."""
    recorded, given = history.series("alpha"), history.config.get("alpha")
    if recorded or not isinstance(given, int | float):
        return recorded
    adversarial = history.series("adversarial")
    return Series(adversarial.steps, 0 * adversarial.values + given)


def _discriminators(history: History) -> _Drawn:
    lines = _by_domain(history, "discriminator")
    if lines:
        said = f"cannot tell:\nln 27/4\n= {CANNOT_TELL:.2f}"
        title = "Loss of the two discriminators (lower: they tell references from syntheses)"
        panel = Panel(lines, title, "loss (nats)", reference=(CANNOT_TELL, said), least=0)
        caption = (
            "Each discriminator compares one reference with two syntheses. At the dashed line it cannot tell them apart"
            " (at best it answers ⅓ to all); towards 0 it always can, and then teaches the generator little; above the"
            f" line it does worse than that. {_ABOUT_LINES}."
        )
        yield "discriminators", "Losses of the discriminators", caption, plotting.curves([panel], history.done)


def _map_errors(history: History) -> _Drawn:
    everywhere, homogeneous = history.series("map_error"), history.series("homogeneous_error")
    if everywhere or homogeneous:
        best = history.best
        marked = None if best is None else (int(best["step"]), float(best["map_error"]))
        caption = (
            "Share of pixels that the generator gives to the wrong image, on pairs that it is not trained on."
            + (" Orange: the share where there is no texture to tell focus by." if homogeneous else "")
            + (" The ring is the lowest error over all pixels." if marked else "")
        )
        figure = plotting.map_errors(everywhere, homogeneous, marked, history.done)
        yield "map-error", "Map error on held-out pairs", caption, figure


def _gradients(history: History) -> _Drawn:
    lines = {"generator": history.series("gradient_generator")}
    lines |= {f"{domain} discriminator": history.series(f"gradient_discriminator_{domain}") for domain in DOMAINS}
    lines = {label: series for label, series in lines.items() if series}
    panels, said = [], []
    if lines:
        title = "Gradient of each network's own loss"
        panels.append(Panel(lines, title, "2-norm", logarithmic=True, leading="generator"))
        said.append("How strongly each network is pulled at; a norm that climbs by decades is a run about to diverge.")
    rate = history.series("learning_rate")
    if rate:
        panels.append(
            Panel({"learning rate": rate}, "Learning rate of all networks", "AdamW's rate", least=0, colours=3)
        )
        said.append("The learning rate falls by a cosine to 0 at the last step.")
    alpha = alphas(history)
    if alpha and alpha.values.max() > 1.001 * alpha.values.min():
        title = "α, the weight of the adversarial loss"
        panels.append(Panel({"α of Eq. 12": alpha}, title, "weight", logarithmic=True, colours=4))
        said.append("α is chosen at every step.")
    share = _adversarial_share(history, alpha)
    if share:
        aim: dict[str, Any] = {}
        if history.config.get("alpha") == "auto" and history.config.get("adversarial_share"):
            height = float(history.config["adversarial_share"])
            aim = {"reference": (height, f"aimed at:\n{height:g}")}
        title = "Share of the adversarial loss in what moves the map"
        axis = "α·|adversarial| : |others|"
        panels.append(Panel({"gradients at the map": share}, title, axis, logarithmic=True, colours=2, **aim))
        said.append("The share is the norm of α times the adversarial gradient over that of the other losses.")
    if panels:
        figure = plotting.curves(panels, history.done)
        yield "gradients", "Gradient norms and learning rate", f"{' '.join(said)} {_ABOUT_LINES}.", figure


def _adversarial_share(history: History, alpha: Series) -> Series:
    inverse = history.series("map_gradient_known")
    positive = inverse.values > 0
    inverse = Series(inverse.steps[positive], 1 / inverse.values[positive])
    return history.series("map_gradient_adversarial").times(inverse).times(alpha)


def _by_domain(history: History, name: DrawnAs) -> dict[str, Series]:
    found = {str(term.domain): history.series(term.name) for term in _drawn_as(name)}
    return {domain: series for domain, series in found.items() if series}
