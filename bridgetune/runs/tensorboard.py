"""A run for TensorBoard: its records as scalars, and what the networks see as pictures."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from bridgetune.errors import RequestError, WorkError
from bridgetune.runs.directory import Record
from bridgetune.terms import COUNTERS, VALIDATED, is_term, term_of

SAMPLES = 4
"""Of a batch that are shown side by side."""

SHORTEST, LONGEST = 96, 256
"""Sides of a sample as it is shown, in pixels: smaller maps are enlarged whole times, larger pictures reduced."""

_GAP = 4

_GROUPS = {
    "gradient_discriminator_": "gradient/discriminator ",
    "gradient_": "gradient/",
    "map_gradient_": "gradient/at the map, ",
}
"""Beginning of a record's name -> that of its tag; the longest that fits counts."""

_TAGS = {"learning_rate": "learning rate", "alpha": "alpha", "seconds": "seconds a step", "map_mean": "map mean"}


class TensorBoard:
    """Writes a run's events into a folder, for `tensorboard --logdir`.

    Nothing is printed, and tensorflow is not imported, also where it is installed: it takes seconds and is not needed.

    Args:
        folder: Made if it is not there. Events of the same run that is resumed stand in one folder.
        first_step: The first that will be recorded: 0 for a run from its beginning, k+1 for one resumed after step
            k. Earlier events of that step and of later ones are purged: they will be made again.

    Raises:
        RequestError: tensorboard is not installed; nothing has been written.
        WorkError: The folder cannot be written to.
    """

    def __init__(self, folder: Path, first_step: int = 0) -> None:
        if "tensorflow" not in sys.modules:
            # by this name tensorboard is told to go without tensorflow
            sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise RequestError(
                "TensorBoard was asked for and is not installed; pip install 'bridgetune[train]', or leave it out"
            ) from error
        self._folder = folder
        with self._writing():
            self._writer = SummaryWriter(str(folder), purge_step=first_step, flush_secs=10)

    def record(self, record: Record) -> None:
        """Write a record of `metrics.jsonl` as scalars; what is not a finite number is left out.

        Raises:
            WorkError: The disk is full, say.
        """
        with self._writing():
            for name, value in record.items():
                known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
                if known and name not in COUNTERS:
                    self._writer.add_scalar(tag(name), value, record["step"])

    def images(self, step: int, rows: Mapping[str, Tensor]) -> None:
        """Write one picture for each name: the first samples of the batch side by side.

        Args:
            step: When.
            rows: Name -> (B, 3 or 1, H, W) in [0, 1], on any device, of any float type. Of logits, give the sigmoid: of
                the generator's the focus map, of a discriminator's the probability that each place is of a
                reference; those may be small, down to 1×1. What is not finite is shown black, what is outside
                [0, 1] at the nearer end.

        Raises:
            ValueError: A tensor of another shape.
            WorkError: See `record`.
        """
        with self._writing():
            for name, batch in rows.items():
                self._writer.add_image(f"pictures/{name}", side_by_side(name, batch), step)

    def close(self) -> None:
        """Write what is left, and end.

        Raises:
            WorkError: See `record`.
        """
        with self._writing():
            self._writer.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WorkError(
                f"{self._folder}: events for TensorBoard cannot be written ({error.strerror}); the checkpoints are"
                " as they were"
            ) from error


def tag(name: str) -> str:
    """What a record's entry is called in TensorBoard: its group before the stroke."""
    if is_term(name):
        return term_of(name).tag
    if name in VALIDATED:
        return f"validation/{name.replace('_', ' ')}"
    if name in _TAGS:
        return _TAGS[name]
    for beginning in sorted(_GROUPS, key=len, reverse=True):
        if name.startswith(beginning):
            return _GROUPS[beginning] + name.removeprefix(beginning).replace("_", " ")
    return name


def side_by_side(name: str, batch: Tensor) -> Tensor:
    """The first `SAMPLES` of a batch in a row, (3 or 1, h, w) in [0, 1] on the CPU.

    Raises:
        ValueError: See `TensorBoard.images`.
    """
    if batch.ndim != 4 or batch.shape[1] not in (1, 3) or 0 in batch.shape:
        raise ValueError(f"images: {name!r} is {tuple(batch.shape)}, expected (B, 3 or 1, H, W)")
    shown = torch.nan_to_num(batch[:SAMPLES].detach().cpu().float(), nan=0.0, posinf=0.0, neginf=0.0).clamp(0, 1)
    height, width = shown.shape[2:]
    if max(height, width) > LONGEST:
        scale = LONGEST / max(height, width)
        shown = interpolate(shown, (max(1, round(scale * height)), max(1, round(scale * width))), mode="area")
    elif max(height, width) < SHORTEST:
        shown = interpolate(shown, scale_factor=-(-SHORTEST // max(height, width)), mode="nearest")
    white = shown.new_ones(shown.shape[1], shown.shape[2], _GAP)
    pieces = [piece for sample in shown for piece in (white, sample)]
    return torch.cat(pieces[1:], dim=2)
