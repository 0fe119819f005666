"""Which frames a stack is made of and in which order: looked at one after the other before they are fused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bridgetune.config import StackConfig
from bridgetune.errors import RequestError
from bridgetune.inference.stacks.aligning import UNREGISTERED, Aligning
from bridgetune.inference.stacks.fusion import LeftOut, Progress
from bridgetune.inference.stacks.looking import Look, look
from bridgetune.inference.stacks.misfits import nowhere_sharp, other_sizes, repeated, shows_another_scene
from bridgetune.inference.stacks.order import depth_order
from bridgetune.pictures import Frames, UnreadableFrameError
from bridgetune.releasing import release

Report = Callable[[Progress], None]

Read = TypeVar("Read")
"""What is read of a frame."""


@dataclass(frozen=True)
class Chosen:
    """The frames that are fused.

    Attributes:
        places: Of each in the stack, in the order that they follow each other.
        looks: Of each of them.
        left_out: The others.
    """

    places: tuple[int, ...]
    looks: tuple[Look, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def noise(self) -> float:
        """Of all, see `Look`: where one frame shows nothing there is nothing else."""
        return min(one.noise for one in self.looks)

    @property
    def gray(self) -> bool:
        """Whether all are."""
        return all(one.gray for one in self.looks)

    @property
    def bits(self) -> int:
        """Of the deepest."""
        return max(one.bits for one in self.looks)

    def ordered(self, order: Sequence[int]) -> Chosen:
        """The same in another order: of each, where it is now."""
        return Chosen(tuple(self.places[at] for at in order), tuple(self.looks[at] for at in order), self.left_out)

    def without(self, reasons: Mapping[int, str], names: Sequence[str]) -> Chosen:
        """The same but for some.

        Args:
            reasons: Place in the stack -> why not.
            names: Of all frames of the stack.

        Raises:
            RequestError: Fewer than two remain.
        """
        kept = [at for at, place in enumerate(self.places) if place not in reasons]
        left_out = (*self.left_out, *(LeftOut(names[place], reason) for place, reason in sorted(reasons.items())))
        if len(kept) < 2:
            told = "; ".join(f"{frame.name}: {frame.reason}" for frame in left_out[:3])
            more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
            raise RequestError(
                f"a stack: of {len(names)} frames {len(kept)} can be used, expected two or more ({told}{more})"
            )
        return Chosen(tuple(self.places[at] for at in kept), tuple(self.looks[at] for at in kept), left_out)


def choose(frames: Frames, config: StackConfig, progress: Report | None = None) -> tuple[Chosen, Aligning | None]:
    """Look at all frames, and leave out what the stack is better off without.

    That are those that cannot be read, those of another size, those that repeat, those that show another scene or
    cannot be registered, and those that are nowhere sharp.

    Args:
        frames: Read one after the other, each once; or twice, where the order is measured and they are aligned.
        config: Whose `order`, `align` and `exposure` count.
        progress: Told of each frame.

    Returns:
        The frames; and how they are aligned, None where they are taken as they are.

    Raises:
        RequestError: Fewer than two remain, or one cannot be read that a stack cannot do without, see
            `UnreadableFrameError`.
    """
    aligning = None if config.align == "none" and config.exposure != "even" else Aligning(config)
    at_once = aligning is not None and config.order == "name"
    names = frames.names
    unread: dict[int, str] = {}
    sizes = {
        place: size for place in range(len(frames)) if (size := _unless_unread(frames.size, place, unread)) is not None
    }
    others = other_sizes(names, list(sizes.values())) if sizes else {}
    wrong = {place: others[at] for at, place in enumerate(sizes) if at in others}
    looks: dict[int, Look] = {}
    for place in range(len(frames)):
        skipped = place in wrong or place in unread
        picture = None if skipped else _unless_unread(frames.read, place, unread)
        if picture is not None:
            looks[place] = look(picture)
            if aligning is not None and at_once:
                aligning.see(place, picture.pixels)
        del picture
        release()
        if progress is not None:
            progress(Progress("looking at frames", place + 1, len(frames), names[place]))
    chosen = Chosen(tuple(looks), tuple(looks.values()), ()).without({**wrong, **unread}, names)
    chosen = chosen.without(
        _of_places(chosen, repeated(chosen.looks, [names[place] for place in chosen.places])), names
    )
    if config.align == "none":
        chosen = chosen.without(_of_another_scene(chosen), names)
    if aligning is not None and at_once:
        chosen = chosen.without(_unregistered(chosen, aligning), names)
    chosen = chosen.without(_of_places(chosen, nowhere_sharp(chosen.looks)), names)
    if config.order == "depth":
        chosen = chosen.ordered(depth_order(chosen.looks))
    if aligning is not None and not at_once:
        for at, place in enumerate(chosen.places):
            aligning.see(place, frames.read(place).pixels)
            if progress is not None:
                progress(Progress("aligning", at + 1, len(chosen.places), names[place]))
        chosen = chosen.without(_unregistered(chosen, aligning), names)
    return chosen, aligning


def _unless_unread(reading: Callable[[int], Read], place: int, unread: dict[int, str]) -> Read | None:
    """What is read of a frame; None, and the reason noted, where the stack can do without one that cannot be read."""
    try:
        return reading(place)
    except UnreadableFrameError as error:
        unread[place] = error.reason
        return None


def _unregistered(chosen: Chosen, aligning: Aligning) -> dict[int, str]:
    registered = aligning.registered()
    return {place: UNREGISTERED for place in chosen.places if place not in registered}


def _of_places(chosen: Chosen, reasons: Mapping[int, str]) -> dict[int, str]:
    return {chosen.places[at]: reason for at, reason in reasons.items()}


def _of_another_scene(chosen: Chosen) -> dict[int, str]:
    """Places of those that show another scene than most do: the largest set of frames that go together stays."""
    sets: list[list[int]] = []
    for at, one in enumerate(chosen.looks):
        fits = next((each for each in sets if not shows_another_scene(chosen.looks[each[-1]], one)), None)
        if fits is None:
            sets.append([at])
        else:
            fits.append(at)
    most = max(sets, key=len)
    return {place: "it shows another scene" for at, place in enumerate(chosen.places) if at not in most}
