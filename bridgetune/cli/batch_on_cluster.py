"""`bridgetune stack --each --ray`: a stack in each folder of a folder, on a cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from bridgetune._version import __version__
from bridgetune.cli.console import ERRORS, RESULTS, print_json
from bridgetune.cli.failures import tell_failures
from bridgetune.cli.progress import bar
from bridgetune.cli.stacking import Job, Method, StackProgress, remark, summary
from bridgetune.cluster import Cluster
from bridgetune.config import StackConfig
from bridgetune.destinations import check_apart, check_folder
from bridgetune.documents import as_json
from bridgetune.errors import RequestError
from bridgetune.filling import filling
from bridgetune.paths import are_same, as_text
from bridgetune.pictures import FRAME_SUFFIXES
from bridgetune.pictures.listing import list_folders, list_images
from bridgetune.stores import as_address, fetched_folder, is_stored, made

logger = logging.getLogger("bridgetune")


@dataclass(frozen=True)
class FusingStacks:
    """`Work` on folders: the stack in each is fused into `out`/NAME.tif, and its depth into `depth`/NAME.tif.

    Attributes:
        method, config: What fuses, and how.
        out, depth: Folders, of the machines that do it or of an object store.
        device: Where a network is; empty for where it is opened.
    """

    method: Method
    config: StackConfig
    out: Path
    depth: Path | None = None
    device: str = ""

    def files(self, name: str) -> list[Path]:
        """What is made of a stack: the fused image, the depth, and the depth in colours."""
        depths = [] if self.depth is None else [self.depth / f"{name}{suffix}" for suffix in (".tif", ".png")]
        return [self.out / f"{name}.tif", *depths]

    def opened(self) -> Callable[[Path], dict[str, Any]]:
        """See `Work`."""
        network = self.method.opened(self.depth)
        if self.device and isinstance(network, nn.Module):
            network.to(self.device)
        config = self.method.asking(self.config)

        def fuse(folder: Path) -> dict[str, Any]:
            files = self.files(folder.name)
            with fetched_folder(folder) as frames, made(*files) as places:
                job = Job.of([frames], places[0], places[1] if self.depth else None)
                job.check(force=True)
                told = job.carry_out(network, config, StackProgress())
            return {**told, **dict(zip(("out", "depth", "depth_preview"), map(_told, files), strict=False))}

        return fuse

    def decided(self, folder: Path) -> dict[str, Any]:
        """All that the files depend on, as JSON has it."""
        method = {name: value for name, value in asdict(self.method).items() if name != "trust_code"}
        told = {"each": folder, **method, **self.config.model_dump(mode="json"), "out": self.out, "depth": self.depth}
        plain = {name: _told(value) if isinstance(value, Path) else as_json(value) for name, value in told.items()}
        return {"verb": "stack", "bridgetune": __version__, **plain}


def fuse_each_on(cluster: Cluster, work: FusingStacks, folder: Path, *, force: bool, as_json: bool) -> None:
    """Fuse the stack in each folder of a folder on a cluster; the files, and what is told, are those of `fuse_each`.

    Raises:
        RequestError: There is no such folder, none in it, or the places are refused.
        WorkError: Some stacks could not be fused.
    """
    from bridgetune.cluster.crew import Crew

    places = [place for place in (work.out, work.depth) if place is not None]
    for place in places:
        if not is_stored(place):
            check_folder(place, "the fused images")
    check_apart(places)
    if _is_any(folder, places):
        raise RequestError(f"{as_address(folder)}: holds the stacks; name another folder for the fused images")
    folders = [path for path in list_folders(folder) if not _is_any(path, places)]
    stacks = [path for path in folders if list_images(path, FRAME_SUFFIXES)]
    if not stacks:
        raise RequestError(
            f"{as_address(folder)}: holds no folders of pictures, expected one for each stack; check the path"
        )
    skipped = [{"name": as_text(path.name), "reason": "it holds no pictures"} for path in folders if path not in stacks]
    told, failed = dict[str, dict[str, Any]](), dict[str, str]()
    with filling(places, (), work.decided(folder), force=force) as filled, bar("stack") as shown:
        missing = []
        for path in stacks:
            result = work.files(path.name)[0]
            if filled.has(*work.files(path.name)) or (not force and filled.found(result)):
                skipped.append({"name": as_text(path.name), "reason": f"{as_text(_told(result))} is there already"})
            else:
                missing.append(path)
        for each in skipped:
            ERRORS.print(f"{each['name']}: {each['reason']}, and is left out", markup=False)
        task = shown.add_task("fusing", total=len(missing), stack="")
        with closing(Crew(cluster)(work, missing)) as handed:
            for done in handed:
                name = as_text(done.item.name)
                for line in done.remarks:
                    logger.warning("%s", line)
                if done.result is None:
                    failed[name] = done.failure
                else:
                    told[name] = done.result
                    remark(done.result)
                    if not as_json:
                        RESULTS.print(f"{name}: {summary(done.result)}", markup=False)
                shown.update(task, completed=len(told) + len(failed), stack=name)
        if not failed:
            filled.is_whole()
    if as_json:
        names = [as_text(path.name) for path in stacks]
        reasons = [{"name": name, "reason": failed[name]} for name in names if name in failed]
        print_json({"stacks": [told[name] for name in names if name in told], "failed": reasons, "skipped": skipped})
    tell_failures(failed, len(stacks), "stacks could not be fused")


def _told(path: Path) -> str:
    return as_text(as_address(path) if is_stored(path) else path)


def _is_any(path: Path, places: Collection[Path]) -> bool:
    return any(path == place or (not is_stored(path) and are_same(path, place)) for place in places)
