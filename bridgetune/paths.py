"""What a user gave as a path, asked with care: an answer, or a refusal in one line that shows the path printable.

`Path.exists()` and the like raise whatever the system does of names that are too long, of links in a circle, of
folders that may not be entered, of NUL bytes. What comes from a user or from a file is asked here instead.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Literal

from bridgetune.errors import RequestError

Given = str | os.PathLike[str]
Kind = Literal["nothing", "file", "folder", "special"]
"""What is at a path, links followed: `special` is a FIFO, a device or a socket; a link to nothing is `nothing`."""

LONGEST_SHOWN = 200
"""Characters of a path that a message shows."""

_SPECIAL = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a block device"),
)

_CAUSES = {
    errno.ENAMETOOLONG: "the name is too long; expected at most 255 bytes between two slashes, and some 4,000 in all",
    errno.ELOOP: "symbolic links that lead in a circle; expected a path that leads somewhere",
    errno.EACCES: "no permission; expected a path that this user may read",
    errno.EPERM: "no permission; expected a path that this user may read",
    errno.ESTALE: "its network drive has gone; mount it again",
    errno.EIO: "the drive cannot be read; check it",
}

_STORED = re.compile(r"(s3|gs):/")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def printable(text: str) -> str:
    r"""The text in one line that any terminal shows: controls, odd blanks and bytes that are no UTF-8 as `\x1b`."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def as_text(name: Given) -> str:
    """A name as documents hold it: UTF-8 where its bytes are that, whatever the system says; see `printable`."""
    text = os.fspath(name)
    with contextlib.suppress(UnicodeError):
        text = os.fsencode(text).decode("utf-8")
    return printable(text)


def shown(path: Given) -> str:
    """A path as a message shows it: see `printable`; the middle of a very long one is left out."""
    text = printable(os.fspath(path))
    if len(text) <= LONGEST_SHOWN:
        return text
    half = LONGEST_SHOWN // 2
    return f"{text[:half]}…{text[-half:]}"


def kind_of(path: Given) -> Kind:
    """What is there; see `Kind`.

    Raises:
        RequestError: It cannot be asked: too long a name, links in a circle, no permission, a NUL byte.
    """
    mode = _mode(path)
    if mode is None:
        return "nothing"
    return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "special"


def is_there(path: Given) -> bool:
    """Whether anything is there, links followed; raises as `kind_of`."""
    return kind_of(path) != "nothing"


def is_file(path: Given) -> bool:
    """Whether a regular file is there, links followed; raises as `kind_of`."""
    return kind_of(path) == "file"


def is_folder(path: Given) -> bool:
    """Whether a folder is there, links followed; raises as `kind_of`."""
    return kind_of(path) == "folder"


def special(path: Given) -> str:
    """`a FIFO`, `a socket`, `a device` or `a block device`; empty for anything else. Raises as `kind_of`."""
    mode = _mode(path)
    return "" if mode is None else next((name for test, name in _SPECIAL if test(mode)), "")


def looks_foreign(path: Given) -> bool:
    r"""Whether it is written as Windows has it, `C:\pics\a.png`, on another system."""
    return os.name != "nt" and _WINDOWS.match(os.fspath(path)) is not None


def resolved(path: Given) -> Path:
    """The absolute path without links, whether anything is there or not.

    Raises:
        RequestError: As `kind_of`; or the working folder is gone.
    """
    kind_of(path)
    try:
        return Path(os.path.realpath(path))
    except FileNotFoundError:
        raise RequestError(f"{shown(path)}: the folder that you are in has been deleted; go to another") from None
    except OSError as error:
        raise refusal(path, error) from None


def are_same(first: Given, second: Given) -> bool:
    """Whether two paths mean one place: by its name without links, or by the file itself where both are there."""
    if resolved(first) == resolved(second):
        return True
    try:
        return Path(first).samefile(second)
    except (OSError, ValueError):
        return False


def check_file(path: Given, expected: str = "a file") -> Path:
    """The path, where a regular file is there.

    Args:
        path: As it was given.
        expected: What it should be, for the refusal.

    Raises:
        RequestError: Nothing is there, a folder, a FIFO, a device; or it cannot be asked.
    """
    kind = kind_of(path)
    if kind != "file":
        raise RequestError(f"{shown(path)}: {_found(path, kind, 'file')}, expected {expected}; {_mend(path, kind)}")
    return Path(path)


def check_folder(path: Given, expected: str = "a folder") -> Path:
    """The path, where a folder is there; see `check_file`."""
    kind = kind_of(path)
    if kind != "folder":
        raise RequestError(f"{shown(path)}: {_found(path, kind, 'folder')}, expected {expected}; check the path")
    return Path(path)


def entries(folder: Given, expected: str = "a folder") -> list[Path]:
    """What lies right in a folder, in no order.

    Raises:
        RequestError: As `check_folder`; or it may not be listed.
    """
    path = check_folder(folder, expected)
    try:
        return list(path.iterdir())
    except OSError as error:
        raise refusal(path, error) from None


def open_file(path: Given, expected: str = "a file") -> BinaryIO:
    """A regular file, open to read bytes; what is none is refused at once, where opening it could wait for ever.

    Raises:
        RequestError: As `check_file`; or it may not be read.
    """
    check_file(path, expected)
    try:
        # not to wait where it has become a FIFO in between
        opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        if stat.S_ISREG(os.fstat(opened).st_mode):
            return os.fdopen(opened, "rb")
        os.close(opened)
    except OSError as error:
        raise refusal(path, error) from None
    raise RequestError(f"{shown(path)}: no longer a file, expected {expected}")


def refusal(path: Given, error: OSError) -> RequestError:
    """What the system says of a path, as a refusal in one line, to be raised."""
    cause = _CAUSES.get(error.errno or 0) or printable(error.strerror or str(error))
    return RequestError(f"{shown(path)}: {cause}")


def _mode(path: Given) -> int | None:
    """Its file mode, links followed; None where nothing is there."""
    try:
        return Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise refusal(path, error) from None
    except UnicodeEncodeError:
        encoding = sys.getfilesystemencoding()
        raise RequestError(
            f"{shown(path)}: a name that this system's encoding ({encoding}) does not have; set LC_ALL=C.UTF-8"
        ) from None
    except ValueError:
        raise RequestError(f"{shown(path)}: holds a NUL byte, which no path can") from None


def _found(path: Given, kind: Kind, sought: str) -> str:
    if kind == "special":
        return f"is {special(path)}"
    if kind != "nothing":
        return f"is a {kind}"
    if looks_foreign(path):
        return f"no such {sought} (a Windows path; here it has another, /mnt/c/… in WSL)"
    if Path(path).is_symlink():
        return f"a link to {shown(Path(path).readlink())}, which is not there"
    if _STORED.match(os.fspath(path)) is not None:
        return f"no such {sought} (on an object store, which --ray alone reads, where a verb has it)"
    above = next((parent for parent in Path(path).parents if kind_of(parent) != "nothing"), None)
    if above is not None and kind_of(above) != "folder":
        return f"no such {sought} ({shown(above)} is not a folder)"
    return f"no such {sought}"


def _mend(path: Given, kind: Kind) -> str:
    return "name a file in it" if kind == "folder" else "copy it to a file" if kind == "special" else "check the path"


def _escaped(letter: str) -> str:
    number = ord(letter)
    if 0xDC80 <= number <= 0xDCFF:  # a byte that is no UTF-8, as Python keeps it
        return f"\\x{number - 0xDC00:02x}"
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")
