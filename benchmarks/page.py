"""The page with a pair of 24 megapixels: the time to the quick look, to the result and to its first view, and memory.

    python benchmarks/page.py [--method NAME] [FIRST SECOND]

Without pictures of one's own, a pair is made: noise that is sharp in either half. Times count from when the browser
begins to send, and again from when Fuse is pressed; beside them is what `bridgetune fuse` takes for the same pair
within the same process.
"""

from __future__ import annotations

import argparse
import re
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from starlette.testclient import TestClient

from bridgetune.app.choices import Methods
from bridgetune.app.desk import Serving
from bridgetune.app.server import Page
from bridgetune.inference import Queries, fuse_files

HEIGHT, WIDTH = 4000, 6000


def pair(folder: Path) -> list[Path]:
    """Two JPEG files, the one sharp on the left, the other on the right."""
    small = np.random.default_rng(0).integers(0, 255, (HEIGHT // 4, WIDTH // 4, 3), np.uint8)
    sharp = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 8)
    paths = [folder / "left.jpg", folder / "right.jpg"]
    for path, halves in zip(paths, ((sharp, blurred), (blurred, sharp)), strict=True):
        whole = np.hstack([halves[0][:, : WIDTH // 2], halves[1][:, WIDTH // 2 :]])
        cv2.imwrite(str(path), whole, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return paths


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long it took."""
    begun = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - begun:.1f} s", flush=True)


def wait(client: TestClient, place: str) -> None:
    while client.get(f"{place}/state").headers.get("hx-refresh") != "true":
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--method", default="bridgemff")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        paths = arguments.pictures or pair(Path(scratch))
        generator = Methods().open(arguments.method)
        assert generator is not None
        with timed("bridgetune fuse, from file to file, opened before"):
            fusion = fuse_files(generator, *paths, queries=Queries("auto"), align="auto")
            fusion.save(Path(scratch, "fused.tif"), Path(scratch, "map.png"))
        del fusion
        served = Path(scratch, "served")
        served.mkdir()
        page = Page(Serving(), served)
        page.methods.open(arguments.method)
        with TestClient(page.application(), base_url="http://127.0.0.1") as client:
            with timed("the page, from sending to the quick look"):
                place = client.post(
                    "/fuse", files=[("pictures", (path.name, path.read_bytes())) for path in paths]
                ).url.path
                wait(client, place)
                client.get(f"{place}/preview.png").raise_for_status()
            with timed("the page, from Fuse to the result"):
                client.post(f"{place}/start", data={"method": arguments.method})
                wait(client, place)
            (layer,) = re.findall(r'data-fused="(.*?)"', client.get(place).text)
            for what in ("first view of the picture", "another view of it"):
                with timed(f"the page, {what}, of four tiles"):
                    for tile in ("0_0", "1_0", "0_1", "1_1"):
                        client.get(layer.replace(".dzi", f"_files/11/{tile}.png")).raise_for_status()
    print(f"most memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
