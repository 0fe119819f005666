"""How fast the selective scan is: every backend beside a token loop and mambapy, in the same run.

    python benchmarks/scan.py [--weights generator.pth] [--threads N] [--write]

Forward and backward, with softplus, gate and skip. The speed is measured twice: as glibc hands out memory by default,
page by page for every large tensor, and with the memory kept, as the command line has it. mambapy, the peer, is
measured where it is installed (pip install mambapy). `--weights` adds the decay of a trained network to the table of
errors. `--write` puts the tables into docs/performance.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from measuring import MEGABYTE, added_memory, best_times, in_own_process, markdown, write_section
from torch import Tensor

from bridgetune.cli.process import keep_memory
from bridgetune_bridgemff.scan import BACKENDS, selective_scan
from bridgetune_bridgemff.scan.arguments import Arguments

Scan = Callable[..., Tensor]

STATES = 16
SHAPES = ((4, 1024, 12), (64, 1024, 32))
"""(batch, length, channel): the widest scan of a 256×256 picture, and one of a training batch."""

LENGTHS = tuple(1024 * 4**power for power in range(4))
LONGEST = {"token loop": 4096, "mambapy": 16_384}
"""Lengths at which a scan takes seconds. The loop's backward pass is quadratic."""

SLOW = ("token loop",)
"""Takes minutes for a batch of training, and is left out there."""


def token_loop(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, z: Tensor, dt_bias: Tensor) -> Tensor:
    """As one writes it first: all decays at once, then a token after another by its index."""
    step = F.softplus(dt + dt_bias)
    decay = torch.exp(step.unsqueeze(-1) * A)
    drive = (step * u).unsqueeze(-1) * B.unsqueeze(2)
    h = torch.zeros_like(drive[:, 0])
    outputs = []
    for t in range(u.shape[1]):
        h = decay[:, t] * h + drive[:, t]
        outputs.append((h * C[:, t].unsqueeze(1)).sum(-1))
    return (torch.stack(outputs, dim=1) + D * u) * F.silu(z)


def peer(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, z: Tensor, dt_bias: Tensor) -> Tensor:
    """mambapy's parallel scan, in the block that it is used in."""
    from mambapy.pscan import pscan

    step = F.softplus(dt + dt_bias)
    states = pscan(torch.exp(step.unsqueeze(-1) * A), step.unsqueeze(-1) * B.unsqueeze(2) * u.unsqueeze(-1))
    return ((states @ C.unsqueeze(-1)).squeeze(3) + D * u) * F.silu(z)


def scans() -> dict[str, Scan]:
    """Name -> scan, of all that run here."""
    found: dict[str, Scan] = {}
    for name in BACKENDS:
        problem = BACKENDS[name].problem(torch.device("cpu"), torch.float32)
        if name == "reference":
            continue
        if problem:
            print(f"not measured: {name} ({problem})", file=sys.stderr)
            continue
        found[name] = partial(selective_scan, backend=name)
    if importlib.util.find_spec("mambapy"):
        found["mambapy"] = peer
    else:
        print("not measured: mambapy (pip install mambapy)", file=sys.stderr)
    return {**found, "token loop": token_loop}


def drawn(batch: int, length: int, channels: int) -> Arguments:
    torch.manual_seed(0)
    sequence, state = (batch, length, channels), (batch, length, STATES)
    return Arguments(
        *(torch.randn(sequence), torch.randn(sequence), -torch.exp(torch.randn(channels, STATES))),
        *(torch.randn(state), torch.randn(state), torch.randn(channels), torch.randn(sequence), torch.randn(channels)),
    ).map(lambda x: x.requires_grad_())


def forward(scan: Scan, arguments: Arguments) -> Tensor:
    with torch.no_grad():
        return scan(*arguments)


def both(scan: Scan, arguments: Arguments) -> tuple[Tensor, ...]:
    """The gradients of a seeded loss."""
    y = scan(*arguments)
    weights = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).view_as(y)
    return torch.autograd.grad((y * weights).sum(), [x for x in arguments if x is not None])


def speed(found: dict[str, Scan], memory: str) -> str:
    tables = []
    for shape in SHAPES:
        arguments = drawn(*shape)
        measured = {name: scan for name, scan in found.items() if shape == SHAPES[0] or name not in SLOW}
        there = best_times({name: partial(forward, scan, arguments) for name, scan in measured.items()})
        back = best_times({name: partial(both, scan, arguments) for name, scan in measured.items()})
        against = back.get("mambapy")
        rows = [
            (
                name,
                f"{there[name] * 1e3:.2f}",
                f"{back[name] * 1e3:.2f}",
                f"{against / back[name]:.1f}" if against else "–",
                f"{back['token loop'] / back[name]:.0f}" if "token loop" in back else "–",
            )
            for name in measured
        ]
        title = f"{'×'.join(map(str, shape))} (batch × length × channel), memory {memory}"
        header = (title, "forward, ms", "and backward, ms", "times mambapy", "times the token loop")
        tables.append(markdown(header, rows))
    return "\n\n".join(tables)


