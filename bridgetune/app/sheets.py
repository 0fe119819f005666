"""What somebody has on the page: the pictures that were sent, what was found in them, what became of them."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridgetune.app.fusing import Result
from bridgetune.app.painting import Painting
from bridgetune.app.tiles import as_png, fitted
from bridgetune.app.uploads import Upload, unique
from bridgetune.app.voting import Ballot
from bridgetune.app.wording import in_words
from bridgetune.app.work import Task
from bridgetune.config import StackConfig
from bridgetune.errors import RequestError
from bridgetune.inference.stacks.fusion import Progress
from bridgetune.inference.stacks.looking import look
from bridgetune.pictures import FileFrames, HeldFrames, Picture, open_frames
from bridgetune.pictures.frames import Place

PREVIEW, THUMBNAIL = 1024, 240
"""Pixels of the longer side, at the most."""

MOST_RESULTS = 8
"""Of one sheet."""


@dataclass(frozen=True)
class Card:
    """A frame as the page shows it.

    Attributes:
        name: As its sender calls it.
        width, height, bits: Of the frame.
        sharpness: Mean response to focus in the sharpest tenth of the frame, reduced to `PREVIEW`, in gray levels of
            255.
        best: Share of the scene in which it is sharper than all others; None until all are read, or where the frames
            differ in size.
    """

    name: str
    width: int
    height: int
    bits: int
    sharpness: float
    best: float | None = None


@dataclass(eq=False)
class Sheet:
    """Pictures that were sent together.

    Attributes:
        folder: Where everything of it is.
        uploads: What was sent.
        id: By which the page asks for it; nobody guesses it.
        frames: Those that can be read.
        cards: One for each frame.
        refused: Lines on pictures that cannot be read.
        unseen: Why there is no quick look; empty where there is one.
        task: What is done with it now, or was last.
        method, config: What was asked for last.
        results: What came of it, the oldest first.
        ballot: Votes on them.
        painting: A result of it that is being mended.
        mending: Held while that is made.
        touched: When it was last asked for, by the clock of `time.monotonic`.
    """

    folder: Path
    uploads: Sequence[Upload]
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    frames: FileFrames = field(default_factory=lambda: FileFrames((), ()))
    cards: list[Card] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unseen: str = ""
    task: Task | None = None
    method: str = ""
    config: StackConfig = field(default_factory=StackConfig)
    results: list[Result] = field(default_factory=list)
    ballot: Ballot = field(default_factory=Ballot)
    painting: Painting | None = None
    mending: threading.Lock = field(default_factory=threading.Lock)
    touched: float = field(default_factory=time.monotonic)

    @property
    def busy(self) -> bool:
        """Whether something is being done with it."""
        return self.task is not None and self.task.goes_on

    @property
    def preview(self) -> Path:
        """Where the quick look is, once there is one."""
        return self.folder / "preview.png"

    @property
    def said(self) -> list[str]:
        """Lines of the last task."""
        return [] if self.task is None else [line for line in (*self.task.said, self.task.error) if line]

    @property
    def sizes(self) -> list[str]:
        """Those that the frames have, in words, each once."""
        return list(dict.fromkeys(f"{card.width}×{card.height}" for card in self.cards))

    def thumbnail(self, number: int) -> Path:
        """Where that of a frame is, counted from 0."""
        return self.folder / f"thumbnail-{number:04}.png"

    def in_words(self, line: str) -> str:
        """A line in which files are called as the page calls them, and options as its controls."""
        names = {place: upload.name for upload in self.uploads for place in (str(upload.path), upload.path.name)}
        if names:  # at once: a sender may call a file as another one is called here
            places = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
            line = re.sub(places, lambda found: names[found[0]], line)
        return in_words(line)

    def read(self, task: Task) -> None:
        """Read what was sent: frames, cards, thumbnails, and from these a quick look at what they make.

        Raises:
            RequestError: Fewer than two can be read.
            StoppedError: See `Task.tell`.
        """
        places: list[Place] = []
        sharpness, small = [], []
        for done, upload in enumerate(self.uploads):
            task.tell("reading", done, len(self.uploads), upload.name)
            try:
                found = open_frames([upload.path], order="given")
                for index, place in enumerate(found.places):
                    picture = found.read(index)
                    page = f", page {place.plane.number + 1}" if place.plane and len(found) > 1 else ""
                    shown = Picture(fitted(picture.pixels, PREVIEW), picture.gray)
                    self.thumbnail(len(places)).write_bytes(as_png(fitted(shown.pixels, THUMBNAIL)))
                    sharpness.append(look(shown).sharpness)
                    self.cards.append(card(unique(upload.name + page, self._named()), picture, sharpness[-1]))
                    places.append(place)
                    small.append(shown)
            except RequestError as error:
                self.refused.append(self.in_words(" ".join(str(error).split())))
        names = tuple(card.name for card in self.cards)
        self.frames = FileFrames(tuple(places), names)
        if len(places) < 2:
            raise RequestError(f"pictures: {len(places)} can be read, expected two or more of one scene")
        if len({(card.width, card.height) for card in self.cards}) == 1:
            winners = np.bincount(np.stack(sharpness).argmax(0).ravel(), minlength=len(names)) / sharpness[0].size
            self.cards = [replace(card, best=float(best)) for card, best in zip(self.cards, winners, strict=True)]
        self._look(HeldFrames(small, names), task)

    def _named(self) -> list[str]:
        return [card.name for card in self.cards]

    def _look(self, frames: HeldFrames, task: Task) -> None:
        from bridgetune.inference import fuse_stack

        def told(progress: Progress) -> None:
            task.tell("a quick look", progress.done, progress.total, progress.name)

        try:
            fusion = fuse_stack(None, frames, StackConfig(quality="fast"), progress=told)
        except RequestError as error:
            self.unseen = self.in_words(" ".join(str(error).split()))
            return
        self.preview.write_bytes(as_png(fitted(fusion.pixels, PREVIEW)))


class Sheets:
    """All that is on the page now: what nobody has asked for the longest makes room.

    Args:
        folder: Where they are.
        most: Sheets.
        idle: Seconds after which one that nobody asks for is removed.
        removed: Called with one that is gone.
    """

    def __init__(
        self,
        folder: Path,
        most: int = 12,
        idle: float = 7200,
        removed: Callable[[Sheet], None] = lambda sheet: None,
    ) -> None:
        self._folder, self._most, self._idle, self._removed = folder, most, idle, removed
        self._sheets: dict[str, Sheet] = {}
        self._changing = threading.Lock()

    def place(self) -> Path:
        """An empty folder for one."""
        folder = self._folder / secrets.token_hex(8)
        folder.mkdir(mode=0o700)
        return folder

    def add(self, sheet: Sheet) -> None:
        """Have one found from now on."""
        with self._changing:
            self._sheets[sheet.id] = sheet
        self.tidy()

    def all(self) -> list[Sheet]:
        """Those that are there, the oldest first."""
        with self._changing:
            return list(self._sheets.values())

    def find(self, id: str) -> Sheet:
        """The one that is called so.

        Raises:
            RequestError: It is not there, or no longer.
        """
        with self._changing:
            if id not in self._sheets:
                raise RequestError("these pictures are no longer here; choose them again")
            self._sheets[id].touched = time.monotonic()
            return self._sheets[id]

    def remove(self, sheet: Sheet) -> None:
        """Let go of one with all its files; what is being done with it stops."""
        with self._changing:
            self._sheets.pop(sheet.id, None)
        if sheet.task is not None:
            sheet.task.stop()
        self._removed(sheet)
        shutil.rmtree(sheet.folder, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what nobody has asked for long, and what there is no room for."""
        now = time.monotonic()
        with self._changing:
            idle = sorted((one for one in self._sheets.values() if not one.busy), key=lambda one: one.touched)
            spare = len(self._sheets) - self._most
        for number, sheet in enumerate(idle):
            if number < spare or now - sheet.touched > self._idle:
                self.remove(sheet)


def card(name: str, picture: Picture, sharpness: NDArray[np.float32]) -> Card:
    """What is shown of a frame.

    Args:
        name: See `Card`.
        picture: The frame.
        sharpness: Mean responses in its cells, see `Look`.
    """
    sharpest = np.sort(sharpness.ravel())[-sharpness.size // 10 :]
    return Card(name, picture.size[1], picture.size[0], picture.bits, round(float(sharpest.mean()), 1))
