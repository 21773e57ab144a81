"""``python -m tests.fuzz.zmtp --seconds N --json``: with CURVE, then without; 1 if anybody noticed."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

from tests.fuzz.zmtp.attackers import ALL
from tests.fuzz.zmtp.run import against, faults


def main() -> int:
    """Attack both servers and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.zmtp")
    parser.add_argument("--seconds", type=float, default=60, help="for each of the two servers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(ALL), help="only these, separated by commas")
    parser.add_argument("--only", choices=["curve", "plain"], help="one server only")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    servers = {"curve": [True], "plain": [False], None: [True, False]}[options.only]
    runs = [
        asyncio.run(against(curve, options.seconds, options.seed, options.kinds.split(",")))
        for curve in servers
    ]
    if options.json:
        print(json.dumps(runs, indent=2))
    else:
        for run in runs:
            tell(run)
    return 1 if any(map(faults, runs)) else 0


def tell(run: dict[str, Any]) -> None:
    """A run in some lines."""
    pair, broker, inputs = run["pair"], run["broker"], run["inputs"]
    print(f"{'CURVE' if run['curve'] else 'no encryption'}, {run['seconds']:.0f} s")
    print(
        f"  {sum(inputs.values()):,} inputs, {run['connections']:,} connections, {run['bytes'] >> 20:,} MiB"
    )
    print("  " + ", ".join(f"{name} {count:,}" for name, count in inputs.items()))
    print(f"  pair: {pair['messages']} messages, {pair['lost']} lost, {pair['doubled']} doubled, ", end="")
    print(f"{pair['reconnects']} reconnects, delivery {pair['delivery']}")
    print(f"  broker: {broker}")
    print(f"  noticed: {', '.join(faults(run)) or 'nothing'}")


if __name__ == "__main__":
    sys.exit(main())
