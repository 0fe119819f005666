"""What a file is that is not what it was taken for: known by its first bytes, and named in a refusal."""

from __future__ import annotations

_STARTS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; fetch it with `git lfs pull`"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
)

_PAGE = (b"<!doctype html", b"<html", b"<head", b"<body")


def mistaken(head: bytes) -> str:
    """What is fetched, saved or packed in a file's place, in a few words; empty for anything else.

    Args:
        head: Its first bytes, some hundreds.
    """
    for start, what in _STARTS:
        if head.startswith(start):
            return what
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it first"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGE):
        return "an HTML page, not the file behind the link; download it again"
    return ""
