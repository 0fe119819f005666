"""The documentation does as it says: every command and Python block of it is run, on small data, and it builds."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from scipy import ndimage
from torch import Tensor, nn

import bridgetune
from bridgetune.data import read_image, read_mask, write_image
from bridgetune.sweeps import read_sweep
from bridgetune_bridgemff.checkpoint import _released_name
from bridgetune_peers import gacn
from tests.support import ROOT
from tests.support.blocks import Block, blocks, commands
from tests.support.commands import run
from tests.support.evaluations import evaluation
from tests.support.small import Folders
from tests.zoo.networks import IFCNNLike

PAGES = [
    "README.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("bridgetune_plugins/*/README.md")),
]

WITH_BLOCKS = [page for page in PAGES if list(blocks((ROOT / page).read_text(encoding="utf-8")))]

SHORTENED = {
    "pretrain": ["--steps", "2", "--size", "32", "--batch", "2", "--workers", "0", "--device", "cpu"],
    "finetune": [
        *("--steps", "2", "--size", "32", "--batch", "2", "--workers", "0", "--device", "cpu", "--judge-steps", "2")
    ],
    "evaluate": ["--workers", "1"],
    "export": ["--size", "40x48"],
}
"""Verb -> what is added to its command, so that it takes a second; the last of two same options counts."""

SMALL = {"steps": "2", "epochs": "1", "size": "32", "batch": "2"}
"""Argument in a Python block -> the number that stands for the one on the page."""

NOT_RUN = {
    r"make \w+": "set-up of its own; that the Makefile has the target is tested",
    r"python3 -m venv .*|\. \.venv/bin/activate": "the tests run in an environment already",
    r"pip install .*": "nothing is fetched in tests; that extras and folders exist is tested",
    r"(pytest|ruff|mypy|lint-imports)\b.*": "they are `make test`; a written plugin's: test_plugin_template.py",
    r"(accelerate launch|torchrun) .*": "several processes: tests/distributed",
    r"python benchmarks/\S+ --write": "takes minutes, and writes; that the program is there is tested",
    r"python benchmarks/(end_to_end|unlabelled)\.py .*": "trains for minutes, on data that does not come along",
    r"bridgetune demo": "test_demo.py",
    r"bridgetune app\b.*": "goes on until it is stopped: tests/browser, test_page.py",
    r"bridgetune stack .* --watch .*": "goes on until it is stopped: test_stack.py",
    r"bridgetune compare --methods .*": "evaluates for minutes: test_compare.py has a smaller one",
    r"bridgetune compare --sweep .*": "trains for minutes: test_sweep.py runs a smaller one",
    r"bridgetune .* --ray\b.*": "starts processes for seconds: test_cluster.py",
    r"bridgetune inspect mynet": "needs that plugin installed: test_plugin_template.py",
}
"""Commands that are not run -> why."""

LANGUAGES = {"sh", "python", "toml", "text"}
"""Of blocks; `text` shows what is no program."""


class MyNet(nn.Module):
    """A small decision-map network that nobody has trained."""

    def __init__(self) -> None:
        super().__init__()
        self.edges = nn.Conv2d(6, 4, 3, padding=1)
        self.map = nn.Conv2d(4, 1, 1)

    def forward(self, pair: Tensor) -> Tensor:
        return self.map(self.edges(pair).abs())


MY_MODULE = """
from tests.integration.test_documentation import MyNet


def make_network():
    return MyNet()
"""


def make_network() -> MyNet:
    torch.manual_seed(0)
    return MyNet()


def pairs_in(folder: Path, folders: Folders, count: int = 6) -> None:
    """Lytro's layout: A/ and B/, of 40×48, by number."""
    for number in range(count):
        photo = read_image(folders.images / f"{number}.png").pixels
        inside = read_mask(folders.masks / f"{number}.png").numpy().transpose(1, 2, 0) >= 0.5
        blurred = np.full_like(photo, photo.mean(dtype=np.float64))
        write_image(folder / "A" / f"{number + 1:02}.png", np.where(inside, photo, blurred))
        write_image(folder / "B" / f"{number + 1:02}.png", np.where(inside, blurred, photo))


def results_in(folder: Path, folders: Folders) -> None:
    for number in range(6):
        write_image(folder / f"{number + 1:02}.png", read_image(folders.images / f"{number}.png").pixels)


def stack_in(path: Path) -> None:
    """Four frames of blobs and noise, as a camera calls them, each sharp in another quarter."""
    path.mkdir(parents=True)
    for number, frame in enumerate(frames_of()):
        write_image(path / f"DSC_{number + 8:04}.JPG", frame)


