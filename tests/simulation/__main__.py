"""``python -m tests.simulation --seeds 1000``: many runs, a summary, exit code 1 when a rule was broken.

``--seed N`` plays one run; ``--build NAME`` plays a broken build; ``--realms`` plays runs of two realms.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from typing import Any

from tests.simulation.abroad import seeded_pair
from tests.simulation.broken import BUILDS, SOUND
from tests.simulation.broken_between import BETWEEN
from tests.simulation.neighbours import play_two
from tests.simulation.plan import seeded
from tests.simulation.world import Outcome, Violation, play


def main() -> int:
    """Run what the command line asks for."""
    options = _options()
    seeds = (
        [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    )
    begun = time.monotonic()
    counts: Counter[str] = Counter()
    settled: list[float] = []
    broken: list[str] = []
    seconds = steps = 0.0
    with multiprocessing.Pool(options.jobs) as pool:
        jobs = [(seed, options.build, options.realms) for seed in seeds]
        for outcome in pool.imap_unordered(_one, jobs, chunksize=4):
            if isinstance(outcome, str):
                broken.append(outcome)
                print(outcome, file=sys.stderr, flush=True)
                continue
            counts += outcome.counts
            settled += outcome.settled
            seconds += outcome.seconds
            steps += outcome.steps
    _print(
        {
            "seeds": len(seeds),
            "violations": len(broken),
            "real_seconds": round(time.monotonic() - begun, 1),
            "virtual_hours": round(seconds / 3600, 1),
            "steps": int(steps),
            "longest_until_whole_seconds": round(max(settled, default=0.0), 1),
            **{name.replace(" ", "_"): counts[name] for name in sorted(counts)},
        },
        options.json,
    )
    return int(bool(broken))


def _one(job: tuple[int, str, bool]) -> Outcome | str:
    seed, build, realms = job
    try:
        if realms:
            return play_two(seeded_pair(seed), BETWEEN.get(build, SOUND))
        return play(seeded(seed), BUILDS.get(build, SOUND))
    except Violation as violation:
        return str(violation)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many runs")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="one run with this seed")
    parser.add_argument(
        "--build", default="", choices=["", *BUILDS, *BETWEEN], help="a build that is broken on purpose"
    )
    parser.add_argument("--realms", action="store_true", help="two realms that are paired")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _print(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):32} {value}")


if __name__ == "__main__":
    sys.exit(main())
