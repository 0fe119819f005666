"""The page as a browser asks for it, in this process, and pictures to send."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import tifffile
from starlette.testclient import TestClient

from bridgetune.app.choices import Methods
from bridgetune.app.desk import Serving
from bridgetune.app.fusing import Result, fused
from bridgetune.app.server import Page
from bridgetune.app.tiles import as_png
from bridgetune.app.work import Task
from bridgetune.config import StackConfig
from bridgetune.pictures import open_frames

Sent = list[tuple[str, tuple[str, bytes, str]]]


def frames_of(count: int, height: int = 48, width: int = 96) -> list[np.ndarray]:
    """Frames of blobs and noise, each sharp in a band of columns of its own and blurred elsewhere."""
    drawn = np.random.default_rng(0)
    small = drawn.uniform(0, 160, (height // 12, width // 12, 3))
    blobs = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    sharp = (blobs + drawn.uniform(0, 90, (height, width, 3))).clip(0, 255).astype(np.uint8)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 3)
    band = np.arange(width) * count // width
    return [np.where((band == frame)[None, :, None], sharp, blurred) for frame in range(count)]


def fused_frames(folder: Path, frames: list[np.ndarray], method: str = "modified-laplacian") -> Result:
    """What the page makes of frames, which are written to the folder, by a method; by steps, as they lie."""
    for number, frame in enumerate(frames):
        tifffile.imwrite(folder / f"{number}.tif", frame, photometric="rgb")
    (folder / "out").mkdir()
    found = open_frames(sorted(folder.glob("*.tif")))
    config = StackConfig(align="none", blend="none")
    return fused(found, Methods().open(method), config, folder / "out", "title", Task(lambda task: None))


def named(name: str, data: bytes) -> tuple[str, tuple[str, bytes, str]]:
    """A file of a form's field `pictures`."""
    return "pictures", (name, data, "image/png")


def stack_sent(count: int = 3) -> Sent:
    """A stack, as PNG files called `frame 8.png` and so on, the last one first."""
    return [named(f"frame {number + 8}.png", as_png(frame)) for number, frame in enumerate(frames_of(count))][::-1]


@contextmanager
def asking(folder: Path, serving: Serving | None = None) -> Iterator[tuple[Page, TestClient]]:
    """A page, and who asks for it from this machine."""
    page = Page(serving or Serving(), folder)
    with TestClient(page.application(), base_url="http://127.0.0.1:8765", follow_redirects=True) as client:
        yield page, client


def settled(client: TestClient, address: str, within: float = 60.0) -> str:
    """The page, once what is done with its pictures has ended."""
    until(lambda: client.get(f"{address}/state").headers.get("hx-refresh") == "true", within)
    return client.get(address).text


def until(holds: Callable[[], bool], within: float = 60.0) -> None:
    """Wait until it holds."""
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def hold(task: Task) -> None:
    """Work that goes on until it is stopped."""
    while True:
        task.tell("holding", 0)
        time.sleep(0.005)


def lines(page: str) -> list[str]:
    """The lines that a page says, without their markup."""
    return [" ".join(line.split()) for line in re.findall(r'<p class="line[^>]*>(.*?)</p>', page, re.S)]
