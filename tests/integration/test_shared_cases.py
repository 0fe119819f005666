"""The shared cases, files and command lines that bridgetune once answered wrongly: each is refused in a line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fuzz.command_lines import LONG, RIGHT, VERBS
from tests.fuzz.documents import COMPARE, FUSE, OPENING, RESUME, STEP, SWEEPING
from tests.fuzz.example import EARLIER, FUSING, SWEEP
from tests.fuzz.harness import Bench, Case, fault
from tests.support.commands import BRIDGETUNE

Shared = Callable[[str], Path]

RUN_AGAIN = (
    *("pretrain", "--generator", "drpl", "--option", "width=4", "--option", "blocks=1", *RIGHT["pretrain"][2:6]),
    *("--steps", "12", "--batch", "2", "--size", "48", "--checkpoint-every", "3", "--validate-every", "6"),
    *("--device", "cpu", "--out", "old", "--resume"),
)

FILES: dict[str, tuple[dict[str, str], tuple[str, ...], str]] = {
    "config of a list": (
        {"generator/config.json": "p2-config-00/config.json"},
        OPENING,
        r"generator/config\.json: origin\.options: got '\\x1b\[31m'; input should be an object",
    ),
    "config with a key": (
        {"generator/config.json": "p2-config-03/config.json"},
        FUSE,
        r"generator/config\.json: origin\.__class__: no such key",
    ),
    "evaluation": ({"scores/two.json": "p2-eval-00/2.json"}, COMPARE, r"scores/two\.json: not a JSON file \(more than"),
    "sweep": ({"sweep.toml": "p2-toml-14/s.toml"}, SWEEPING, r"sweep\.toml: not a TOML file \(more than 32 tables"),
    "weights": (
        {"w.pth": "p2-weights-11/intkey.pth"},
        (*FUSE[:-1], "drpl", "--weights", "w.pth"),
        r"w\.pth: has the key 1, a int, where the name of a tensor should be",
    ),
    "checkpoint": (
        {f"run/{STEP}/checkpoint.json": "p2b-manifest-32/checkpoint.json"},
        RESUME,
        r"step-00000002: not readable .*; no checkpoint before it can be read",
    ),
    "run to report": (
        {f"old/{name}": f"p2b-report-08/{name}" for name in ("config.json", "metrics.jsonl")},
        ("report", "old"),
        r"old/config\.json: not a JSON file \(Infinity is no number of JSON's\)",
    ),
    "run to go on": (
        {f"old/{name}": f"p2b-resume-04/{name}" for name in ("config.json", "metrics.jsonl")},
        RUN_AGAIN,
        r"old/config\.json: not a JSON file \(Invalid control character",
    ),
    **{
        name: (
            {name: name},
            ("fuse", name, name, "-o", "new.png", "--generator", FUSING),
            rf"{re.escape(name)}: {said}",
        )
        for name, said in {
            "bomb.jpg": "cannot be read .*more than 549 bytes can hold",
            "bomb.png": "cannot be read .*more than 17 bytes can hold",
            "eps_as_png.png": "PostScript, expected",
            "ifd_cycle.tif": "cannot be read .*return to one another",
            "stderr_noise.tif": "cannot be read .*tag 278 has",
            "truncated_pil_accepted.tif": "cannot be read .*beyond its end",
            "zero_height.tif": "cannot be read .*declares no pixels",
        }.items()
    },
}
"""A file or folder of `cases/files` -> where it lies in the example, the command that reads it, and what is said."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("bench"))
    yield made
    made.close()


def refusal(bench: Bench, case: Case) -> str:
    """The line of a case that is answered as it should be, with nothing written."""
    answer = bench.run(case)
    assert fault(case, answer) is None, (case.arguments, fault(case, answer))
    assert answer.code == 2, (case.arguments, answer)
    return answer.stderr


def test_every_file_is_a_case(shared: Shared):
    there = {path.name for path in shared("cases/files").iterdir()}
    assert there == {source.partition("/")[0] for files, _, _ in FILES.values() for source in files.values()}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_refused_in_a_line(shared: Shared, bench: Bench, name: str):
    files, arguments, said = FILES[name]
    content = {place: shared(f"cases/files/{source}").read_bytes() for place, source in files.items()}
    assert re.search(said, refusal(bench, Case(arguments, content)))


def asked(verb: str, **given: str) -> tuple[str, ...]:
    """A command line that could be carried out, but for some options: `new_name` is `--new-name`."""
    right = list(RIGHT[verb])
    for name, value in given.items():
        flag = f"--{name.replace('_', '-')}"
        short = {"--out": "-o"}.get(flag, flag)
        for typed in {flag, short} & set(right):
            del right[right.index(typed) : right.index(typed) + 2]
        right += [flag, value]
    return (*verb.split(), *right)


def having(flag: str, value: str) -> list[tuple[str, ...]]:
    """A command line of every verb that has an option."""
    found = [verb for verb in RIGHT if any(option.flag == flag for option in VERBS[verb])]
    return [asked(verb, **{flag.strip("-").replace("-", "_"): value}) for verb in found]


def long_ones() -> list[tuple[str, ...]]:
    """A path of 300 characters for every verb and option that takes a path."""
    flagged = {option.flag for options in VERBS.values() for option in options if option.kind in ("path", "place")}
    return [
        *(line for flag in sorted(flagged - {""}) for line in having(flag, LONG)),
        *((verb, LONG, *RIGHT[verb][1:]) for verb in ("fuse", "report", "compare", "export", "inspect")),
        *(("fuse", "--pairs", LONG, "-o", "new"), ("compare", "--sweep", LONG, "--out", "new")),
    ]


