"""What lies in a folder, to be compared with what lies there afterwards."""

from __future__ import annotations

import stat
from pathlib import Path


def tree(folder: Path) -> dict[str, tuple[int, int, bytes | str]]:
    """Every name below it -> its kind, its inode, and its content or what it is a link to."""
    found: dict[str, tuple[int, int, bytes | str]] = {}
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        regular = stat.S_ISREG(facts.st_mode)
        content = path.read_bytes() if regular else str(path.readlink()) if path.is_symlink() else ""
        found[str(path.relative_to(folder))] = stat.S_IFMT(facts.st_mode), facts.st_ino, content
    return found
