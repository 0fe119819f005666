"""`bridgetune stack --each`: a stack in each folder of a folder, and those that are still to come."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridgetune.cli.console import ERRORS, RESULTS, print_json
from bridgetune.cli.stacking import Job, Method, StackProgress, remark, summary
from bridgetune.config import StackConfig
from bridgetune.errors import RequestError, WorkError
from bridgetune.paths import are_same, as_text, is_there, shown

if TYPE_CHECKING:
    from bridgetune.inference.stacks.folders import Watch

POLL = 1.0
"""Seconds between two looks at a folder that is watched, at most."""


def fuse_each(
    method: Method,
    config: StackConfig,
    folder: Path,
    out: Path,
    depth: Path | None,
    *,
    watch: float | None,
    force: bool,
    as_json: bool,
) -> None:
    """Fuse the stack in each folder of a folder to `out`/NAME.tif.

    A stack that cannot be fused is named, and the others are; what is there already is left as it is.

    Args:
        method, config: What fuses, and how.
        folder: Of the folders.
        out: Where the pictures go.
        depth: Where the depths go, if they do.
        watch: Seconds that a folder must have been quiet for; None takes what there is, and ends.
        force: Replace what is there.
        as_json: Tell of it in JSON: `stacks` that were fused, `failed`, and `skipped`, which are there already or are
            folders without pictures.

    Raises:
        RequestError: There is no such folder, none in it, or the places are refused. Nothing is written.
        WorkError: Some stacks could not be fused.
    """
    from bridgetune.destinations import check_apart, check_folder
    from bridgetune.files import clear_partial
    from bridgetune.inference.stacks.folders import Watch, stack_folders, without_pictures
    from bridgetune.locking import held

    places = [out] if depth is None else [out, depth]
    for place in places:
        check_folder(place, "the fused images")
    check_apart(places)
    there = [path for path in stack_folders(folder) if not _is_any(path, places)]
    skipped: list[dict[str, str]] = []

    def skip(name: str, reason: str, said: str) -> None:
        skipped.append({"name": as_text(name), "reason": reason})
        ERRORS.print(said, markup=False)

    if not there and watch is None:
        raise RequestError(
            f"{shown(folder)}: holds no folders of pictures, expected one for each stack; check the path"
        )
    if _is_any(folder, places):
        raise RequestError(f"{shown(folder)}: holds the stacks; name another folder for the fused images")
    for path in without_pictures(folder) if watch is None else ():
        if not _is_any(path, places):
            skip(path.name, "it holds no pictures", f"{shown(path)}: holds no pictures, and is left out")
    network = method.opened(depth)
    told, failed = list[dict[str, Any]](), list[dict[str, str]]()
    with ExitStack() as alone, StackProgress() as progress:
        for place in places:
            clear_partial(place, alone.enter_context(held(place)))
        made, kept = set[Path](), set[Path]()
        for path in there if watch is None else coming(Watch(folder, watch), places):
            result = out / f"{path.name}.tif"
            if is_there(result) and not force and path not in made:
                said = f"{result} is there already and is left as it is; --force makes it again"
                skip(path.name, f"{as_text(result)} is there already", said)
                kept.add(path)
                continue
            try:
                job = Job.of([path], result, None if depth is None else depth / result.name)
                job.check(force or path in made)
                one = job.carry_out(network, method.asking(config), progress)
            except (RequestError, WorkError) as error:
                failed.append({"name": as_text(path.name), "reason": str(error)})
                ERRORS.print(f"{as_text(path.name)}: {error}", style="yellow", markup=False)
                continue
            made.add(path)
            told.append(one)
            remark(one)
            if not as_json:
                RESULTS.print(f"{as_text(path.name)}: {summary(one)}", markup=False)
    if as_json:
        print_json({"stacks": told, "failed": failed, "skipped": skipped})
    if failed:
        names = ", ".join(each["name"] for each in failed)
        tried = len(told) + len(failed)
        raise WorkError(f"{len(failed)} of {tried + len(kept)} stacks could not be fused: {names}")


def coming(watch: Watch, places: Collection[Path], sleep: Callable[[float], None] = time.sleep) -> Iterator[Path]:
    """The folders as they become quiet, without end.

    Args:
        watch: Of them.
        places: Folders that are none of them: what is written lies there.
        sleep: Waits for so many seconds.
    """
    while True:
        yield from (path for path in watch.ready() if not _is_any(path, places))
        sleep(POLL)


def _is_any(path: Path, places: Collection[Path]) -> bool:
    return any(are_same(path, place) for place in places)
