"""Images measured by many hands, on a cluster, say; files may lie on an object store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from bridgetune.errors import WorkError
from bridgetune.evaluation.dataset import UNKNOWN, ImageFiles, check_sizes
from bridgetune.evaluation.measuring import Method, Scores, kept_files, measure
from bridgetune.filling import Journal
from bridgetune.handing import Hands
from bridgetune.inference import Undecided
from bridgetune.inference.feathering import Blend
from bridgetune.inference.fusing import FuseRecipe
from bridgetune.inference.smoothing import Smoothing
from bridgetune.metrics import METRICS, Convention, Metric
from bridgetune.opening import Opening
from bridgetune.stores import fetched, made

logger = logging.getLogger("bridgetune")


class UnmeasuredError(WorkError):
    """Some images could not be measured. A mean over the others would be another dataset's.

    Attributes:
        failed: Stem -> why.
        count: How many images there are.
    """

    def __init__(self, failed: Mapping[str, str], count: int) -> None:
        self.failed, self.count = dict(failed), count
        stem, reason = next(iter(failed.items()))
        super().__init__(f"{len(failed)} of {count} images could not be measured: {stem}: {reason}")


@dataclass(frozen=True)
class Measuring:
    """`Work` on the files of an image: its scores, see `measure`.

    Attributes:
        opening: What fuses; None where saved results are measured.
        metrics: With those of the caller's own.
        recipe, convention, undecided, keep, smooth, blend: See `Method`.
    """

    opening: Opening | None
    metrics: Sequence[Metric]
    recipe: FuseRecipe
    convention: Convention
    undecided: Undecided
    keep: Path | None
    smooth: Sequence[Smoothing]
    blend: Blend

    def opened(self) -> Callable[[ImageFiles], Scores]:
        """See `Work`."""
        METRICS.update({metric.name: metric for metric in self.metrics})
        generator = None if self.opening is None else self.opening.open()
        method = Method(generator, self.recipe, self.convention, self.undecided, None, self.smooth, self.blend)
        keep = self.keep

        def measured(files: ImageFiles) -> Scores:
            places = () if keep is None else kept_files(keep, files.stem)
            with fetched(*files.paths) as near, made(*places) as kept:
                here = files.moved(near)
                if here.size == UNKNOWN:
                    check_sizes(here)
                return measure(here, replace(method, keep=kept[0].parent.parent if kept else None))

        return measured


def measured_by(
    hands: Hands,
    work: Measuring,
    images: Sequence[ImageFiles],
    journal: Path | None,
    decided: Mapping[str, JsonValue],
    *,
    force: bool = False,
) -> Iterator[tuple[ImageFiles, Scores]]:
    """The images with their scores, as they are measured; first those that are known from an earlier start.

    Args:
        hands: Who measures.
        work: What is done.
        images: Of which each is measured, whatever becomes of the others.
        journal: Keeps the scores until there are all; None keeps none.
        decided: All that the scores depend on.
        force: Whether a journal is begun again that other settings began.

    Raises:
        RequestError: Other settings have begun the journal.
        UnmeasuredError: At the end, where some could not be measured.
        WorkError: The work cannot be done where it is handed to.
    """
    lines = Journal(journal, decided, force=force)
    yield from ((files, lines.known[files.stem]) for files in images if files.stem in lines.known)
    missing = [files for files in images if files.stem not in lines.known]
    failed: dict[str, str] = {}
    with closing(hands(work, missing)) as handed:
        for done in handed:
            for remark in done.remarks:
                logger.warning("%s", remark)
            if done.result is None:
                failed[done.item.stem] = done.failure
                continue
            lines.say(done.item.stem, done.result)
            yield done.item, done.result
    if failed:
        raise UnmeasuredError(failed, len(images))
    lines.end()
