"""Whatever goes wrong with a file, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten

from bridgetune.errors import RequestError
from bridgetune.paths import printable, shown
from bridgetune.pictures._samples import UnsupportedError

_LONGEST = 200
"""Characters of a decoder's complaint that are shown."""


@contextmanager
def in_one_line(path: Path) -> Iterator[None]:
    """Around the reading of a file.

    Raises:
        RequestError: For whatever is raised within, with the file's name.
    """
    try:
        yield
    except RequestError:
        raise
    except UnsupportedError as error:
        raise RequestError(f"{shown(path)}: {error}") from error
    except Exception as error:  # decoders raise what they like, down to SyntaxError and struct.error
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        cause = shorten(printable(" ".join(cause.split())), _LONGEST) or type(error).__name__
        raise RequestError(
            f"{shown(path)}: cannot be read ({cause}), expected a whole image file; fetch it again or save it as PNG"
        ) from error