def speed_with_memory_kept(found: dict[str, Scan]) -> str:
    """From here on it is kept: this cannot be taken back."""
    keep_memory()
    return speed(found, "kept")


def growth(found: dict[str, Scan]) -> str:
    """Time per token, and what is added to the process's peak."""
    per_token: dict[str, list[str]] = {name: [] for name in found}
    first: dict[str, float] = {}
    for length in LENGTHS:
        arguments = drawn(4, length, 12)
        calls = {
            name: partial(both, scan, arguments) for name, scan in found.items() if length <= LONGEST.get(name, length)
        }
        for name, seconds in best_times(calls, seconds=2).items():
            first.setdefault(name, seconds / length)
            per_token[name].append(f"{seconds / length / first[name]:.2f}")
    memory = {
        name: in_own_process(__file__, "--memory", name, LONGEST.get(name, LENGTHS[-1])).split() for name in found
    }
    rows = [(name, *cells, *["–"] * (len(LENGTHS) - len(cells)), *memory[name]) for name, cells in per_token.items()]
    header = (
        "time per token, relative to 1,024",
        *(f"{length:,}" for length in LENGTHS),
        f"peak at {LENGTHS[-1]:,}, forward, MB",
        "and backward, MB",
    )
    note = f"Peaks of {' and '.join(f'{name} at {length:,}' for name, length in LONGEST.items() if name in found)}."
    return f"{markdown(header, rows)}\n\n{note}"


def errors(found: dict[str, Scan], weights: str | None) -> str:
    """Largest error in float32 against the float64 loop, relative to the largest value."""
    regimes = {"Mamba's start": mamba_start(), "strong decay": strong_decay()}
    if weights:
        regimes = {"trained": trained(weights), **regimes}
    rows = []
    for name, scan in found.items():
        row = [name]
        for arguments in regimes.values():
            exact = arguments.map(lambda x: x.detach().double().requires_grad_())
            loop = partial(selective_scan, backend="reference")
            of_y = relative(forward(scan, arguments), forward(loop, exact))
            pairs = zip(both(scan, arguments), both(loop, exact), strict=True)
            row += [f"{of_y:.0e}", f"{max(relative(one, other) for one, other in pairs):.0e}"]
        rows.append(row)
    header = ["float32 against float64", *(f"{regime}: {part}" for regime in regimes for part in ("y", "gradients"))]
    return markdown(header, rows)


def relative(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).abs().max() / exact.abs().max())


def mamba_start() -> Arguments:
    """Steps between 1e-3 and 1e-1, rates of 1 to 16."""
    arguments = drawn(4, 1024, 12)
    steps = torch.exp(torch.empty(12).uniform_(-6.9, -2.3))
    rates = -torch.arange(1.0, STATES + 1).repeat(12, 1)
    small = {"dt": 0.1 * arguments.dt, "dt_bias": torch.log(torch.expm1(steps)), "A": rates}
    return arguments._replace(**small).map(lambda x: x.detach().requires_grad_())


def strong_decay() -> Arguments:
    """A state is forgotten within the next token."""
    arguments = drawn(4, 1024, 12)
    return arguments._replace(A=1e3 * arguments.A, dt_bias=arguments.dt_bias + 1).map(
        lambda x: x.detach().requires_grad_()
    )


def trained(weights: str) -> Arguments:
    """What the widest scan of a trained network is given for a picture of 256×256."""
    import bridgetune
    from bridgetune_bridgemff import mamba

    seen: list[Arguments] = []

    def listen(*given: Tensor) -> Tensor:
        seen.append(Arguments(*given))
        return selective_scan(*given)

    generator = bridgetune.create("bridgemff", weights=weights)
    first, second = torch.rand(2, 1, 3, 256, 256)
    mamba.selective_scan = listen
    generator(F.avg_pool2d(first, 5, 1, 2), second)
    mamba.selective_scan = selective_scan
    return seen[0].map(lambda x: x.detach().clone().requires_grad_())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="a checkpoint of BridgeMFF")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--memory", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    if asked.memory:
        keep_memory()
        name, length = asked.memory
        scan, arguments = scans()[name], drawn(4, int(length), 12)
        forward(scan, drawn(1, 64, 12))
        print(*(f"{added_memory(partial(call, scan, arguments)) / MEGABYTE:.0f}" for call in (forward, both)))
        return
    found = scans()
    parts = [f"torch {torch.__version__}, threads: {asked.threads}."]
    for measured in (
        partial(speed, found, "as by default"),
        partial(speed_with_memory_kept, found),
        partial(growth, found),
        partial(errors, found, asked.weights),
    ):
        parts.append(measured())
        print(parts[-1], end="\n\n", flush=True)
    if asked.write:
        write_section("benchmarks/scan.py", "\n\n".join(parts))


if __name__ == "__main__":
    main()
