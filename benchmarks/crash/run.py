"""``python -m benchmarks crash``: every scenario in turn, its figures, and whether the bars were met."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.crash.cast import Cast
from benchmarks.crash.flow import Flow
from benchmarks.crash.judge import KINDS
from benchmarks.crash.reckoning import reckon
from benchmarks.crash.scenarios import POSTGRES_ONLY, SCENARIOS, SQLITE_ONLY, Blow, Scenario
from benchmarks.crash.scene import Scene
from benchmarks.crash.transfers.run import main as crash_files
from benchmarks.figures import OthersShare

WARM_UP = 2.0
BETWEEN = 1.5
"""Seconds of undisturbed writing before and after each blow."""


def crash(
    names: Sequence[str] = (), *, cast: Cast, database: str = "", rounds: int = 0, seed: int = 1
) -> Iterator[dict[str, Any]]:
    """Figures of each scenario in turn; all of them unless ``names`` says which."""
    elsewhere = SQLITE_ONLY if database else POSTGRES_ONLY
    for scenario in SCENARIOS:
        if (names and scenario.name not in names) or scenario.name in elsewhere:
            continue
        yield run(scenario, cast, database, rounds or scenario.rounds, seed)


def run(scenario: Scenario, cast: Cast, database: str, rounds: int, seed: int) -> dict[str, Any]:
    """One scenario on a server of its own."""
    flows: list[tuple[Blow, Flow]] = []
    others = OthersShare()
    with Scene(
        cast,
        seed=seed,
        database=database,
        counts=scenario.counts,
        proxied=scenario.proxied,
        small_disk=scenario.small_disk,
        supervised=scenario.supervised,
    ) as scene:
        scene.run(WARM_UP)
        for _ in range(rounds):
            blow = scenario.blow(scene)
            flows.append((blow, scene.flow_since(blow.since)))
            scene.run(BETWEEN)
        verdict, account, quiet = reckon(scene.crowd, scene.server, scene.database)
        errors = scene.server.errors() if "Traceback" in scene.server.errors() else ""
    return {
        "scenario": scenario.name,
        "blows": rounds,
        "sent": len(account.sent),
        "acknowledged": len(account.acked),
        "handed_out": sum(len(heard) for heard in account.heard.values()),
        **{kind: verdict.counts[kind] for kind in KINDS},
        "flow_from": scenario.measured_from,
        **_flow_figures(flows),
        "flow_bar": scenario.bar,
        "caught_up_seconds": quiet,
        "calls_failed": account.counts["calls_failed"] + account.counts["probes_failed"],
        "told_duplicate": account.counts["told_duplicate"],
        "others_cpu": others.share(),
        **scene.notes,
        **({"found": verdict.notes} if verdict.notes else {}),
        **({"errors": errors} if errors else {}),
        "bar_met": verdict.clean and _within(flows, scenario.bar),
    }


def _flow_figures(flows: list[tuple[Blow, Flow]]) -> dict[str, Any]:
    """The worst stream of the worst blow, the median of the worst blow, and the worst since it fell."""
    worst = [flow.worst for _, flow in flows]
    known = [seconds for seconds in worst if seconds is not None]
    fell = [
        seconds + (blow.since - blow.fell) / 1e9
        for (blow, _), seconds in zip(flows, worst, strict=True)
        if seconds is not None
    ]
    return {
        "flow_worst_seconds": max(known) if len(known) == len(worst) and known else None,
        "flow_median_seconds": max((flow.typical or 0.0) for _, flow in flows),
        "flow_slowest": [flow.slowest for _, flow in flows],
        "flow_worst_since_blow": round(max(fell), 3) if fell else None,
        "flow_missing": sum(flow.worst is None for _, flow in flows),
    }


def _within(flows: list[tuple[Blow, Flow]], bar: float | None) -> bool:
    """Whether everything flowed again after every blow, within the bar if there is one."""
    return all(flow.worst is not None and (bar is None or flow.worst <= bar) for _, flow in flows)


# --- the command ------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """Run what the command line names; exit code 1 when a bar was missed. ``--files``: of files."""
    if "--files" in arguments:
        return crash_files([argument for argument in arguments if argument != "--files"])
    options = _options(arguments)
    cast = Cast(pairs=options.pairs, members=options.members, posters=options.posters, rate=options.rate)
    names = [name for name in options.only.split(",") if name]
    show = json.dumps if options.json else _row if options.markdown else _line
    if options.markdown:
        print(TABLE_HEAD)
    missed = 0
    for figures in crash(
        names, cast=cast, database=options.database, rounds=options.rounds, seed=options.seed
    ):
        missed += not figures["bar_met"]
        print(show(figures), flush=True)
    return int(missed > 0)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks crash", description=__doc__)
    parser.add_argument(
        "--only", default="", help="scenarios, with commas: " + ", ".join(one.name for one in SCENARIOS)
    )
    parser.add_argument("--database", default="", help="a PostgreSQL address; default: SQLite")
    parser.add_argument("--rounds", type=int, default=0, help="blows of each scenario; default: its own")
    parser.add_argument("--seed", type=int, default=1, help="of what is chosen at random")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--members", type=int, default=10, help="of the group")
    parser.add_argument("--posters", type=int, default=3, help="members who write")
    parser.add_argument("--rate", type=float, default=15.0, help="messages a second of each of a pair")
    parser.add_argument("--files", action="store_true", help="the matrix of files; see its own --help")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--markdown", action="store_true", help="rows of the table in docs/RELIABILITY.md")
    options = parser.parse_args(arguments)
    unknown = set(filter(None, options.only.split(","))) - {one.name for one in SCENARIOS}
    unknown |= set(options.only.split(",")) & set(SQLITE_ONLY if options.database else POSTGRES_ONLY)
    if unknown:
        parser.error(f"no such scenario on this database: {', '.join(sorted(unknown))}")
    return options


COLUMNS = (
    *("scenario", "blows", "acknowledged", "lost", "doubled", "out of order", "for ever"),
    *("flow after", "seconds", "bar", "others' CPU"),
)
TABLE_HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


def _row(figures: dict[str, Any]) -> str:
    """One scenario for docs/RELIABILITY.md."""
    worst, typical = figures["flow_worst_seconds"], figures["flow_median_seconds"]
    seconds = "never" if worst is None else f"{worst:.2f} ({typical:.2f})"
    cells = [
        figures["scenario"],
        figures["blows"],
        f"{figures['acknowledged']:,}",
        *(figures[kind] for kind in KINDS),
        figures["flow_from"],
        seconds,
        f"{figures['flow_bar']:g}" if figures["flow_bar"] else "",
        f"{figures['others_cpu']:.0%}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def _line(figures: dict[str, Any]) -> str:
    """One scenario for people."""
    bar = f"(bar {figures['flow_bar']} s)" if figures["flow_bar"] else "(no bar)"
    text = (
        f"{'ok  ' if figures['bar_met'] else 'MISS'} {figures['scenario']:20}"
        f" acknowledged {figures['acknowledged']:6} of {figures['sent']:6}"
        f"  lost {figures['lost']}  doubled {figures['doubled']}  out of order {figures['out_of_order']}"
        f"  forever {figures['forever']}  flows {figures['flow_worst_seconds']} s"
        f" (median {figures['flow_median_seconds']}) after {figures['flow_from']} {bar}"
    )
    for kind, notes in figures.get("found", {}).items():
        text += "".join(f"\n     {kind}: {note}" for note in notes)
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
