"""What lies in a file's place is told by its first bytes."""

import pytest

from bridgetune.contents import mistaken


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML><title>404</title>", "an HTML page"),
        (b"<html lang=en>", "an HTML page"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (bytes(257) + b"ustar\0", "a tar archive"),
    ],
)
def test_what_was_fetched_or_packed_instead_is_named(head: bytes, what: str):
    assert mistaken(head).startswith(what)


@pytest.mark.parametrize("head", [b"", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"plain text about <html>"])
def test_nothing_is_said_of_anything_else(head: bytes):
    assert mistaken(head) == ""
