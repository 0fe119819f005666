"""Test results in words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from bridgetune.evaluation.comparison import DatasetScores, MethodPair
from bridgetune.evaluation.ranks import ALL_METRICS
from bridgetune.evaluation.results import BY_ORDER, IDENTICAL, JPEG, JPEG_COSTS, WITHOUT_MAP, Evaluation
from bridgetune.evaluation.statistics import FEWEST, Friedman, Nemenyi, PairedTest


def p_value(p: float, name: str = "p") -> str:
    """p = 0.012, or p < 0.001."""
    return f"{name} {'' if p < 0.001 else '= '}{p_number(p)}"


def p_number(p: float) -> str:
    """0.012, or < 0.001."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def listed(names: Sequence[str]) -> str:
    """A, B and C."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def images_counted(images: Collection[str]) -> str:
    """20 images."""
    return f"{len(images)} image{'s' * (len(images) > 1)}"


def remarks(result: Evaluation) -> list[str]:
    """What a reader of an evaluation's numbers must know of the files, a line each."""
    settings, count = result.settings, len(result.images)
    by_order, identical = result.named(BY_ORDER), result.named(IDENTICAL)
    said = [f"{folder}: other stems than in A/; matched by natural order" for folder in by_order]
    if left_out := result.named(WITHOUT_MAP):
        said.append(f"{result.method} draws no decision map; left out: {', '.join(left_out)}")
    if jpegs := settings.get(JPEG):
        said.append(f"{settings['fused']}: {jpegs} of {count} fused images are stored as JPEG, {JPEG_COSTS}")
    if identical:
        said.append(
            f"{len(identical)} of {count} fused images {'is' if len(identical) == 1 else 'are'} identical to the"
            " all-in-focus image: without PSNR, and left out of its mean"
        )
    return said


def differ(scores: DatasetScores, friedman: Friedman | None, posthoc: Nemenyi | None, alpha: float) -> list[str]:
    """What Friedman and Nemenyi say of a dataset, in all metrics together, a sentence each."""
    where = f"{scores.dataset}, {ALL_METRICS}"
    if friedman is None:
        few = len(scores.methods) < 3
        count = len(scores.methods) if few else int(np.all([scores.counted(name) for name in scores.ranked()], 0).sum())
        given = f"{count} {'method' if few else 'complete image'}{'s' * (count != 1)}"
        wanted = "three methods" if few else "two images"
        return [f"{where}: {given}; the Friedman test and the critical-difference diagram need {wanted}."]
    best = friedman.best
    told = (
        f"Friedman χ²({len(friedman.ranks) - 1}) = {friedman.statistic:.2f}, {p_value(friedman.p)},"
        f" n = {friedman.images} images"
    )
    if posthoc is None:
        said = [f"{where}: the methods are not shown to differ ({told}); so no post-hoc test is made."]
    else:
        alike = [method for method in posthoc.alike(best[0]) if method not in best]
        beaten = [method for method in friedman.ranks if method not in (*best, *alike)]
        parts = [f"{where}: the methods differ ({told})."]
        found = f"{listed(best)} {'ranks' if len(best) == 1 else 'tie for'} best ({friedman.ranks[best[0]]:.2f})"
        if beaten:
            found += f", better than {listed(beaten)}"
        if alike:
            found += f"{', and' if beaten else ','} not told apart from {listed(alike)}"
        parts.append(f"{found} (Nemenyi, critical difference {posthoc.critical_difference:.2f}, α = {alpha:g}).")
        said = [" ".join(parts)]
    if friedman.images < FEWEST:
        said.append(f"{where}: {friedman.images} images are too few for the test to have power.")
    return said


def changed(scores: DatasetScores, pair: MethodPair, tests: Sequence[PairedTest], alpha: float) -> list[str]:
    """What Wilcoxon's test says of a pair on a dataset, a sentence each."""
    where = f"{scores.dataset}, {pair.before} → {pair.after}"
    better = [test.metric for test in tests if test.p_holm < alpha and (test.effect or 0) > 0]
    worse = [test.metric for test in tests if test.p_holm < alpha and (test.effect or 0) < 0]
    open_ = [test.metric for test in tests if test.p_holm >= alpha]
    parts = []
    if better:
        parts.append(f"better in {listed(better)}")
    if worse:
        parts.append(f"worse in {listed(worse)}")
    if open_:
        parts.append(f"no difference shown in {listed(open_)}")
    most = max(test.images for test in tests)
    made = f"Wilcoxon signed-rank, two-sided, Holm over {len(tests)} metric{'s' * (len(tests) > 1)}"
    said = [f"{where}: {'; '.join(parts)} ({made}, n ≤ {most} images, α = {alpha:g})."]
    for few in sorted({test.images - test.equal for test in tests if test.images - test.equal < FEWEST}):
        named = [test.metric for test in tests if test.images - test.equal == few]
        least = f"its p cannot fall below {2 / 2**few:.2g}" if few else "there is nothing to test"
        said.append(
            f"{where}: {few} image{'s' * (few != 1)} with a difference in {listed(named)}: too few for the test to"
            f" have power, {least}."
        )
    return said
