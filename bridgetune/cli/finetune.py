"""`bridgetune finetune`: stage 2, BridgeTune, the main job."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from bridgetune.cli.options import check_pairs, check_pictures, folder
from bridgetune.cli.training import Network, Pictures, Run
from bridgetune.cli.verb import from_options
from bridgetune.config import TuneConfig
from bridgetune.errors import RequestError


@from_options
def finetune(
    run: Run,
    network: Network,
    pictures: Pictures,
    clear: Annotated[Path | None, folder("Completely clear reference images; not needed with --alpha 0.")] = None,
    blurred: Annotated[Path | None, folder("Completely blurred reference images; likewise.")] = None,
    unlabelled: Annotated[Path | None, folder("Pairs without masks, A/ and B/: beside the others or alone.")] = None,
    *,
    config: TuneConfig,
) -> None:
    """Fine-tune a trained generator with BridgeTune (stage 2): dual adversarial learning.

    Without it, --alpha 0, the second stage was as good on all that was measured, and takes no references.
    """
    pictures.check(needed=unlabelled is None)
    if config.needs_references or clear is not None or blurred is not None:
        for option, place in (("--clear", clear), ("--blurred", blurred)):
            if place is None:
                raise RequestError(
                    f"{option}: not given, expected a folder of reference images, or --alpha 0 without any"
                )
    check_pictures(clear, blurred)
    check_pairs(unlabelled)
    network.check()
    from bridgetune.training import finetune as train

    run.check()
    generator = network.opened(weights="shipped")
    opened = pictures.opened(config)
    references = None if clear is None or blurred is None else opened.references(clear, blurred)
    pairs = opened.pairs() if pictures.named or unlabelled is None else None
    more = opened.unlabelled(unlabelled) if unlabelled is not None else None
    stage = partial(train, generator, pairs, references, config, unlabelled=more, validation=opened.held_out())
    run.carry_out("finetune", stage)
