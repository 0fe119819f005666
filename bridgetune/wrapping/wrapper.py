"""`bridgetune.wrap`."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from torch import nn

from bridgetune.config import AdapterConfig
from bridgetune.documents import checked
from bridgetune.errors import RequestError
from bridgetune.origin import Origin
from bridgetune.protocol import Evaluator
from bridgetune.wrapping.adapter import Adapter
from bridgetune.wrapping.calls import complete
from bridgetune.wrapping.probing import pasted, probe
from bridgetune.wrapping.traces import needs_completing
from bridgetune.wrapping.twins import pair_twin

logger = logging.getLogger("bridgetune")


def wrap(
    network: nn.Module,
    config: AdapterConfig | None = None,
    *,
    value_range: tuple[float, float] = (0.0, 1.0),
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    scales: Sequence[float] | None = None,
    factory: str = "",
) -> Adapter:
    """Put a decision-map network behind bridgetune's protocol, unchanged.

    Args:
        network: Any module that turns a source pair into a decision map.
        config: How it is called and how its answer is read. Default: the probe finds out, see `probe`.
        value_range, mean, std: What the network's input looks like, where no config is given; see `AdapterConfig`.
        scales: Of the config, or in place of its own: the sizes at which the pair is shown; see `AdapterConfig`.
        factory: What builds such a network, as `module:callable`, so that `load` can do without one.

    Raises:
        RequestError: `network` is not a `torch.nn.Module`, the probe found no reading, or several, or the scales are
            none.
    """
    if isinstance(network, Evaluator):
        raise RequestError(
            f"wrap: {network.name} is an evaluator, which fuses without a decision map: there is nothing to tune; pass"
            " a torch.nn.Module that draws one"
        )
    if callable(network) and not isinstance(network, nn.Module | type):
        name = getattr(network, "__name__", type(network).__name__)
        raise RequestError(
            f"wrap: {name} is a {type(network).__name__}, in which nothing can be tuned, expected a torch.nn.Module;"
            f" what fuses a pair by itself is measured and compared as bridgetune.Evaluator({name!r}, {name}), with"
            " optimises=True where it trains for each pair, or, to have it by name, by a plugin's"
            " bridgetune_register_evaluators"
        )
    if not isinstance(network, nn.Module):
        raise RequestError(
            f"wrap: got {type(network).__name__}, expected a torch.nn.Module; pass the network itself, not its class"
            " or its weights"
        )
    if config is None:
        domain = checked(AdapterConfig, value_range=value_range, mean=tuple(mean), std=tuple(std))
        reading = probe(network, domain).the_one()
        config = reading.config
        if reading.scaling:
            logger.warning("%s: %s; say it with value_range, mean and std", type(network).__name__, reading.scaling)
        if not reading.oriented:
            logger.warning(
                "%s tells sharp from blurred in %.0f %% of a synthetic pair: too little to see which image its map"
                " stands for; taken to be the first (%s). Trained? Then check_orientation(generator, pairs)",
                type(network).__name__,
                100 * reading.agreement,
                pasted(config),
            )
    elif needs_completing(network):
        complete(network, config)
    config = config.asked(None, None, scales)
    return Adapter(network, config, Origin(factory=factory), twin=pair_twin(network, config))
