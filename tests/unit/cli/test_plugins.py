"""The list of plugins."""

from __future__ import annotations

import pytest

from bridgetune.cli import plugins
from bridgetune.plugins import Registry


def test_where_there_are_none_it_says_how_one_is_installed_from_a_clone_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(plugins, "registry", lambda: Registry(()))
    plugins.list_plugins()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("No plugins. Install one: `pip install bridgetune-bridgemff`")
    assert line.endswith("`pip install -e bridgetune_plugins/bridgetune-bridgemff`")
