"""Options that several verbs share, each described once. What a training decides is described by its settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

import typer

from bridgetune.cli.process import keep_memory
from bridgetune.cluster import Cluster
from bridgetune.config.bounds import ClusterWorkers, Cores, Gpus, limits
from bridgetune.destinations import check_file as check_place
from bridgetune.documents import parse_json
from bridgetune.errors import RequestError
from bridgetune.files import check_made
from bridgetune.paths import check_file, check_folder, is_folder
from bridgetune.plugins import registry

Smoothing = Literal["small-regions", "guided", "paper"]
SMOOTHINGS: tuple[str, ...] = get_args(Smoothing)
"""Steps of --smooth, see `bridgetune.inference.smoothing`."""

NETWORK, PICTURES, CLUSTER = "The network", "The pictures", "The cluster"
"""Panels of `--help`."""

GENERATOR = "NAME|PATH|MODULE:FACTORY"
"""How a generator is named."""

Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Recipe = Annotated[
    Literal["paper", "released", "own"],
    typer.Option(
        "--recipe",
        help="paper: full resolution. released: a 256×256 map, as the authors' program has it. own: the picture that an"
        " end-to-end network fuses itself.",
    ),
]
"""Of fusing; that of training is one of its settings."""
Undecided = Annotated[
    Literal["settle", "keep"],
    typer.Option(
        "--undecided",
        help="settle: what the network does not know follows its surroundings, along the pictures' edges. keep: its"
        " own decisions, as --recipe released has them in any case.",
    ),
]
Blend = Annotated[
    Literal["feather", "none"],
    typer.Option(
        "--blend",
        help="Where the map changes from one image to the other. feather: over a pixel on either side, over up to 16"
        " where both images are even. none: a step, as the paper and --recipe released have it.",
    ),
]
Smooth = Annotated[
    list[str] | None,
    typer.Option(
        "--smooth",
        metavar="STEP",
        help="What is done to the map; may be given several times. small-regions: those below 1 % of the picture go"
        " over to what is around. guided: seams are softened along the pictures' edges. paper: what the network's paper"
        " does, to the network's own decisions, where its plugin brings that; the default network's does not. Default:"
        " nothing.",
    ),
]
Borders = Annotated[
    Literal["replace", "keep"],
    typer.Option(
        "--borders",
        help="replace: where one image has a black border, as aligning leaves it, or is transparent, the other one is"
        " taken. keep: a border is a picture like any other, as --recipe released has it in any case.",
    ),
]
Align = Annotated[
    Literal["auto", "none", "translation", "similarity", "affine", "homography"],
    typer.Option(
        "--align",
        help="Lay B upon A: what they may differ by, or the simplest that explains what is found. One line says what"
        " that is.",
    ),
]
Exposure = Annotated[bool, typer.Option("--exposure", help="Bring B to A's brightness, channel by channel.")]
Edges = Annotated[
    Literal["crop", "keep"],
    typer.Option(
        "--edges",
        help="Of --align. crop: to what both images show. keep: A's whole size; what B does not show is A's.",
    ),
]

Generator = Annotated[
    str,
    typer.Option(
        "--generator",
        metavar=GENERATOR,
        help="A plugin's generator, a saved one's folder, or a function that builds a network of your own:"
        " my_module:make of my_module.py here.",
        rich_help_panel=NETWORK,
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="Weights for a generator given by NAME or MODULE:FACTORY.",
        rich_help_panel=NETWORK,
    ),
]
WeightsKey = Annotated[
    str,
    typer.Option(
        "--weights-key",
        metavar="NAME",
        help="Which part of --weights, where several fit: generator, params_ema, …",
        rich_help_panel=NETWORK,
    ),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust-code",
        help="Import and run code that a folder or a file names: the factory of a network of one's own.",
        rich_help_panel=NETWORK,
    ),
]
Option = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="For what a plugin brings by --generator NAME, such as widths=[8,16,32,64]; once for each.",
        rich_help_panel=NETWORK,
    ),
]
Called = Annotated[
    list[str] | None,
    typer.Option(
        "--adapter",
        metavar="NAME=VALUE",
        help="How the network is called and read, in place of what it says itself or the probe finds:"
        " orientation=second, value_range=[0,255]; once for each setting of the adapter.",
        rich_help_panel=NETWORK,
    ),
]
Symmetric = Annotated[
    bool | None,
    typer.Option(
        "--symmetric/--plain",
        help="Ask the network in both orders and take half the difference, or once. Default: as it was saved.",
        rich_help_panel=NETWORK,
    ),
]
Mirrored = Annotated[
    bool | None,
    typer.Option(
        "--mirrored/--single",
        help="Decide by the mean over the pair and its mirror images, or by the pair alone. Default: as it was saved.",
        rich_help_panel=NETWORK,
    ),
]


def _fractions(text: str) -> tuple[float, ...]:
    """1,1/2,0.25 as numbers; whether they can be scales `AdapterConfig` says."""
    try:
        return tuple(float(Fraction(part.strip())) for part in text.split(","))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise RequestError(
            f"--scales: got {text!r}, expected sizes such as 1,1/2,1/4, or 1 for full size alone"
        ) from None


Scales = Annotated[
    Any,
    typer.Option(
        "--scales",
        metavar="1,1/2,…",
        parser=_fractions,
        help="Sizes at which the network is shown the pair: the smaller ones count where it is unsure of a region; 2 in"
        " front, the pair enlarged twice, makes seams finer. Default: as it was saved.",
        rich_help_panel=NETWORK,
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="[HOST:PORT]",
        help="Hand the work out to Ray: to processes of this machine, or to the cluster of that head; auto: to the one"
        " that runs here. Needs the extra 'cluster'.",
        rich_help_panel=CLUSTER,
    ),
]
RayWorkers = Annotated[
    int | None,
    typer.Option(
        "--ray-workers",
        help="Its processes. Default: as many as fit.",
        rich_help_panel=CLUSTER,
        **limits(ClusterWorkers),
    ),
]
RayCpus = Annotated[
    int | None,
    typer.Option("--ray-cpus", help="Cores of each. Default: 1.", rich_help_panel=CLUSTER, **limits(Cores)),
]
RayGpus = Annotated[
    float | None,
    typer.Option(
        "--ray-gpus",
        help="GPUs of each; 0.5 is half a one. Default: none; of a training run one, where there are some.",
        rich_help_panel=CLUSTER,
        **limits(Gpus),
    ),
]
Quality = Annotated[
    Literal["auto", "fast", "good", "best"],
    typer.Option(
        "--quality",
        help="How often the network is asked. fast: once. good: in both orders. best: of mirror images, at smaller"
        " sizes and enlarged twice, too. auto: as it was saved, but beyond 6 megapixels neither of mirror images nor at"
        " other sizes."
        " --symmetric, --mirrored and --scales are kept to in any case.",
        rich_help_panel=NETWORK,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE.html",
        help="Write a page, too, for a browser: pictures upon each other, with a line to wipe between them.",
    ),
]
GeneratorArgument = Annotated[
    str,
    typer.Argument(
        metavar=GENERATOR,
        help="A plugin's generator, a saved one's folder or its run's, or a function that builds a network of your own:"
        " my_module:make of my_module.py here.",
    ),
]


def cluster(address: str | None, workers: int | None, cpus: int | None, gpus: float | None) -> Cluster | None:
    """What is handed out to, ready to be asked; None where nothing is.

    Raises:
        RequestError: It is not there, see `Cluster.check`; or its options are given without it.
    """
    for option, value in (("--ray-workers", workers), ("--ray-cpus", cpus), ("--ray-gpus", gpus)):
        if value is not None and address is None:
            raise RequestError(f"{option}: given without --ray, whose processes it is for; add --ray, or leave it out")
    if address is None:
        return None
    found = Cluster(address, workers, cpus or 1, gpus, (keep_memory,))
    found.check()
    return found


def given_options(option: Iterable[str] | None) -> dict[str, Any]:
    """The values of --option, by name."""
    given = named_values("--option", option, "NAME=VALUE, such as blocks=2")
    return {name: json_or_text(value) for name, value in given.items()}


def adapter_settings(adapter: Iterable[str] | None) -> dict[str, Any]:
    """The values of --adapter, by name; whether they can be settings of `AdapterConfig` that says."""
    given = named_values("--adapter", adapter, "NAME=VALUE, such as orientation=second")
    return {name: json_or_text(value) for name, value in given.items()}


def smoothing(given: Sequence[str] | None) -> tuple[Smoothing, ...]:
    """The steps of --smooth.

    Raises:
        RequestError: There is no such step.
    """
    for step in given or ():
        if step not in SMOOTHINGS:
            raise RequestError(f"--smooth: got {step!r}, expected one of {', '.join(SMOOTHINGS)}")
    return tuple(cast("Smoothing", step) for step in given or ())


def check_pictures(*folders: Path | None) -> None:
    """Raise `RequestError` where one is no folder, before torch is waited for, which looking into it takes."""
    for path in folders:
        if path is not None:
            check_folder(path, "a folder of images")


def check_pairs(*folders: Path | None) -> None:
    """Raise `RequestError` where one is no folder of pairs, or they are still being made; see `check_pictures`."""
    for path in folders:
        if path is not None:
            check_folder(check_made(path), "a folder with A/ and B/")


def check_network(generator: str | None, weights: Path | None = None) -> None:
    """Refuse, before torch is waited for, a network that cannot be opened.

    Args:
        generator: As `open_method` takes it. What is no folder and can only be a plugin's name has to be one.
        weights: A file or a folder.

    Raises:
        RequestError: No plugin has such a generator or evaluator; no such file.
    """
    if generator and ":" not in generator and Path(generator).name == generator and not is_folder(generator):
        known = registry()
        if generator not in known.evaluators():
            known.find(generator)
    if weights is not None and not is_folder(weights):
        check_file(weights, "weights")


def check_page(path: Path | None, force: bool) -> None:
    """Raise `RequestError` where `--report` could not be written."""
    if path is not None:
        check_place(path, "the report", suffixes=(".html",), force=force)


def folder(help: str) -> Any:
    """An option that names a folder of pictures."""
    return typer.Option(metavar="DIR", help=help, rich_help_panel=PICTURES)


def named_values(option: str, given: Iterable[str] | None, expected: str) -> dict[str, str]:
    """What an option was given that is repeated as NAME=VALUE.

    Args:
        option: As it was typed.
        given: Each of its values.
        expected: What each should be, for the refusal.

    Raises:
        RequestError: It is something else, or a name is given twice.
    """
    values: dict[str, str] = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not equals or not name.isidentifier():
            raise RequestError(f"{option}: got {one!r}, expected {expected}")
        if name in values:
            raise RequestError(f"{option}: {name} is given twice; leave one out")
        values[name] = value
    return values


def json_or_text(value: str) -> Any:
    """What the text is in JSON; or, where it is none, itself."""
    try:
        return parse_json(value)
    except ValueError:
        return value