def pages_in(path: Path) -> None:
    tifffile.imwrite(path, np.stack(frames_of()), photometric="rgb", metadata={"axes": "ZYXS"})


def frames_of(frames: int = 4, height: int = 192, width: int = 256) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    noise = [ndimage.gaussian_filter(rng.random((height, width)), deviation) for deviation in (0.7, 3, 9)]
    scene = sum((each - each.mean()) / each.std() for each in noise)
    sharp = np.clip(128 + 30 * scene, 0, 255)[..., None].repeat(3, axis=2)
    blurred = ndimage.gaussian_filter(sharp, (2, 2, 0))
    quarter = np.arange(width) * frames // width
    return [np.where((quarter == each)[None, :, None], sharp, blurred).astype(np.uint8) for each in range(frames)]


def shoot_in(path: Path) -> None:
    for name in ("ant", "bee"):
        stack_in(path / name)


def released_in(path: Path) -> None:
    """Random weights as the authors' program stores them."""
    weights = bridgetune.create("bridgemff", weights=None).unwrap().state_dict()
    torch.save({_released_name(name): weight for name, weight in weights.items()}, path)


def gacn_in(path: Path) -> None:
    """Random weights under the names of the authors' file."""
    weights = bridgetune.create("gacn", weights=None).unwrap().state_dict()
    torch.save({gacn._released_name(name): weight for name, weight in weights.items()}, path)


def evaluations_in(folder: Path) -> None:
    folder.mkdir()
    for number, method in enumerate(("MSFIN", "MSFIN+ours")):
        evaluation(method, 0.01 * number).write(folder / f"{number}.json")


def weights_of(page: str) -> Callable[[Path], None]:
    """Saves fresh weights for the plugin whose page it is."""
    from safetensors.torch import save_file

    name = Path(page).parent.name.removeprefix("bridgetune-")
    return lambda path: save_file(bridgetune.create(name, weights=None).unwrap().state_dict(), path)


def given(folders: Folders, page: str) -> dict[str, Callable[[Path], object]]:
    """What pages take for granted: path in the reader's folder -> what makes it there."""

    def photo(name: str) -> Callable[[Path], object]:
        return lambda path: write_image(path, read_image(folders.images / name).pixels)

    def saved(path: Path) -> None:
        small = page == "docs/exporting.md"  # translating BridgeMFF three times takes a minute
        name, options = ("drpl", {"width": 8, "blocks": 2}) if small else ("bridgemff", {})
        bridgetune.create(name, weights=None, **options).save_pretrained(path)

    def pairs(path: Path) -> None:
        pairs_in(path, folders)

    weights = {"model.safetensors": weights_of(page)} if page.startswith("bridgetune_plugins") else {}
    return weights | {
        "photos": lambda path: shutil.copytree(folders.images, path),
        "masks": lambda path: shutil.copytree(folders.masks, path),
        "clear": lambda path: shutil.copytree(folders.clear, path),
        "blurred": lambda path: shutil.copytree(folders.blurred, path),
        "beetle": stack_in,
        "shoot": shoot_in,
        "zstack.ome.tif": pages_in,
        "folder": pairs,
        "lytro": pairs,
        "microscope": pairs,
        "results/lytro": lambda path: results_in(path, folders),
        "evaluations": evaluations_in,
        "runs/one/generator": saved,
        "runs/two/generator": saved,
        "near.tif": lambda path: write_image(path, frames_of()[0]),
        "far.tif": lambda path: write_image(path, frames_of()[1]),
        "A.tif": photo("0.png"),
        "B.tif": photo("1.png"),
        "A.png": photo("0.png"),
        "B.png": photo("1.png"),
        "my_module.py": lambda path: path.write_text(MY_MODULE),
        "mine.pth": lambda path: torch.save(make_network().state_dict(), path),
        "generator.pth": released_in,
        "GACN.pkl": gacn_in,
    }


def reader(page: str, folders: Folders, folder: Path) -> None:
    """Make of `given` what the page names, unless it makes it itself."""
    text = (ROOT / page).read_text(encoding="utf-8")
    made = set(re.findall(r"--out (\S+)", text))
    for name, make in given(folders, page).items():
        named = name.removesuffix(".py") if name.endswith(".py") else name
        if named in text and not any(name == out or name.startswith(f"{out}/") for out in made):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            make(folder / name)


def namespace() -> dict[str, Any]:
    """Names that Python blocks take for granted."""
    first, second = torch.rand(2, 1, 3, 40, 48, generator=torch.Generator().manual_seed(0))
    networks = {"my_network": make_network(), "MyNet": MyNet, "my_end_to_end_network": IFCNNLike()}
    return {**networks, "first": first, "second": second, "results": [first]}


