"""The page with a pair of 24 megapixels: the time to the quick look, to the result and to its first view, and memory.

    python benchmarks/page.py [--method NAME] [FIRST SECOND]

Without pictures of one's own, a pair is made: a texture of all sizes, as photographs are, that is sharp in either half.
Times count from when the browser begins to send, and again from when Fuse is pressed; beside them is what `bridgetune
fuse` takes for the same pair within the same process.
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
from numpy.typing import NDArray
from starlette.testclient import TestClient

from bridgetune.app.choices import Methods
from bridgetune.app.desk import Serving
from bridgetune.app.server import Page
from bridgetune.inference import Queries, fuse_files

HEIGHT, WIDTH = 4000, 6000


def texture() -> NDArray[np.uint8]:
    """Noise of every size from two pixels to the picture's, each as strong as the others."""
    noise = np.random.default_rng(0)
    levels = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for octave in range(1, 10):
        grain = noise.standard_normal((HEIGHT >> octave, WIDTH >> octave, 3), np.float32)
        levels += cv2.resize(grain, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.clip(128 + 20 * levels, 0, 255).astype(np.uint8)


def pair(folder: Path) -> list[Path]:
    """Two JPEG files, the one sharp on the left, the other on the right."""
    sharp = texture()
    blurred = cv2.GaussianBlur(sharp, (0, 0), 12)
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
