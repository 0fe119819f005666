"""The version stands in one place, and what tells of the project agrees with it."""

from __future__ import annotations

import re
import tomllib

import yaml

import bridgetune
from bridgetune._version import __version__
from tests.support import ROOT


def test_the_version_is_written_down_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert bridgetune.__version__ is __version__
    written = rf"""^(__version__|version)\b.*["']{re.escape(__version__)}["']"""
    files = [*(ROOT / "bridgetune").rglob("*.py"), ROOT / "pyproject.toml", ROOT / "CITATION.cff"]
    found = [path.name for path in files if re.search(written, path.read_text(encoding="utf-8"), re.MULTILINE)]
    assert found == ["_version.py"]


def test_the_changelog_has_what_is_released_and_what_is_to_come():
    heads = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heads[0] in ("Unreleased", __version__)
    assert __version__ in heads


def test_files_for_other_programs_are_such_files():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {hook["id"] for repo in hooks["repos"] for hook in repo["hooks"]} >= {"ruff", "ruff-format", "import-linter"}
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    commands = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert "bash .ci/run" in commands
    for form in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        assert yaml.safe_load(form.read_text(encoding="utf-8"))