NO_UTF8 = "evaluate --sources <non-UTF-8 folder> | --method <non-UTF-8>"

REAL = {
    "real.toml": re.sub(r'(\w+) = "missing"', r'\1 = "pictures/\1"', SWEEP)
    .replace("pictures/sources", "pairs")
    .encode()
}
"""A sweep of what is there."""

NOWHERE = "/proc/no"
"""Where nobody may write, root neither."""

LINES: dict[str, tuple[list[tuple[str, ...]], str]] = {
    "fuse A B -o o.png --map xxx(300).png|loop|m.xyz|ro/m.png": (
        [asked("fuse", map=place) for place in (f"{LONG}.png", "odd/loop.png", "m.xyz", f"{NOWHERE}/m.png")],
        r"too long|circle|expected|written to",
    ),
    "evaluate ... --out e.json --csv ro/o": ([asked("evaluate", out="e.json", csv=f"{NOWHERE}/o.csv")], "/proc"),
    "evaluate ... --out ro/o | noread/o": ([asked("evaluate", out=f"{NOWHERE}/o.json")], "/proc"),
    "any path of 300 characters (19 verbs/options)": (long_ones(), "nnn|expected|; "),
    "-o noread/o.png, --map loop, plugins new -o loop, compare --sweep --out file/x | /proc/x": (
        [
            asked("fuse", out=f"{NOWHERE}/o.png"),
            asked("fuse", map="odd/loop.png"),
            asked("plugins new", out="odd/loop.png"),
            *(("compare", "--sweep", "real.toml", "--out", out) for out in ("sweep.toml/x", "/proc/x")),
        ],
        r"o\.png|loop|sweep\.toml/x|/proc/x",
    ),
    "--seed 4294967296 | 18446744073709551616": (
        [*having("--seed", str(2**32)), *having("--seed", str(2**64))],
        r"--seed",
    ),
    "--size 99999999999999999999999": (
        [*having("--size", "9" * 23), asked("panels", width="99999999")],
        r"--size|--width",
    ),
    "--batch|--steps|--epochs|--workers 1e23 as integer, --cache -1 accepted": (
        [
            *(line for flag in ("--batch", "--steps", "--epochs", "--workers") for line in having(flag, str(10**23))),
            *having("--cache", "-1"),
        ],
        r"--(batch|steps|epochs|workers|cache)",
    ),
    "--generator sys:exit": (
        [
            *(asked(verb, generator="sys:exit") for verb in ("fuse", "pretrain", "finetune", "panels")),
            ("evaluate", "--sources", "pairs", "--generator", "sys:exit"),
            ("export", "sys:exit", *RIGHT["export"][1:]),
            ("inspect", "sys:exit"),
        ],
        r"sys:exit: builds nothing when called without arguments \(SystemExit: no message\)",
    ),
    NO_UTF8: (
        [asked("evaluate", sources=os.fsdecode(b"n\xff")), asked("evaluate", fused=os.fsdecode(b"n\xff"))],
        r"n\\xff: no such folder",
    ),
}
"""How a line of `cli_wrong.txt` begins -> the command lines that it stands for, and what is said to each."""


def test_every_line_is_a_case(shared: Shared):
    said = shared("cases/commands/cli_wrong.txt").read_text(encoding="utf-8")
    begun = [re.split(r"  +", line)[0] for line in said.splitlines()]
    assert len(begun) == len(LINES)
    for line, known in zip(begun, LINES, strict=True):
        assert line.startswith(known)


@pytest.mark.parametrize("line", LINES)
def test_a_wrong_command_line_is_refused_in_a_line(shared: Shared, bench: Bench, line: str):
    shared("cases/commands/cli_wrong.txt")
    lines, said = LINES[line]
    assert lines
    for arguments in lines:
        files = REAL if "real.toml" in arguments else {}
        assert re.search(said, refusal(bench, Case(arguments, files, wrong=True))), arguments


def test_names_that_are_no_utf8_are_measured(shared: Shared, bench: Bench):
    assert NO_UTF8 in shared("cases/commands/cli_wrong.txt").read_text(encoding="utf-8")
    folder = os.fsdecode(b"n\xff")
    pair = {f"{folder}/{side}/0.png": (EARLIER / "pictures/clear/0.png").read_bytes() for side in ("A", "B")}
    case = Case(asked("evaluate", sources=folder, method=os.fsdecode(b"m\xff"), out="new.json"), pair)
    answer = bench.run(case)
    assert fault(case, answer) is None
    assert (answer.kind, answer.changes) == ("done", ("new.json",))
    assert r"m\xff on n\xff" in answer.stdout


def test_nor_does_a_terminal_without_utf8_change_that(shared: Shared, tmp_path: Path):
    assert "LC_ALL=C PYTHONUTF8=0" in shared("cases/commands/cli_wrong.txt").read_text(encoding="utf-8")
    for side in ("A", "B", "fused"):
        (tmp_path / os.fsdecode(b"n\xff") / side).mkdir(parents=True)
        shutil.copy2(EARLIER / "pictures/clear/0.png", tmp_path / os.fsdecode(b"n\xff") / side / "0.png")
    given = ("--sources", b"n\xff", "--fused", b"n\xff/fused", "--workers", "1", "--method", "ü".encode())
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    finished = subprocess.run([*BRIDGETUNE, "evaluate", *given], cwd=tmp_path, env=plain, capture_output=True)
    assert (finished.returncode, finished.stderr) == (0, b"")
    assert rb"on n\xff, 1 image" in finished.stdout
