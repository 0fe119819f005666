"""`make fuzz`: campaigns one after the other, counts by class, exit code 1 where there was a fault."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz.campaign import CAMPAIGNS, run_campaign


def main() -> int:
    """Run what was asked for and print the counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("campaigns", nargs="*", metavar="CAMPAIGN", help=f"of {', '.join(CAMPAIGNS)}; default all")
    parser.add_argument("--minutes", type=float, default=4.0, help="in all; default %(default)g")
    parser.add_argument("--seed", type=int, help="of the first round; default the time. A fault names its round's.")
    parser.add_argument("--keep", type=Path, default=Path("runs/fuzz"), help="where faults go; default %(default)s")
    asked = parser.parse_args()
    names = asked.campaigns or CAMPAIGNS
    if unknown := set(names) - set(CAMPAIGNS):
        parser.error(f"no campaign {sorted(unknown)[0]!r}; expected one of {', '.join(CAMPAIGNS)}")
    seed = int(time.time()) if asked.seed is None else asked.seed
    print(f"seed {seed}, {asked.minutes:g} minutes", flush=True)
    faults = 0
    for name in names:
        began = time.monotonic()
        counts = run_campaign(name, seed=seed, seconds=asked.minutes * 60 / len(names), keep=asked.keep / name)
        print(f"{name}: {counts.told()}; {time.monotonic() - began:.0f} s", flush=True)
        faults += len(counts.faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
