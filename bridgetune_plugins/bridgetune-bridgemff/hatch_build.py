"""Compiles the native part into the wheel, or leaves it out and says why: no compiler is ever required."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = Path("bridgetune_bridgemff", "native")
LIBRARY = f"_native{sysconfig.get_config_var('SHLIB_SUFFIX') or '.so'}"
LEFT_OUT = "_native.left_out.txt"

FLAGS = (
    *("-std=gnu11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-Wno-psabi"),
    *("-fno-math-errno", "-fno-trapping-math"),  # neither changes a result
)
ATTEMPTS = (("-fopenmp",), (), ("-DONE_PROCESSOR",))
"""The best first: with threads and for each processor; for compilers without OpenMP; for those without clones."""


class Native(BuildHookInterface):
    """Runs for wheels; a source distribution carries the C files alone."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        sources = Path(self.root, "src") / PACKAGE
        # An editable installation looks for it beside the sources; for any other they are left as they are.
        place = sources if version == "editable" else Path(tempfile.mkdtemp())
        self._to_remove = None if version == "editable" else place
        for stale in (LIBRARY, LEFT_OUT):
            (place / stale).unlink(missing_ok=True)
        problem = _compile(sorted(sources.glob("*.c")), place / LIBRARY)
        if problem:
            said = f"its native part was left out when this plugin was installed: {problem}"
            (place / LEFT_OUT).write_text(f"{said}\n", encoding="utf-8")
            self.app.display_warning(f"{said}; everything works without it, slower")
        else:
            build_data["pure_python"] = False
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{platform}"  # plain C, called through ctypes: any Python's
        made = LEFT_OUT if problem else LIBRARY
        build_data["force_include"][str(place / made)] = str(PACKAGE / made)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self.target_name == "wheel" and self._to_remove is not None:
            shutil.rmtree(self._to_remove)


def _compile(sources: list[Path], library: Path) -> str:
    """Compile and load the library; returns why that did not work, in a line."""
    if os.environ.get("BRIDGETUNE_NATIVE") == "0":
        return "the wheel was built for every kind of machine"
    compiler = shlex.split(os.environ.get("CC", "")) or next(
        ([found] for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), []
    )
    if not compiler:
        return "no C compiler was found (install gcc or clang, then install this plugin again)"
    partial = library.with_suffix(f".{os.getpid()}.partial")
    problem = ""
    try:
        for attempt in ATTEMPTS:
            command = [*compiler, *FLAGS, *attempt, *map(str, sources), "-o", str(partial)]
            try:
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
                ctypes.CDLL(str(partial)).bridgetune_abi()
            except (subprocess.SubprocessError, OSError) as error:
                said = getattr(error, "stderr", None) or str(error)
                problem = problem or f"{compiler[0]} failed ({' '.join(said.split())[:200]})"
                continue
            partial.replace(library)
            return ""
    finally:
        partial.unlink(missing_ok=True)
    return problem
