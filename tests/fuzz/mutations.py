"""Bytes made wrong: cut off, flipped, overwritten, doubled, exchanged."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

EXTREMES = [
    struct.pack(order + kind, value)
    for order in "<>"
    for kind, values in (("I", (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)), ("H", (0, 0x7FFF, 0xFFFF)))
    for value in values
]


@st.composite
def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    """Some bytes with one to four faults; its head is hit as often as all of the rest."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        size = len(changed)
        if not size:
            break
        place = draw(st.integers(0, min(size - 1, 64)) | st.integers(0, size - 1))
        how = draw(st.sampled_from(("cut", "flip", "flip", "extreme", "extreme", "zeros", "twice", "gone")))
        run = draw(st.integers(1, 64))
        if how == "cut":
            del changed[draw(st.sampled_from((place, size - 1, size // 2))) :]
        elif how == "flip":
            changed[place] ^= 1 << draw(st.integers(0, 7))
        elif how == "extreme":
            value = draw(st.sampled_from(EXTREMES))
            changed[place : place + len(value)] = value
        elif how == "zeros":
            changed[place : place + run] = bytes(run)
        elif how == "twice":
            changed[place:place] = changed[place : place + run]
        else:
            del changed[place : place + run]
    return bytes(changed)
