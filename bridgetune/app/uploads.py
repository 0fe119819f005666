"""Pictures that a browser sends: bounded in size and number, in files whose names are never the sender's."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bridgetune.errors import RequestError
from bridgetune.ordering import natural_order
from bridgetune.paths import shown
from bridgetune.pictures import FRAME_SUFFIXES

if TYPE_CHECKING:
    from starlette.datastructures import UploadFile
    from starlette.requests import Request

MEGA = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What is taken of one who sends.

    Attributes:
        file: Bytes of a picture; one of 24 megapixels and 16 bits, uncompressed, has 144 million.
        files: Pictures.
        whole: Bytes of all of them.
    """

    file: int = 160 * MEGA
    files: int = 300
    whole: int = 4000 * MEGA


@dataclass(frozen=True)
class Upload:
    """A picture that was sent.

    Attributes:
        name: What the sender calls it, without folders, with a number behind it where others are called so; only ever
            shown.
        path: Where it is.
    """

    name: str
    path: Path


async def received(request: Request, folder: Path, limits: Limits) -> list[Upload]:
    """The files of a form's field `pictures`, in the order that people count them in.

    Args:
        request: A form that is sent as multipart/form-data.
        folder: Where they are put.
        limits: See there. What is sent beyond is read to its end and thrown away, so that the sender gets the answer.

    Raises:
        RequestError: No file, too many, too large ones.
    """
    from starlette.exceptions import HTTPException

    bounded = _Bounded(request, limits.whole)
    try:
        form = await bounded.request.form(max_files=limits.files, max_fields=8)
    except _TooMuchError:
        raise RequestError(
            f"pictures: got more than {limits.whole // MEGA} MB in all; send fewer, or use `bridgetune stack`"
        ) from None
    except HTTPException as error:
        await bounded.drain()
        if "Too many files" in str(error.detail):
            raise RequestError(
                f"pictures: got more than {limits.files}; send fewer, or use `bridgetune stack`"
            ) from None
        raise RequestError("pictures: what was sent is no form; reload the page, and choose them again") from None
    try:
        files = [file for file in form.getlist("pictures") if not isinstance(file, str) and file.filename]
        _check(files, limits)
        files.sort(key=lambda file: natural_order(name_of(file.filename)))
        names: list[str] = []
        for file in files:
            names.append(unique(name_of(file.filename), names))
        return [
            _kept(file, name, folder, number) for number, (file, name) in enumerate(zip(files, names, strict=True), 1)
        ]
    finally:
        await form.close()


def name_of(sent: str | None) -> str:
    r"""What a file is called: the last part of a name, whichever system's folders stand before it."""
    return shown(PurePosixPath((sent or "").replace("\\", "/")).name or "picture")


def unique(name: str, taken: Collection[str]) -> str:
    """A name that is not taken: itself, or with a number behind it."""
    others = (f"{name} ({number})" for number in itertools.count(2))
    return next(each for each in itertools.chain([name], others) if each not in taken)


def _check(files: Sequence[UploadFile], limits: Limits) -> None:
    if not files:
        raise RequestError("pictures: got none; choose two of one scene, or a stack")
    for file in files:
        if (file.size or 0) > limits.file:
            raise RequestError(
                f"{name_of(file.filename)}: has {(file.size or 0) / MEGA:.0f} MB, expected at most"
                f" {limits.file // MEGA} MB; use `bridgetune stack`, or start with a larger --upload-mb"
            )


def _kept(file: UploadFile, name: str, folder: Path, number: int) -> Upload:
    suffix = Path(name_of(file.filename)).suffix.lower()
    path = folder / f"sent-{number:04}{suffix if suffix in FRAME_SUFFIXES else ''}"
    with path.open("wb") as kept:
        shutil.copyfileobj(file.file, kept)
    return Upload(name, path)


class _TooMuchError(Exception):
    pass


class _Bounded:
    """A request of which no more than so many bytes are handed on."""

    def __init__(self, request: Request, most: int) -> None:
        from starlette.requests import Request

        self._receive, self._most, self._got = request.receive, most, 0
        self._more = True
        self.request = Request(request.scope, self._next)

    async def drain(self) -> None:
        """Read what is left."""
        while self._more:
            await self._read()

    async def _next(self) -> dict[str, object]:
        message = await self._read()
        if self._got > self._most:
            await self.drain()
            raise _TooMuchError
        return message

    async def _read(self) -> dict[str, object]:
        message = dict(await self._receive())
        body = message.get("body", b"")
        self._got += len(body) if isinstance(body, bytes) else 0
        self._more = message["type"] == "http.request" and bool(message.get("more_body"))
        return message
