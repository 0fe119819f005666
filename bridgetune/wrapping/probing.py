"""The probe: how a network wants to be called and what its answer means, found by asking it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import nn

from bridgetune.config import AdapterConfig
from bridgetune.errors import RequestError
from bridgetune.wrapping.calls import Call, outputs_of, sizes, working_calls
from bridgetune.wrapping.candidates import SURE, Candidate, agreement
from bridgetune.wrapping.outputs import Asked, candidates
from bridgetune.wrapping.refusals import of_one_image
from bridgetune.wrapping.scaling import DOMAINS, in_domain, scaling
from bridgetune.wrapping.styles import takes_more
from bridgetune.wrapping.together import for_any_number


@dataclass(frozen=True)
class Reading:
    """One way to read a network that fits all that was seen.

    Attributes:
        config: Ready to paste.
        because: What it was based on.
        agreement: Share of right decisions on a synthetic pair, 0.5 being chance.
        scaling: What its input was taken to be scaled to, and how much that matters; empty where it is [0, 1] or was
            told.
    """

    config: AdapterConfig
    because: str
    agreement: float
    scaling: str = ""

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
            RequestError: There are several; they are listed ready to paste, the likeliest first, with what each was
                based on.
        """
        if len(self.readings) == 1:
            return self.readings[0]
        listed = "\n".join(f"  {pasted(reading.config)}  # {reading.because}" for reading in self.readings)
        raise RequestError(
            f"{self.network} can be read in {len(self.readings)} ways, and nothing shows which is meant, or whether any"
            f" is a map; pass one of them to wrap():\n{listed}"
        )


def probe(network: nn.Module, domain: AdapterConfig | None = None) -> Findings:
    """Find out how a network is called and read, by calling it on small synthetic pairs.

    The network is called in eval mode; parameters, buffers, modes, attributes and all random states are afterwards as
    they were, but for layers that it builds when it is first called.

    Args:
        network: A decision-map network or an end-to-end one, trained or not. An untrained one has no orientation yet.
        domain: Its `value_range`, `mean` and `std`; the other fields are found. Default: [0, 1], or that under which a
            trained network does clearly better, see `bridgetune.wrapping.scaling`.

    Raises:
        RequestError: It cannot be called, returns no map, or no gradient comes back; each with the reason.
    """
    told = domain is not None and domain != AdapterConfig()
    calls = working_calls(network, domain or AdapterConfig())
    chosen = _chosen(network, calls, told)
    readings = [_finished(network, call, candidate) for call, candidate in chosen]
    if not told and len(readings) == 1 and readings[0].oriented:
        config, line = scaling(network, readings[0].config)
        readings = [replace(readings[0], config=config, scaling=line)]
    return Findings(
        network=type(network).__name__,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        trainable=sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad),
        readings=tuple(readings),
    )


def _chosen(network: nn.Module, calls: list[Call], told: bool) -> list[tuple[Call, Candidate]]:
    """What is left of all readings; in another domain than [0, 1] where the network tells nothing in that."""
    found = _found(network, calls)
    if not told and not any(candidate.responds for _, candidate in found):
        for domain in list(DOMAINS.values())[1:]:
            others = [replace(call, config=in_domain(call.config, domain)) for call in calls]
            if any(_tells(network, other, call, found) for other, call in zip(others, calls, strict=True)):
                return _likeliest(network, _found(network, others))
    return _likeliest(network, found)


def _tells(network: nn.Module, other: Call, call: Call, found: list[tuple[Call, Candidate]]) -> bool:
    """Whether a reading of a call tells sharp from blurred where the call is made in another domain."""
    asked = Asked(network, other)
    fields = {name: getattr(other.config, name) for name in ("value_range", "mean", "std")}
    readings = [candidate.config.model_copy(update=fields) for its, candidate in found if its is call]
    try:
        shares = [(config.output == "fused", agreement(asked.logits(config))) for config in readings]
        return any(share >= SURE or (share <= 1 - SURE and not fused) for fused, share in shares)
    except Exception:  # whatever a network makes of input that is not for it
        return False


