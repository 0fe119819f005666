"""The probe: how a network wants to be called and what its answer means, found by asking it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from bridgetune.config import AdapterConfig
from bridgetune.errors import RequestError
from bridgetune.wrapping.calls import Call, multiple_and_minimum, working_calls
from bridgetune.wrapping.observing import tensors_of
from bridgetune.wrapping.outputs import SURE, Candidate, candidates


@dataclass(frozen=True)
class Reading:
    """One way to read a network that fits all that was seen.

    Attributes:
        config: Ready to paste.
        because: What it was based on.
        agreement: Share of right decisions on a synthetic pair, 0.5 being chance.
    """

    config: AdapterConfig
    because: str
    agreement: float

    @property
    def oriented(self) -> bool:
        """Whether the network decided well enough to tell which image its map stands for."""
        return self.agreement >= SURE


@dataclass(frozen=True)
class Findings:
    """What the probe found.

    Attributes:
        network: The network's class.
        parameters, trainable: How many numbers it has, and how many of them are trained.
        readings: All that fit; one where the network can be wrapped without a word.
    """

    network: str
    parameters: int
    trainable: int
    readings: tuple[Reading, ...]

    def the_one(self) -> Reading:
        """The only reading.

        Raises:
            RequestError: There are several; they are listed ready to paste, with what each was based on.
        """
        if len(self.readings) == 1:
            return self.readings[0]
        listed = " | ".join(f"{pasted(reading.config)}  # {reading.because}" for reading in self.readings)
        raise RequestError(
            f"{self.network} can be read in {len(self.readings)} ways; pass one of them to wrap(): {listed}"
        )


def probe(network: nn.Module, domain: AdapterConfig | None = None) -> Findings:
    """Find out how a network is called and read, by calling it on small synthetic pairs.

    The network is called in eval mode; its parameters, buffers and modes and all random states are afterwards as
    they were. What it wants its input scaled to cannot be seen from outside: say that with `domain`.

    Args:
        network: A decision-map network, trained or not. An untrained one has no orientation yet.
        domain: Its `value_range`, `mean` and `std`; the other fields are found. Default: [0, 1].

    Raises:
        RequestError: It cannot be called, returns no map, or no gradient comes back; each with the reason.
    """
    domain = domain or AdapterConfig()
    readings: list[Reading] = []
    refusals: list[RequestError] = []
    for call in working_calls(network, domain):
        try:
            found = candidates(network, call)
        except RequestError as refusal:
            refusals.append(refusal)
            continue
        readings += [_finished(network, call, candidate) for candidate in _best(found)]
    if not readings:
        raise refusals[0]
    return Findings(
        network=type(network).__name__,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        trainable=sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad),
        readings=tuple(readings),
    )


def pasted(config: AdapterConfig) -> str:
    """The config as a line of Python, defaults left out."""
    fields = ", ".join(
        f"{name}={value!r}" for name, value in config if value != AdapterConfig.model_fields[name].default
    )
    return f"AdapterConfig({fields})"


def _best(found: list[Candidate]) -> list[Candidate]:
    """Those that tell sharp from blurred, where any does; a trained network's other outputs are something else."""
    return [candidate for candidate in found if candidate.responds] or found


def _finished(network: nn.Module, call: Call, candidate: Candidate) -> Reading:
    multiple, minimum = multiple_and_minimum(network, call)
    changes = {
        "multiple": multiple,
        "minimum": minimum,
        "auxiliary": _auxiliary(call, candidate.config.item),
    }
    because = candidate.because
    if not candidate.responds:
        because += "; it does not tell sharp from blurred yet, so its orientation is taken to be the first image"
    return Reading(candidate.config.model_copy(update=changes), because, candidate.agreement)


def _auxiliary(call: Call, item: int | str | None) -> tuple[int | str, ...]:
    """Coarser maps of the same kind as the chosen one: as many channels, a whole fraction of its size."""
    tensors = tensors_of(call.answer)
    if item is None or call.config.layout == "channels last":
        return ()
    chosen = tensors[item]

    def is_coarser(other: tuple[int, ...]) -> bool:
        same_kind = len(other) == chosen.ndim and other[:-2] == tuple(chosen.shape[:-2])
        return same_kind and other[-1] < call.side and call.side % other[-1] == 0 and other[-1] == other[-2]

    return tuple(key for key, tensor in tensors.items() if key is not None and is_coarser(tuple(tensor.shape)))
