"""Options that several verbs share, each described once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bridgetune.errors import RequestError

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]

GeneratorName = Annotated[
    str,
    typer.Option(
        "--generator",
        metavar="NAME|PATH|MODULE:FACTORY",
        help="A plugin's generator, a saved one's folder, or what builds a network of your own.",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option("--weights", metavar="FILE", help="Weights for a generator given by NAME or MODULE:FACTORY."),
]
Symmetric = Annotated[
    bool | None,
    typer.Option(
        "--symmetric/--plain",
        help="Ask the network in both orders and take half the difference, or once. Default: as it was saved.",
    ),
]
Mirrored = Annotated[
    bool | None,
    typer.Option(
        "--mirrored/--single",
        help="Decide by the mean over the pair and its mirror images, or by the pair alone. Default: as it was saved.",
    ),
]
NetworkOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="For a plugin's network, such as widths=[8,16,32,64]; once for each.",
    ),
]
Images = Annotated[Path | None, typer.Option(metavar="DIR", help="All-in-focus photographs to make pairs from.")]
Masks = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Their masks, of the same stems: white is in focus first.")
]
Pairs = Annotated[Path | None, typer.Option(metavar="DIR", help="Ready pairs instead: a folder with A/, B/ and mask/.")]
ValidationImages = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Held-out photographs. Default: a share of the pairs.")
]
ValidationMasks = Annotated[Path | None, typer.Option(metavar="DIR", help="The held-out photographs' masks.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The run's folder.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, or start it.")]
EpochCount = Annotated[int | None, typer.Option("--epochs", help="Passes over the pairs.")]
StepCount = Annotated[int | None, typer.Option("--steps", help="Updates instead of epochs.")]
Batch = Annotated[int, typer.Option("--batch", help="Pairs in one update.")]
Size = Annotated[int, typer.Option("--size", help="Side of the square training images, in pixels.")]
Fit = Annotated[
    Literal["resize", "crop"], typer.Option("--fit", help="resize whole images to that size, or crop them.")
]
Augment = Annotated[
    Literal["none", "exchange", "lens", "camera"],
    typer.Option(
        "--augment",
        help="Pairs as the paper has them; in either order; with other blurs, too; and as cameras store them.",
    ),
]
LearningRate = Annotated[float, typer.Option("--learning-rate", "--lr", help="AdamW's, falling to 0 by a cosine.")]
RecipeName = Annotated[
    Literal["paper", "released"],
    typer.Option("--recipe", help="As the paper has it, or the authors' program."),
]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same run.")]
Precision = Annotated[Literal["no", "bf16", "fp16"], typer.Option("--precision", help="Mixed precision.")]
Device = Annotated[Literal["auto", "cpu"], typer.Option("--device", help="What to train on.")]
Workers = Annotated[int, typer.Option("--workers", help="Threads that prepare training images ahead.")]
Cache = Annotated[int, typer.Option("--cache", metavar="MB", help="Memory for decoded images.")]
MicroBatch = Annotated[
    int, typer.Option("--micro-batch", help="Pairs seen at a time: less memory, the same update. 0: the whole batch.")
]
CheckpointActivations = Annotated[
    bool, typer.Option("--checkpoint-activations", help="Compute the blocks' insides twice instead of keeping them.")
]
Compile = Annotated[bool, typer.Option("--compile", help="Translate the networks by torch.compile first.")]
Average = Annotated[
    float, typer.Option("--average", metavar="DECAY", help="Save a moving average of the weights, of 0.999, say.")
]
Patience = Annotated[
    int, typer.Option("--patience", help="End after so many validations without a better one, with the best.")
]
TensorBoard = Annotated[bool, typer.Option("--tensorboard", help="Write scalars and pictures into OUT/tensorboard.")]
ValidateEvery = Annotated[int, typer.Option("--validate-every", help="Steps between validations.")]
CheckpointEvery = Annotated[int, typer.Option("--checkpoint-every", help="Steps between checkpoints.")]


def network_options(given: list[str] | None) -> dict[str, Any]:
    """What `--option` gave: values as JSON has them, and whatever is not JSON as text."""
    options: dict[str, Any] = {}
    for option in given or ():
        name, equals, value = option.partition("=")
        if not equals or not name.isidentifier():
            raise RequestError(f"--option: got {option!r}, expected NAME=VALUE, such as blocks=2")
        if name in options:
            raise RequestError(f"--option: {name} is given twice; leave one out")
        try:
            options[name] = json.loads(value)
        except json.JSONDecodeError:
            options[name] = value
    return options
