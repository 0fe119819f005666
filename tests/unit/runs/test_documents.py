"""The two files of a run: read as they were written, and refused in a line where they are damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridgetune import AdapterConfig, PretrainConfig, RequestError, TuneConfig
from bridgetune.runs.documents import read_decided, read_records


def run_document(**changes: Any) -> dict[str, Any]:
    adapter = AdapterConfig(call="concat").model_dump(mode="json")
    return {
        "stage": "finetune",
        "config": TuneConfig().model_dump(mode="json"),
        "steps": 4,
        "generator": {"origin": {"generator": "drpl"}, "adapter": adapter},
        "pairs": {"training": 3, "validation": 1, "source": "pairs"},
        **changes,
    }


def written(folder: Path, content: Any) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(content))
    return path


def test_what_was_decided_is_read_as_it_was_written(tmp_path: Path):
    document = run_document()
    assert read_decided(written(tmp_path, document), "a run") == document


def test_a_run_is_read_where_what_it_names_is_not_registered(tmp_path: Path):
    named = {"augmentation": "underwater", "term_weights": {"edges": 0.5}}
    config = TuneConfig().model_dump(mode="json") | named
    assert read_decided(written(tmp_path, run_document(config=config)), "a run")["config"] == config


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stage": "finetuned"}, "stage: got 'finetuned'"),
        ({"stage": None}, "stage: got None"),
        ({"config": []}, "config: got []"),
        ({"config": {"batch": "4"}}, "config.batch: got '4'"),
        ({"config": {"batch": -4}}, "config.batch: got -4"),
        ({"config": {"validation_share": "first"}}, "config.validation_share: got 'first'"),
        ({"config": {"unheard_of": 1}}, "config.unheard_of: no such key"),
        ({"config": {"augmentation": 3}}, "config.augmentation: got 3"),
        ({"config": {"term_weights": {"edges": -1}}}, "config.term_weights.edges: got -1"),
        ({"stage": "pretrain"}, "config."),
        ({"steps": 0}, "steps: got 0"),
        ({"steps": True}, "steps: got True"),
        ({"generator": []}, "generator: got []"),
        ({"generator": {"origin": {}, "adapter": {}}}, "generator.origin.generator is missing"),
        ({"generator": {"origin": {"generator": "a"}, "adapter": {"mirrored": "first"}}}, "generator.adapter.mirrored"),
        ({"pairs": {"training": "3", "validation": 1}}, "pairs.training: got '3'"),
        ({"references": {"clear": 1}}, "references: got"),
        ({"versions": {"torch": 2}}, "versions.torch: got 2"),
        ({"unheard_of": 1}, "unheard_of: no such key"),
    ],
)
def test_damage_is_named_by_its_place(tmp_path: Path, changes: dict[str, Any], said: str):
    path = written(tmp_path, run_document(**changes))
    with pytest.raises(RequestError) as refused:
        read_decided(path, "a run")
    assert str(refused.value).startswith(f"{path}: {said}")
    assert len(str(refused.value).splitlines()) == 1


def test_settings_of_either_stage_are_read(tmp_path: Path):
    for stage, config in (("pretrain", PretrainConfig()), ("finetune", TuneConfig(alpha="auto"))):
        read_decided(written(tmp_path, run_document(stage=stage, config=config.model_dump(mode="json"))), "a run")


RECORDS = [{"step": 0, "map_error": 0.5, "homogeneous_error": None}, {"step": 1, "steps": 4, "focal": 0.25}]
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)


@pytest.mark.parametrize("cut", ["", '{"st', '{"step": 2, "focal": 1e', '{"step": 2, "µ'.encode()[:-1]])
def test_a_last_line_without_an_end_is_passed_over(tmp_path: Path, cut: str | bytes):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(LINES.encode() + (cut if isinstance(cut, bytes) else cut.encode()))
    assert read_records(path) == (RECORDS, int(bool(cut)))


def test_a_last_line_that_is_whole_but_for_its_end_counts(tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_text(LINES.rstrip("\n"))
    assert read_records(tmp_path / "metrics.jsonl") == (RECORDS, 0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"st', "not JSON"),
        (b"", "not JSON"),
        (b'{"focal": 0.5}', "step is missing"),
        (b'{"step": -1}', "step: got -1"),
        (b'{"step": "2"}', "step: got '2'"),
        (b'{"step": true}', "step: got True"),
        (b'{"step": 2, "focal": "0.5"}', "focal: got '0.5'"),
        (b'{"step": 2, "focal": NaN}', "not JSON (NaN is no number of JSON's)"),
        (b'{"step": 2, "step": 3}', "not JSON ('step' stands there twice)"),
        (b'{"step": 2, "focal": {}}', "focal: got {}"),
        (b"[2]", "holds a list"),
        (b'{"step": 2, "\xff": 1}', "half a character"),
        (b"\x00" * 8, "not JSON"),
        (b'{"step": 2, "focal": %s1}' % (b" " * (1 << 20)), "not JSON"),
    ],
)
def test_a_line_that_has_an_end_and_is_no_record_is_damage(tmp_path: Path, line: bytes, said: str):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(LINES.encode() + line + b"\n" + LINES.encode())
    with pytest.raises(RequestError) as refused:
        read_records(path)
    assert str(refused.value).startswith(f"{path}: line 3: ")
    assert said in str(refused.value)


def test_what_is_another_document_is_not_said_to_be_a_newer_run(tmp_path: Path):
    with pytest.raises(RequestError, match="says nothing of a stage and its steps, expected a run"):
        read_decided(written(tmp_path, {"format": 1, "adapter": {}}), "a run")
