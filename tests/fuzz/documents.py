"""Documents made wrong: a generator's, a run's, an evaluation's, a sweep's, a checkpoint's, and weights."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.example import EARLIER, FUSING, SWEEP
from tests.fuzz.harness import EXECUTED, Case
from tests.fuzz.mutations import mutated

DEEP = "[" * 100_000

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, -(10**30), 1e308, -0.0, 1e-320, float("nan"), float("inf"), "",
    "x", "\x1b[31m", "\u202e", "a\nb", "../../x", "/etc/passwd", "os:abort", "sys:exit", "evil:run", "[bold]",
    "x" * 100_000,
    [], {}, [[]], {"": None}, [1] * 10_000, {"a": {"b": {}}}, "auto", ["a", "b"], [float("nan")], "\ud800",
)  # fmt: skip

OPENING = ("inspect", "generator")
FUSE = ("fuse", "pairs/A/0.png", "pairs/B/0.png", "-o", "new.png", "--generator", "generator")
REPORT = ("report", "run")
COMPARE = ("compare", "scores/one.json", "scores/two.json", "--out", "new")
SWEEPING = ("compare", "--sweep", "sweep.toml", "--out", "new")
RESUME = (
    "finetune", "--generator", "generator", "--images", "pictures/images", "--masks", "pictures/masks",
    "--clear", "pictures/clear", "--blurred", "pictures/blurred", "--size", "32", "--fit", "crop", "--batch", "2",
    "--steps", "4", "--average", "0.9", "--checkpoint-every", "2", "--validate-every", "2", "--device", "cpu",
    "--workers", "0", "--alpha", "auto", "--out", "run", "--resume",
)  # fmt: skip

SCORES = EARLIER / "sweep/runs/drpl/seed-0/supervised/evaluations/held-out.json"
STEP = "checkpoints/step-00000002"

JSON = {
    "generator/config.json": (EARLIER / "generator/config.json", (OPENING, FUSE)),
    "run/config.json": (EARLIER / "finetune/config.json", (REPORT, RESUME)),
    f"run/{STEP}/checkpoint.json": (EARLIER / "finetune" / STEP / "checkpoint.json", (RESUME, REPORT)),
    "scores/one.json": (SCORES, (COMPARE,)),
}
"""Where a document lies in the example -> one that is right, and the commands that read it."""

BINARY = {
    "generator/model.safetensors": (EARLIER / "generator/model.safetensors", (OPENING, FUSE)),
    "run/metrics.jsonl": (EARLIER / "finetune/metrics.jsonl", (REPORT, RESUME)),
    f"run/{STEP}/model.safetensors": (EARLIER / "finetune" / STEP / "model.safetensors", (RESUME,)),
    f"run/{STEP}/state.pt": (EARLIER / "finetune" / STEP / "state.pt", (RESUME,)),
    f"run/{STEP}/optimizer.bin": (EARLIER / "finetune" / STEP / "optimizer.bin", (RESUME,)),
    f"run/{STEP}/random_states_0.pkl": (EARLIER / "finetune" / STEP / "random_states_0.pkl", (RESUME,)),
}


EVIL = {place: f"open({EXECUTED!r}, 'w').close()\n".encode() for place in ("evil.py", "generator/evil.py")}
"""A module that a document may name, which is not to be imported."""


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {EXECUTED}",)


def bomb() -> bytes:
    """A pickle that writes `EXECUTED` where it is loaded."""
    file = io.BytesIO()
    pickle.dump({"state_dict": _Bomb()}, file)
    return file.getvalue()


@st.composite
def damaged(draw: st.DrawFn, document: Any) -> Any:
    """A document with one to three values exchanged, removed or added."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        place, key = document, None
        for _ in range(draw(st.integers(1, 5))):
            if isinstance(place, dict) and place:
                parent, key = place, draw(st.sampled_from(sorted(place)))
            elif isinstance(place, list) and place:
                parent, key = place, draw(st.integers(0, len(place) - 1))
            else:
                break
            place = parent[key]
        if key is None:
            break
        how = draw(st.sampled_from(("value", "value", "value", "gone", "more")))
        if how == "value":
            parent[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
        elif how == "gone":
            del parent[key]
        elif isinstance(parent, dict):
            name = draw(st.sampled_from(("more", "", "__class__", "\x1b[31m", "x" * 1000)))
            parent[name] = copy.deepcopy(draw(st.sampled_from(VALUES)))  # which the next change may reach into
        else:
            parent.extend(parent[:1] * 3)
    return document


@st.composite
def json_case(draw: st.DrawFn) -> Case:
    """A JSON document with wrong values, or of wrong bytes."""
    name = draw(st.sampled_from(sorted(JSON)))
    path, commands = JSON[name]
    content = path.read_bytes()
    how = draw(st.sampled_from(("values", "values", "values", "bytes", "whole")))
    if how == "values":
        content = json.dumps(draw(damaged(json.loads(content)))).encode("utf-8", "surrogatepass")
    elif how == "bytes":
        content = draw(mutated(content))
    else:
        wholes = (
            b"",
            b"null",
            b"[]",
            b"{}",
            b"1",
            DEEP.encode(),
            b"\xff\xfe{}",
            b"\xef\xbb\xbf{}",
            bytes(1000),
            b'"x"',
        )
        content = draw(st.sampled_from(wholes))
    return Case(draw(st.sampled_from(commands)), {name: content, **EVIL}, within=10.0)


TOML_VALUES = (
    "nan", "inf", "-1", "0", "1e300", "99999999999999999999999999", '"x"', '""', "true", "[]", "{}", "1979-05-27",
    "[[1]]", '"os:abort"', '"evil:run"', '"\\u202e"', "9" * 3000, "[" * 2000, '"""', "[1, 1]", "0x", "4294967296",
    "1e23",
    '"../x"',
)  # fmt: skip


@st.composite
def toml_case(draw: st.DrawFn) -> Case:
    """A sweep with wrong values, lines gone or doubled, or of wrong bytes."""
    lines = SWEEP.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(("value", "value", "value", "gone", "twice", "key")))
        name, equals, _ = lines[place].partition(" = ")
        if how == "value" and equals:
            lines[place] = f"{name} = {draw(st.sampled_from(TOML_VALUES))}"
        elif how == "twice":
            lines.insert(place, lines[place])
        elif how == "key":
            lines.insert(place, f"{draw(st.sampled_from(('more', 'seed', 'size', 'workers', 'generator')))} = 1")
        elif len(lines) > 1:
            del lines[place]
    content = "\n".join(lines).encode()
    if draw(st.integers(0, 9)) == 0:
        content = draw(mutated(content))
    return Case(SWEEPING, {"sweep.toml": content, **EVIL})


