"""Documents into models: what is wrong with one is said in a line that helps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from bridgetune import RequestError
from bridgetune.documents import LONGEST_SHOWN, checked, first_fault, near, read_json, read_toml, unknown


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
        (tmp_path / "none", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (spoilt, f"not a {kind} file"),
        (binary, f"not a {kind} file"),
    ):
        with pytest.raises(RequestError) as refused:
            read(path, "a sweep")
        assert str(refused.value).startswith(f"{path}: {said}")
        assert str(refused.value).endswith("; expected a sweep")
        assert "\n" not in str(refused.value)
