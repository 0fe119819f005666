"""The reference has every public name, and every public name says what it is."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import griffe
import pytest

import bridgetune
from bridgetune.config import TuneConfig
from bridgetune.metrics import FUSION_METRICS, METRICS
from bridgetune.terms import TERMS
from tests.support import ROOT

REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.md"))


def _hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_hooks", ROOT / "docs" / "_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOKS = _hooks()

MADE = {page: HOOKS.MADE.findall(page.read_text()) for page in (ROOT / "docs").rglob("*.md")}
"""Of each page, what the site makes, of what, and what stands there for those who read the source."""

MODULES = sorted(name for page in REFERENCE for what, name, _ in MADE[page] if what == "names")


@pytest.fixture(scope="module")
def source() -> griffe.Object:
    """bridgetune as its source reads."""
    loader = griffe.GriffeLoader(search_paths=[ROOT], docstring_parser=griffe.Parser.google)
    loader.load("bridgetune")
    loader.resolve_aliases(implicit=False, external=False)
    return loader.modules_collection["bridgetune"]


def undocumented(found: griffe.Object | griffe.Alias, described: frozenset[str] = frozenset()) -> list[str]:
    """The paths of a name and of its public members that no docstring describes.

    Args:
        found: The name.
        described: What the docstring around it describes.
    """
    lacking = [] if found.has_docstring or found.name in described else [found.path]
    if not found.is_class:
        return lacking
    own = attributes_of(found.docstring)
    members = [member for name, member in found.members.items() if not name.startswith("_") and name != "model_config"]
    return lacking + [path for member in members if not member.is_alias for path in undocumented(member, own)]


def attributes_of(docstring: griffe.Docstring | None) -> frozenset[str]:
    """The names below "Attributes:"."""
    sections = docstring.parse("google", warnings=False) if docstring is not None else []
    lists = [section.value for section in sections if section.kind is griffe.DocstringSectionKind.attributes]
    return frozenset(name.strip() for attributes in lists for each in attributes for name in each.name.split(","))


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_documented(module: str, source: griffe.Object):
    inner = module.removeprefix("bridgetune").removeprefix(".")
    here = source[inner] if inner else source
    names = HOOKS.public_names(module)
    assert names
    assert [path for name in names for path in undocumented(here[name])] == []


def test_a_name_or_a_method_without_a_docstring_is_found(source: griffe.Object):
    code = '''
class Documented:
    """Yes.

    Attributes:
        size: Told here.
    """

    size: int
    width: int

    def method(self): ...

    def _private(self): ...
'''
    module = griffe.visit("made_up", filepath=ROOT / "made_up.py", code=code)
    assert undocumented(module["Documented"]) == ["made_up.Documented.width", "made_up.Documented.method"]


def test_the_reference_has_every_module_of_the_public_face():
    inner = {home for home, names in bridgetune._HOMES.items() if not names}
    assert inner <= set(MODULES)
    assert {"bridgetune", "bridgetune.config", "bridgetune.hookspecs", "bridgetune.errors"} <= set(MODULES)
    assert len(MODULES) == len(set(MODULES))


def test_names_are_those_that_the_module_calls_public():
    assert HOOKS.public_names("bridgetune") == [name for name in bridgetune.__all__ if not name.startswith("_")]
    assert HOOKS.public_names("bridgetune.errors") == ["BridgetuneError", "RequestError", "WorkError"]


def test_tables_come_from_the_code():
    settings = HOOKS.settings_table("bridgetune.config:TuneConfig").splitlines()
    assert [line.split("`")[1] for line in settings[2:]] == list(TuneConfig.model_fields)
    assert all(len(line.split(" | ")[-1].strip(" |")) > 5 for line in settings[2:]), "each says what it is"
    assert all(f"`{name}`" in HOOKS.scores_table("") for name in METRICS)
    assert all(f".{name}\n" in HOOKS.score_functions("") for name in FUSION_METRICS)
    assert all(f"`{name}`" in HOOKS.terms_table("") for name in TERMS)
    assert "| [`plugins new`](#plugins-new) |" in HOOKS.verbs_table("")
    assert "`--mirrored` `--single`" in HOOKS.verbs_in_full("")


def test_files_that_the_documentation_names_are_there():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        path
        for page in pages
        for path in re.findall(r"`((?:bridgetune|examples|benchmarks|tests|docs)/[\w./]+)`", page.read_text())
    }
    assert len(named) > 30
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_links_between_files_lead_to_the_pages_that_they_are():
    assert HOOKS._linked("[a](docs/data.md#x)", "index.md") == "[a](data.md#x)"
    assert HOOKS._linked("[a](../README.md)", "data.md") == "[a](index.md)"
    card = "src/bridgetune_bridgemff/weights/README.md"
    assert HOOKS._linked(f"[a]({card})", "networks/bridgemff.md") == "[a](weights.md)"
    assert HOOKS._linked("[a](https://doi.org/10.1/x)", "index.md") == "[a](https://doi.org/10.1/x)"
    assert HOOKS._linked("[a](missing.md)", "data.md") == "[a](missing.md)", "MkDocs will say so"


def test_what_is_made_must_be_known():
    from mkdocs.exceptions import PluginError

    with pytest.raises(PluginError, match="got 'setting', expected one of settings"):
        HOOKS.MADE.sub(HOOKS._written, "<!-- made: setting bridgetune.config:TuneConfig -->\n<!-- /made -->")


def test_those_who_read_the_source_are_told_where_to_find_what_the_site_makes():
    assert len([one for made in MADE.values() for one in made]) > 20
    for page, made in MADE.items():
        assert page.read_text().count("<!-- made:") == len(made), page
        assert "{{" not in page.read_text(), page
        for _, _, instead in made:
            assert len(instead.split()) > 8, page
            assert all((page.parent / link).exists() for link in re.findall(r"\]\((.+?)\)", instead)), page
