"""Wrong command lines, made of what the command line itself says that it takes.

The verbs, options and their types are read from the app: an option that is added is given wrong values at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import typer.main
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bridgetune.cli.app import app
from tests.fuzz.example import FUSING
from tests.fuzz.harness import Case

NETWORK = ("--generator", "generator")
PAIRS = ("--images", "pictures/images", "--masks", "pictures/masks")
RUN = ("--steps", "1", "--batch", "2", "--size", "32", "--device", "cpu", "--workers", "0")

RIGHT: dict[str, tuple[str, ...]] = {
    "fuse": ("pairs/A/0.png", "pairs/B/0.png", "-o", "new.png", "--generator", FUSING),
    "stack": ("frames", "-o", "new.png"),
    "pretrain": (*NETWORK, *PAIRS, *RUN, "--out", "new"),
    "finetune": (*NETWORK, *PAIRS, *RUN, "--clear", "pictures/clear", "--blurred", "pictures/blurred", "--out", "new"),
    "report": ("run",),
    "evaluate": ("--sources", "pairs", "--fused", "pairs/fused", "--workers", "1"),
    "compare": ("scores/one.json", "scores/two.json", "--out", "new"),
    "panels": ("--sources", "pairs", "--out", "new.png", *NETWORK),
    "export": ("generator", "--out", "new.pt2", "--format", "torch", "--size", "32x32"),
    "inspect": ("generator",),
    "data make": ("--images", "pictures/images", "--masks", "pictures/masks", "--out", "new", "--size", "32"),
    "plugins new": ("mine", "--out", "new"),
}
"""A command line of each verb that could be carried out; of another verb, nothing."""

NUMBERS = (
    "nan", "-nan", "inf", "-inf", "1e400", "-1e400", "1e300", "-1e300", "1e23", str(10**30), str(-(10**30)),
    str(2**64), "-9", "-1e9", "99999999999", "9" * 5000, "x", "", " ", "0x10", "1,5", "1/0", "--", "½", "1e",
    "\u202e1",
)  # fmt: skip
"""No number of the command line may be one of them."""

FLAGGED = ("--no-such-option", "--no-such=1", "-Z", "--out-out")

LONG = "n" * 300

MISSING = (
    "missing", "missing/x.png", LONG, f"{LONG}.png", "odd/loop.png", "odd/loop.png/x", "generator/config.json/below",
    "C:\\pictures\\a.png", "", os.fsdecode(b"missing\xff"), "\n", "a\nb", "~nobody/x", "/proc/nothing", "\x1b[31mred",
    "missing" * 40, "/" + "a/" * 3000,
)  # fmt: skip
"""No file or folder that can be read is called so."""

TEXTS = (
    "",
    " ",
    os.fsdecode(b"\xff"),
    "\x1b[31m",
    "[bold]",
    "a\nb",
    LONG,
    "=1+1",
    "--",
    "../..",
    "\u202e",
    "{}",
    "%s%n",
)

PLACES = (
    "odd/loop.png", "generator/config.json/below", f"{LONG}.png", "odd/pipe.png", "generator", "new.xyz", "",
    "/proc/new.png", "/dev/full", "odd/empty", "pairs/A/0.png", "/dev/null", os.fsdecode(b"new\xff.png"), "new\n.png",
)  # fmt: skip
"""Where nothing should be written, most of them."""

WRITTEN = frozenset(("out", "map_out", "csv_out", "keep", "depth_out", "report_out"))


class Option(NamedTuple):
    """An option or argument of a verb.

    Attributes:
        flag: How it is typed; empty for an argument.
        kind: `number`, `choice`, `path`, `place` (that is written), `text` or `flag`.
        values: How many it takes.
    """

    flag: str
    kind: str
    values: int


def verbs(group: Any = None, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every verb of the app, `data make` under both its words, with its command."""
    group = typer.main.get_command(app) if group is None else group
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def options(command: Any) -> list[Option]:
    """What a verb takes, but for `--help`."""
    return [_option(parameter) for parameter in command.params if parameter.name != "help"]


