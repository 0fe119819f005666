"""A plugin of one's own, from the template beside this file."""

from __future__ import annotations

import re
import tempfile
from importlib.resources import files
from pathlib import Path
from string import Template

from pydantic import ValidationError

from bridgetune._version import __version__
from bridgetune.destinations import check_folder
from bridgetune.errors import RequestError
from bridgetune.hookspecs import HOOK_API, GeneratorSpec
from bridgetune.paths import is_there, shown
from bridgetune.plugins import Registry

FILES = (
    "pyproject.toml",
    "README.md",
    "src/$module/__init__.py",
    "src/$module/network.py",
    "src/$module/py.typed",
    "tests/test_conformance.py",
)
"""What is written. The template of each has its last name and `.tmpl`, so that no tool takes it for Python."""


def write_plugin(name: str, out: Path, known: Registry) -> Path:
    """Write a distribution that brings a small generator, to be replaced by the user's own.

    Args:
        name: The generator's.
        out: The folder to write it in, made where it is missing.
        known: The plugins whose names are taken.

    Returns:
        The new folder `bridgetune-NAME`.

    Raises:
        RequestError: The name cannot be a generator's or is taken, or the folder exists. Nothing has been written.
    """
    given = _values(name)
    _refuse_taken(name, given["distribution"], known)
    folder = out / given["distribution"]
    check_folder(out, f"{folder.name}/")
    if is_there(folder) or folder.is_symlink():
        raise RequestError(f"{shown(folder)}: exists already; choose another NAME or --out, or remove it")
    check_folder(folder, "the plugin")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=f".{folder.name}.") as partial:
        whole = Path(partial) / folder.name
        for path in FILES:
            written = whole / Template(path).substitute(given)
            written.parent.mkdir(parents=True, exist_ok=True)
            template = files(__name__).joinpath("plugin", f"{written.name}.tmpl").read_text(encoding="utf-8")
            written.write_text(Template(template).substitute(given), encoding="utf-8")
        whole.rename(folder)
    return folder


def _values(name: str) -> dict[str, str]:
    """What stands for each `$name` in the template."""
    canonical = re.sub(r"[-_]+", "-", name)
    module = f"bridgetune_{canonical.replace('-', '_')}"
    try:
        GeneratorSpec(name=name, summary="", network=f"{module}:Network")
        fits = not canonical.endswith("-")
    except ValidationError:
        fits = False
    if not fits:
        raise RequestError(
            f"NAME: got {name!r}, expected lower-case letters, digits, - and _, from a letter to a letter or digit:"
            " mynet, say"
        )
    major, minor, *_ = __version__.split(".")
    return {
        "name": name,
        "distribution": f"bridgetune-{canonical}",
        "module": module,
        "hook_api": str(HOOK_API),
        "compatible": f">={major}.{minor},<{major}.{int(minor) + 1}",
    }


def _refuse_taken(name: str, distribution: str, known: Registry) -> None:
    for plugin in known.plugins:
        names = {plugin.name, *plugin.names}
        claimed = {plugin.distribution, *(f"bridgetune-{taken}" for taken in names)}
        if distribution in {re.sub(r"[-_.]+", "-", each).lower() for each in claimed}:
            raise RequestError(f"NAME: {name!r} is taken by {plugin.source}; choose another, or uninstall it")