def _found(network: nn.Module, calls: list[Call]) -> list[tuple[Call, Candidate]]:
    """All readings of all calls.

    Raises:
        RequestError: There is none; the reason is that of the likeliest call.
    """
    found: list[tuple[Call, Candidate]] = []
    refusals: list[tuple[Call, RequestError]] = []
    for call in calls:
        try:
            found += [(call, candidate) for candidate in candidates(network, call)]
        except RequestError as refusal:
            refusals.append((call, refusal))
    if not found:
        raise max(refusals, key=lambda one: (one[0].config.call == "pair", len(one[0].observed.operations)))[1]
    return found


def pasted(config: AdapterConfig) -> str:
    """The config as a line of Python, defaults left out."""
    fields = ", ".join(
        f"{name}={value!r}" for name, value in config if value != AdapterConfig.model_fields[name].default
    )
    return f"AdapterConfig({fields})"


def _likeliest(network: nn.Module, found: list[tuple[Call, Candidate]]) -> list[tuple[Call, Candidate]]:
    """The readings that are left: one for each decision, the best of those that decide alike.

    What tells sharp from blurred goes before what does not, be it a map or a fused image; what is left of a trained
    network's outputs is something else. A fused image that tells nothing is none to tune by.

    Raises:
        RequestError: What was found is of no use, and why.
    """
    maps = [one for one in found if not one[1].fused]
    responding = [one for one in maps if one[1].responds]
    fused = [one for one in found if one[1].fused]
    telling = [one for one in fused if one[1].responds]
    name = type(network).__name__
    if not responding and found and found[0][0].config.call == "each":
        raise of_one_image(network)
    if not responding and not telling and not maps and fused:
        raise RequestError(
            f"{name} is an end-to-end network: it returns a fused image and no decision map, and what the image takes"
            f" from either source is not the sharp one on a synthetic pair ({100 * fused[0][1].agreement:.0f} % of it,"
            f" {100 * SURE:.0f} are asked for). Trained? Then say what its input looks like (value_range, mean, std);"
            f" to tune it as it is, pass {pasted(fused[0][1].config)}"
        )
    pool = responding or telling or maps
    pool = [one for one in pool if one[1].config.stride == 1] or pool
    pairs = [one for one in pool if isinstance(one[1].config.item, tuple)]
    if pairs:
        parts = {item for _, candidate in pairs for item in _items(candidate)}
        pool = [one for one in pool if one in pairs or not set(_items(one[1])) <= parts]
    groups: list[list[tuple[Call, Candidate]]] = []
    for one in pool:
        group = next((group for group in groups if one[1].decides_like(group[0][1])), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    return [max(group, key=lambda one: _merit(one[1])) for group in groups]


def _items(candidate: Candidate) -> tuple[int | str | None, ...]:
    item = candidate.config.item
    return item if isinstance(item, tuple) else (item,)


def _merit(candidate: Candidate) -> tuple[bool, bool, bool, bool]:
    """Of readings that decide alike: both images' own maps, a gradient, a bound, full size."""
    paired = isinstance(candidate.config.item, tuple)
    return paired, not candidate.saturated, candidate.bounded, candidate.config.stride == 1


def _finished(network: nn.Module, call: Call, candidate: Candidate) -> Reading:
    changes: dict[str, object] = {}
    config = candidate.config
    if call.config.fit != "patches":
        changes = dict(sizes(network, call))
    if "side" not in changes and config.side is None and config.stride == 1:
        changes["auxiliary"] = _auxiliary(call, candidate)
    if "side" not in changes and config.side is None and takes_more(network, call.config):
        config = for_any_number(network, call.side, candidate)
    because = candidate.because
    if not candidate.responds:
        because += "; it does not tell sharp from blurred yet, so its orientation is taken to be the first image"
    return Reading(config.model_copy(update=changes), because, candidate.agreement)


def _auxiliary(call: Call, candidate: Candidate) -> tuple[int | str, ...]:
    """Coarser maps of the same kind as the chosen one: as many channels, a whole fraction of its size."""
    tensors, item = outputs_of(call.answer, call.config), candidate.config.item
    if item is None or isinstance(item, tuple) or call.config.layout == "channels last" or candidate.fused:
        return ()
    chosen = tensors[item]

    def is_coarser(other: tuple[int, ...]) -> bool:
        same_kind = len(other) == chosen.ndim and other[:-2] == tuple(chosen.shape[:-2])
        return same_kind and other[-1] < call.side and call.side % other[-1] == 0 and other[-1] == other[-2]

    return tuple(key for key, tensor in tensors.items() if key is not None and is_coarser(tuple(tensor.shape)))
