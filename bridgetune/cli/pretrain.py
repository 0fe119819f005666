"""`bridgetune pretrain`: stage 1."""

from __future__ import annotations

from functools import partial

from bridgetune.cli.training import Network, Pictures, Run
from bridgetune.cli.verb import from_options
from bridgetune.config import PretrainConfig


@from_options
def pretrain(run: Run, network: Network, pictures: Pictures, config: PretrainConfig) -> None:
    """Train a generator on pairs with known maps (stage 1). A NAME without --weights starts fresh."""
    pictures.check()
    network.check()
    import torch

    from bridgetune.training import pretrain as train

    run.check()
    torch.manual_seed(config.seed)
    generator = network.opened(weights=None)
    opened = pictures.opened(config)
    run.carry_out("pretrain", partial(train, generator, opened.pairs(), config, validation=opened.held_out()))