@st.composite
def binary_case(draw: st.DrawFn) -> Case:
    """Weights, records or a checkpoint with wrong bytes, or a pickle with code in their place."""
    name = draw(st.sampled_from(sorted(BINARY)))
    path, commands = BINARY[name]
    content = bomb() if draw(st.integers(0, 4)) == 0 else draw(mutated(path.read_bytes()))
    return Case(draw(st.sampled_from(commands)), {name: content}, within=10.0)


@st.composite
def weights_case(draw: st.DrawFn) -> Case:
    """What `--weights` is given that is no checkpoint, or is one with faults."""
    wholes = (
        bomb(),
        b"",
        b"<html></html>",
        b"version https://git-lfs.github.com/spec/v1\n",
        b"PK\x03\x04",
        bytes(4096),
    )
    right = EARLIER / "finetune" / STEP
    faulty = draw(st.sampled_from((right / "state.pt", right / "model.safetensors")))
    content = draw(st.sampled_from(wholes)) if draw(st.booleans()) else draw(mutated(faulty.read_bytes()))
    name = draw(st.sampled_from(("w.pt", "w.safetensors", "w.pth", "w.ckpt", "w")))
    generator = draw(st.sampled_from(("drpl", FUSING)))
    return Case((*FUSE[:-1], generator, "--weights", name), {name: content}, within=10.0)


def cases() -> st.SearchStrategy[Case]:
    """Of every kind of document."""
    return st.one_of(json_case(), json_case(), toml_case(), binary_case(), weights_case())
