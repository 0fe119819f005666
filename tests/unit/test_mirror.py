"""The tests of a module are where one looks for them: those of bridgetune/ROOM/MODULE.py in ROOM/test_MODULE.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import ROOT

SOURCE, UNIT = ROOT / "bridgetune", ROOT / "tests" / "unit"

ACROSS = {"test_documentation.py", "test_layers.py", "test_mirror.py"}
"""What stands for the whole package."""

TESTS = sorted({path.relative_to(UNIT) for path in UNIT.rglob("test_*.py")} - set(map(Path, ACROSS)))


def stands_for(test: Path) -> list[Path]:
    """The modules or rooms that a test may be named for; a room's own is named as the room is."""
    room, module = SOURCE / test.parent, test.stem.removeprefix("test_")
    named = [room / f"{module}.py", room / f"_{module}.py", room / module / "__init__.py"]
    return [*named, room / "__init__.py"] if module == room.name else named


@pytest.mark.parametrize("test", TESTS, ids=str)
def test_every_test_stands_for_a_module_or_a_room(test: Path):
    assert any(source.is_file() for source in stands_for(test)), f"no module or room of bridgetune is {test}'s"


def test_the_exceptions_are_there_and_are_exceptions():
    assert all((UNIT / name).is_file() for name in ACROSS)
    assert not any(source.is_file() for name in ACROSS for source in stands_for(Path(name)))
