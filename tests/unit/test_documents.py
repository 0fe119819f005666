"""Documents into models: what is wrong with one is said in a line that helps."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

import bridgetune
from bridgetune import RequestError
from bridgetune.documents import (
    LONGEST_SHOWN,
    Document,
    Name,
    checked,
    first_fault,
    modelled,
    near,
    parse_json,
    read_json,
    read_model,
    read_toml,
    unknown,
)


class Lens(BaseModel):
    model_config = ConfigDict(extra="forbid")
    aperture: float

    @field_validator("aperture")
    @classmethod
    def _opens(cls, aperture: float) -> float:
        if aperture <= 0:
            raise ValueError("expected an f-number above 0")
        return aperture


class Camera(BaseModel):
    model_config = ConfigDict(extra="forbid")
    lenses: list[Lens]
    sensor: int = 36


KEYS = {"": ["lenses", "sensor"], "lenses": ["aperture"]}


def fault(content: Any, keys: dict[str, list[str]] | None = None) -> str:
    with pytest.raises(ValidationError) as raised:
        Camera.model_validate(content)
    return first_fault(raised.value, keys)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "lenses is missing"),
        ({"lenses": [{"aperture": 2}, {}]}, "lenses.1.aperture is missing"),
        ({"lenses": [{"aperture": -2}]}, "lenses.0.aperture: expected an f-number above 0"),
        ({"lenses": [], "sensor": "wide"}, "sensor: got 'wide'; input should be a valid integer"),
        ({"lenses": [], "senser": 36}, "senser: no such key; did you mean 'sensor'?"),
        ({"lenses": [{"apertur": 2}]}, "lenses.0.apertur: no such key; did you mean 'aperture'?"),
        ({"lenses": [], "zzz": 1}, "zzz: no such key; expected one of lenses, sensor"),
    ],
)
def test_the_first_fault_is_named_by_its_place(content: Any, said: str):
    assert fault(content, KEYS).startswith(said)


def test_a_mistyped_key_comes_before_the_one_that_is_missing_for_it():
    assert fault({"lense": []}, KEYS) == "lense: no such key; did you mean 'lenses'?"


def test_keys_that_no_person_types_are_not_guessed_at():
    said = fault({"lenses": [], "senser": 36})
    assert said.startswith("senser: got 36; ")
    assert "did you mean" not in said


def test_a_long_value_is_cut():
    said = fault({"lenses": [], "sensor": "x" * 1000})
    assert f"got '{'x' * (LONGEST_SHOWN - 4)}…;" in said


def test_arguments_are_checked_into_a_model_or_refused():
    assert checked(Lens, aperture=2.8) == Lens(aperture=2.8)
    with pytest.raises(RequestError, match=r"^apertur: no such key; did you mean 'aperture'"):
        checked(Lens, apertur=2.8)


def test_the_nearest_is_suggested_and_else_all_are_listed():
    assert near("bridgemf", ["bridgemff", "drpl"]) == "did you mean 'bridgemff'?"
    assert near("xyz", ["bridgemff", "drpl"]) == "expected one of bridgemff, drpl"
    assert unknown("metric", "q_ms", ["q_s", "q_mi"]) == "no such metric; did you mean 'q_s'?"


def test_documents_are_read(tmp_path: Path):
    (tmp_path / "it.json").write_text('{"α": [1, null]}', encoding="utf-8")
    (tmp_path / "it.toml").write_text('[α]\nunit = "µm"\n'.replace("α", '"α"'), encoding="utf-8")
    assert read_json(tmp_path / "it.json", "numbers") == {"α": [1, None]}
    assert read_toml(tmp_path / "it.toml", "units") == {"α": {"unit": "µm"}}


@pytest.mark.parametrize(("read", "kind"), [(read_json, "JSON"), (read_toml, "TOML")])
def test_what_cannot_be_read_is_refused_with_what_was_expected(tmp_path: Path, read: Any, kind: str):
    spoilt, binary = tmp_path / "spoilt", tmp_path / "binary"
    spoilt.write_text("{", encoding="utf-8")
    binary.write_bytes(b"\xff\xfe")
    for path, said in (
        (tmp_path / "none", "no such file, expected a sweep"),
        (tmp_path, "is a folder, expected a sweep"),
        (spoilt, f"not a {kind} file"),
        (binary, f"not a {kind} file"),
    ):
        with pytest.raises(RequestError) as refused:
            read(path, "a sweep")
        assert str(refused.value).startswith(f"{path}: {said}")
        assert "expected a sweep" in str(refused.value)
        assert "\n" not in str(refused.value)


class Sample(Document):
    name: Name
    shares: dict[str, float] = Field(default={})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'{"name": "a", "name": "b"}', "'name' stands there twice"),
        (b'{"a": {"b": 1, "b": 1}}', "'b' stands there twice"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b'{"a": 1e999}', "not finite"),
        (b'{"a": 9223372036854775808}', "more than 64 bits"),
        (b'{"a": %s}' % (b"9" * 5000), "more than 64 bits"),
        (b'{"a": "\\ud800"}', "half a character"),
        (b'{"\\ud800": 1}', "half a character"),
        (b'{"a": "%s"}' % (b"x" * 100_001), "more than 100,000 characters"),
        (b"[" * 40 + b"]" * 40, "more than 32"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "more than 32"),
        (b"[" * 1_000_000, "more than 32"),
        ('{"name": "ä"}'.encode("latin-1"), "not in UTF-8"),
        ('{"name": "ä"}'.encode("utf-16"), "not in UTF-8"),
        (b"\x00", "not a JSON file"),
        (b"", "not a JSON file"),
    ],
)
def test_json_out_of_its_bounds_is_refused(tmp_path: Path, written: bytes, said: str):
    refused(read_json, tmp_path, written, said)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"a.a" + b".a" * 20_000 + b" = 1", "more than 32"),
        (b"[a" + b".a" * 20_000 + b"]", "more than 32"),
        (b"x = {a" + b".a" * 20_000 + b" = 1}", "more than 32"),
        (b"x = " + b"[" * 100_000, "more than 32"),
        (b"x = " + b"[" * 40 + b"]" * 40, "more than 32"),
        (b"x = nan", "not finite"),
        (b"x = -inf", "not finite"),
        (b"x = 9223372036854775808", "more than 64 bits"),
        (b"x = 1\nx = 2", "not a TOML file"),
        (b'x = "\xff"', "not in UTF-8"),
        (b"#" * ((1 << 20) + 1), "more than 1 MiB"),
    ],
)
def test_toml_out_of_its_bounds_is_refused(tmp_path: Path, written: bytes, said: str):
    refused(read_toml, tmp_path, written, said)


def refused(read: Any, folder: Path, written: bytes, said: str) -> None:
    path = folder / "it"
    path.write_bytes(written)
    began = time.perf_counter()
    with pytest.raises(RequestError) as raised:
        read(path, "a sweep")
    assert said in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert time.perf_counter() - began < 5


def test_what_no_document_of_ours_is_as_large_as_is_not_read_whole(tmp_path: Path):
    with (tmp_path / "it").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RequestError, match="more than 64 MiB"):
        read_json(tmp_path / "it", "a sweep")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for read in (read_json, read_toml):
        with pytest.raises(RequestError, match="is a FIFO, expected a sweep"):
            read(tmp_path / "pipe", "a sweep")


def test_the_mark_that_windows_editors_put_in_front_is_no_fault(tmp_path: Path):
    (tmp_path / "it.json").write_text('{"a": 1}', encoding="utf-8-sig")
    (tmp_path / "it.toml").write_text("a = 1", encoding="utf-8-sig")
    assert read_json(tmp_path / "it.json", "") == read_toml(tmp_path / "it.toml", "") == {"a": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "it: holds a list, expected a sample"),
        (None, "it: holds null, expected a sample"),
        ("x", "it: holds a text, expected a sample"),
        (3, "it: holds a number, expected a sample"),
        ({}, "it: name is missing"),
        ({"name": None}, "it: name: got None; "),
        ({"name": 3}, "it: name: got 3; "),
        ({"name": "x" * 201}, "it: name: got 'xxx"),
        ({"name": "x", "shares": []}, "it: shares: got []; "),
        ({"name": "x", "shares": {"a": "1"}}, "it: shares.a: got '1'; "),
        ({"name": "x", "shares": {"a": True}}, "it: shares.a: got True; "),
        ({"name": "x", "colour": "red"}, "it: colour: no such key; upgrade bridgetune"),
        ({"name": 3, "y" * 500: 1}, f"it: {'y' * (LONGEST_SHOWN - 3)}…: no such key"),
    ],
)
def test_nothing_is_converted_into_a_document(content: Any, said: str):
    with pytest.raises(RequestError) as raised:
        modelled(Sample, content, "it", "a sample")
    assert str(raised.value).startswith(said)


def test_a_document_is_read_whole(tmp_path: Path):
    (tmp_path / "it").write_text('{"name": "x", "shares": {"a": 1}}')
    assert read_model(Sample, tmp_path / "it", "a sample") == Sample(name="x", shares={"a": 1.0})


def test_a_newer_format_is_named(tmp_path: Path):
    (tmp_path / "it").write_text('{"format": 3, "unheard-of": 1}')
    with pytest.raises(RequestError, match=r"written in format 3, this bridgetune reads 2.*upgrade"):
        read_model(Sample, tmp_path / "it", "a sample", newest=2)


plain = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False) | st.text()
documents = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(documents)
def test_json_is_read_as_it_was_written_or_refused_for_what_it_holds(content: Any):
    try:
        written = json.dumps(content, allow_nan=False, ensure_ascii=False)
    except ValueError:
        return
    assert parse_json(written) == content


@given(st.text() | st.text(alphabet='[]{}":,0123456789.eE-+ntfuls\\'))
def test_text_that_is_no_json_is_refused_in_no_other_way(text: str):
    with contextlib.suppress(ValueError):
        json.dumps(parse_json(text), allow_nan=False).encode()


READERS = ("load", "loads", "JSONDecoder")


def test_documents_are_read_in_one_place():
    package = Path(bridgetune.__file__).parent
    files = {path for path in package.rglob("*.py") if any(map(reads, ast.walk(ast.parse(path.read_text("utf-8")))))}
    assert files == {package / "documents.py"}


def reads(node: ast.AST) -> bool:
    """Whether it reads JSON or TOML by itself, or imports what does under another name."""
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id in ("json", "tomllib") and node.attr in READERS
    if isinstance(node, ast.Import):
        return any(name.name == "tomllib" or (name.name == "json" and name.asname) for name in node.names)
    return isinstance(node, ast.ImportFrom) and node.module in ("json", "tomllib")