def _option(parameter: Any) -> Option:
    argument = parameter.param_type_name == "argument"
    flag = "" if argument else max(parameter.opts, key=len)
    descriptor = parameter.type_descriptor
    if getattr(parameter, "is_flag", False) and not argument:
        kind = "flag"
    elif descriptor.is_choice:
        kind = "choice"
    elif "Path" in str(descriptor.annotation):
        kind = "place" if parameter.name in WRITTEN else "path"
    elif any(number in str(descriptor.annotation) for number in ("int", "float")):
        kind = "number"
    else:
        kind = "text"
    return Option(flag, kind, max(parameter.nargs, 1))


VERBS = {name: options(command) for name, command in verbs()}


@st.composite
def wrong(draw: st.DrawFn) -> Case:
    """A command line that cannot be carried out, whatever else is drawn: its right form with one thing wrong."""
    verb = draw(st.sampled_from(sorted(VERBS)))
    right = list(RIGHT.get(verb, ()))
    sure = [option for option in VERBS[verb] if option.flag and option.kind in ("number", "choice", "path")]
    how = draw(st.sampled_from(["option", "option", "option", "flag", "surplus", "valueless"])) if sure else "flag"
    if how == "option":
        option = draw(st.sampled_from(sure))
        values = [draw(_wrong_value(option)) for _ in range(option.values)]
        right = [*without(right, option), option.flag, *values]
    elif how == "valueless":
        right.append(draw(st.sampled_from(sure)).flag)
    elif how == "surplus" and verb not in ("compare", "report", "inspect"):
        right[:0] = ["surplus", "surplus", "surplus"]
    else:
        right.insert(draw(st.integers(0, len(right))) if verb == "doctor" else 0, draw(st.sampled_from(FLAGGED)))
    return Case((*verb.split(), *right), wrong=True, within=3.0)


def _wrong_value(option: Option) -> SearchStrategy[str]:
    if option.kind == "number":
        return st.sampled_from(NUMBERS)
    if option.kind == "path":
        return st.sampled_from([value for value in MISSING if value])
    return st.sampled_from(("nonsense", "", "NONE", "\u202e", LONG))


def without(arguments: list[str], option: Option) -> list[str]:
    """The arguments but for an option that they give: the last one would count, and some refuse a second."""
    if option.flag not in arguments or option.kind == "flag":
        return arguments
    place = arguments.index(option.flag)
    return arguments[:place] + arguments[place + 1 + option.values :]


@st.composite
def odd(draw: st.DrawFn) -> Case:
    """A command line with odd places, texts, values and combinations; some can be carried out."""
    verb = draw(st.sampled_from(sorted(set(VERBS) - {"app", "demo", "doctor"})))
    arguments = list(RIGHT.get(verb, ()))
    for option in draw(st.lists(st.sampled_from(VERBS[verb]), min_size=1, max_size=3)):
        values = [draw(_odd_value(option)) for _ in range(option.values)] if option.kind != "flag" else []
        if option.flag:
            arguments = [*without(arguments, option), option.flag, *values]
        else:
            arguments[:1] = values
    return Case((*verb.split(), *arguments), within=20.0)


def _odd_value(option: Option) -> SearchStrategy[str]:
    values = {
        "number": ("0", "1", "-0", "1e-300", "5e-324", "2147483648", "4294967296", *NUMBERS),
        "path": (
            *MISSING,
            "odd/pipe.png",
            "odd/empty",
            "odd/empty.png",
            "pairs",
            "generator",
            "/dev/zero",
            "/dev/null",
            ".",
        ),
        "place": PLACES,
        "text": (*TEXTS, *MISSING, "sys:exit", "os:abort", "generator", "drpl", "1,1/2", "a=1", "width=1e9", "1" * 500),
        "choice": ("nonsense", "paper", "released", ""),
    }[option.kind]
    return st.sampled_from(values)


def cases() -> SearchStrategy[Case]:
    """Two of three are wrong for sure."""
    return st.one_of(wrong(), wrong(), odd())
