"""What the library says of options, in words for the page: its own controls, as they are labelled there."""

from __future__ import annotations

import functools
import re

from bridgetune.app.choices import SETTINGS, VALUES
from bridgetune.app.workshop import MAIN, OF_ADAPTER, PLACES
from bridgetune.config import TuneConfig
from bridgetune.config.naming import flags

_GENERATORS = "bridgetune app --generator RUN/generator"


def control(name: str, value: str = "") -> str:
    """A control by its label, and the value at which it is to be.

    Args:
        name: Of a setting.
        value: One of its values.
    """
    called = VALUES.get(name, {}).get(value, value)
    return f"“{_labels()[name]}”" + (f" at “{called}”" if called else "")


def in_words(line: str) -> str:
    """A line of the library without options of the command line.

    An option that the page has becomes its control. What is advised for the command line or for Python alone is left
    out, but for a command in backticks, which is one for whoever starts the page.
    """
    for phrase, said in PHRASES.items():
        line = line.replace(phrase, said)
    pieces = re.split(r"(`[^`]*`)", line)
    return "".join(piece if piece.startswith("`") else _without_options(piece) for piece in pieces)


def at_field(field: str, line: str) -> str:
    """A line on a field of a form, which begins with its label where it began with its setting's name.

    Args:
        field: As the form has it.
        line: On what stands there.
    """
    name = field.removeprefix(OF_ADAPTER)
    label = name.replace("_", " ").capitalize() if name != field else _labels().get(name, name)
    return label + line.removeprefix(name) if line.startswith((f"{name}:", f"{name}.")) else line


PHRASES = {
    "leave out --align and --exposure to fuse them as they are": f"to fuse them as they are, have “{SETTINGS['align']}”"
    f" at “{VALUES['align']['none']}” and “{SETTINGS['exposure']}” at “{VALUES['exposure']['keep']}”",
    "look at the map (--map), or have them follow their surroundings (--recipe paper --undecided settle)": "look at the"
    f" map over the picture, or have “{SETTINGS['smooth']}” at “{VALUES['smooth']['regions']}”",
    "look at the map (--map), and beside it at the network's own (--undecided keep)": "look at the map over the"
    " picture",
    "give a trained one (--generator RUN/generator, bridgetune.load), or a file of weights (--weights FILE,"
    " weights=)": f"choose another one, or start the page with a trained one: `{_GENERATORS}`",
    "the same again with --resume (resume=True) goes on from there": "“Go on with it” goes on from there",
    "(--exposure)": f"(“{SETTINGS['exposure']}” at “{VALUES['exposure']['even']}”)",
    "--align auto --exposure)": f"--align auto, “{SETTINGS['exposure']}” at “{VALUES['exposure']['even']}”)",
}
"""What the library says -> what the page says in its place."""

_OPTION = re.compile(r"--(?:no-)?(?P<name>[a-z][a-z0-9-]*)(?:[ =](?P<value>[\w.=]+|\[[^\]]*\]))?")


@functools.cache
def _labels() -> dict[str, str]:
    """Settings that the page has -> what they are called there."""
    of_training = {name: name.replace("_", " ").capitalize() for name in TuneConfig.model_fields}
    return of_training | MAIN | PLACES | SETTINGS


@functools.cache
def _names() -> dict[str, str]:
    """Options, without their dashes, -> settings."""
    return {flag.removeprefix("--"): name for name in _labels() for flag in flags(name)}


def _without_options(text: str) -> str:
    if "--" not in text:
        return text
    text = re.sub(r"\s*\([^()]*--[a-z][^()]*\)", lambda found: _in_brackets(found[0]), text)
    text = re.sub(r"\s*\(\w+=[^()\s]*\)", "", text)  # the same for Python
    clauses = text.split("; ")
    kept = [clause for clause in clauses if not any(_unknown(found) for found in _OPTION.finditer(clause))]
    return _OPTION.sub(_replaced, "; ".join(kept or clauses))


def _in_brackets(text: str) -> str:
    """What stands in brackets: its controls; nothing where it has none."""
    inside = text.strip()[1:-1]
    found = [_replaced(option) for option in _OPTION.finditer(inside) if not _unknown(option)]
    found += re.findall(r"“[^”]*” at “[^”]*”", inside)
    return f" ({', '.join(found)})" if found else ""


def _unknown(found: re.Match[str]) -> bool:
    return found["name"] not in _names()


def _replaced(found: re.Match[str]) -> str:
    if _unknown(found):
        return found["name"].replace("-", " ")
    name, value = _names()[found["name"]], found["value"] or ""
    if name in VALUES and value not in VALUES[name]:  # the next word of a sentence
        return control(name) + (f" {value}" if value else "")
    return control(name) if value.isupper() else control(name, value) if name in VALUES else _said(name, value)


def _said(name: str, value: str) -> str:
    return control(name) + (f" {value}" if value else "")