def reason_not_to_run(command: list[str]) -> str | None:
    line = " ".join(command)
    return next((why for pattern, why in NOT_RUN.items() if re.fullmatch(pattern, line)), None)


def shortened(command: list[str]) -> list[str]:
    verb = command[1]
    return command[1:] + (SHORTENED.get(verb, []) if "--help" not in command else [])


def run_block(block: Block, where: str, names: dict[str, Any]) -> None:
    match block.language:
        case "python":
            text = re.sub(rf"\b({'|'.join(SMALL)})=\d+", lambda found: f"{found[1]}={SMALL[found[1]]}", block.text)
            exec(compile("\n" * (block.line - 1) + text, where, "exec"), names)
        case "sh":
            for command in commands(block.text):
                if reason_not_to_run(command):
                    continue
                assert command[0] == "bridgetune", f"{where}: {shlex.join(command)}: not known; add why it is not run"
                done = run(*shortened(command))
                assert done.returncode == 0, f"{where}: {shlex.join(command)}: {done.stderr}"
        case "toml":
            read = tomllib.loads(block.text)
            if "backbones" in read:
                Path("block.toml").write_text(block.text, encoding="utf-8")
                read_sweep(Path("block.toml"))


@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_every_block_of_a_page_runs(page: str, folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    reader(page, folders, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_module", raising=False)
    names = namespace()
    for block in blocks((ROOT / page).read_text(encoding="utf-8")):
        where = f"{page}:{block.line}"
        assert block.language in LANGUAGES, f"{where}: got {block.language!r}, expected one of {sorted(LANGUAGES)}"
        run_block(block, where, names)


ALL_COMMANDS = [
    command
    for page in PAGES
    for block in blocks((ROOT / page).read_text(encoding="utf-8"))
    if block.language == "sh"
    for command in commands(block.text)
]


def test_commands_that_are_not_run_are_those_that_are_written():
    lines = [" ".join(command) for command in ALL_COMMANDS]
    assert [pattern for pattern in NOT_RUN if not any(re.fullmatch(pattern, line) for line in lines)] == []
    assert sum(reason_not_to_run(command) is None for command in ALL_COMMANDS) > 30


def test_what_is_made_installed_and_measured_exists():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for command in ALL_COMMANDS:
        line = " ".join(command)
        match command[:2]:
            case ["make", target]:
                assert target in targets
            case ["pip", "install"]:
                extras = re.findall(r"(?:bridgetune|\.)\[([\w,]+)\]", line)
                assert {extra for found in extras for extra in found.split(",")} <= {*project["optional-dependencies"]}
                for folder in re.findall(r"-e (bridgetune_plugins/\S+)", line):
                    assert (ROOT / folder / "pyproject.toml").exists()
            case ["python", program]:
                assert (ROOT / program).exists()


def test_a_block_that_fails_and_a_command_that_nobody_knows_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NameError):
        run_block(Block("python", "missing\n", 3), "page.md:3", {})
    with pytest.raises(AssertionError, match=r"page\.md:3: bridgetune fuse no\.png .*no\.png"):
        run_block(Block("sh", "bridgetune fuse no.png no.png -o out.png\n", 3), "page.md:3", {})
    with pytest.raises(AssertionError, match="add why it is not run"):
        run_block(Block("sh", "conda install it\n", 3), "page.md:3", {})


def test_the_readme_is_short():
    assert (ROOT / "README.md").stat().st_size <= 9000


def built(folder: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """What `make docs` says of the documentation in a folder."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_documentation_builds_without_a_warning_and_asks_nobody_else(tmp_path: Path):
    done = built(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(PAGES)
    loaded = re.compile(r"<(?:script|img|link|iframe)\b[^>]*(?:src|href)=\"?(https?:)?//")
    assert [page for page in pages if loaded.search(page.read_text(encoding="utf-8"))] == []


def test_a_dead_link_fails_the_build(tmp_path: Path):
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    (tmp_path / "mkdocs.yml").write_text(re.sub(r"^nav:\n.*?(?=^\S)", "", settings, flags=re.MULTILINE | re.DOTALL))
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "_hooks.py", tmp_path / "docs")
    (tmp_path / "docs" / "data.md").write_text("# Data\n")
    for link in ("docs/missing.md", "docs/data.md#missing"):
        (tmp_path / "README.md").write_text(f"# It\n\n[link]({link})\n")
        done = built(tmp_path, tmp_path / "site")
        assert done.returncode != 0
        assert "missing" in done.stderr
    (tmp_path / "README.md").write_text("# It\n\n[link](docs/data.md#data)\n")
    assert built(tmp_path, tmp_path / "site").returncode == 0
