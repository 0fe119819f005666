"""The shared folder's small networks, each of which shows one thing that was once done wrong."""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

NAMES = (
    "image_with_one_odd_channel",
    "list_of_images",
    "map_and_image_stacked",
    "map_of_each_image",
    "one_image_only",
    "one_side_only",
    "phase_word_wrong_branch",
    "same_map_many_outputs",
    "second_task_untouched",
    "shared_module",
    "stores_in_forward",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_shared_network_is_answered_as_its_head_expects(
    name: str, shared: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = shared(f"cases/networks/{name}.py")
    shared("data/duts/val/image")
    (tmp_path / "shared").symlink_to(file.parents[2])
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    ended: object = None
    try:
        runpy.run_path(os.fspath(file))
    except SystemExit as end:
        ended = end.code
    assert not ended
