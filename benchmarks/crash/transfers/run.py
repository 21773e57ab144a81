"""``python -m benchmarks crash --files``: every scenario of transfers in turn, and whether bars were met."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.crash.transfers.judge import KINDS, judge
from benchmarks.crash.transfers.scenarios import MIB, ROUNDS, SCENARIOS, Scenario
from benchmarks.crash.transfers.stage import PROGRAM, Stage
from benchmarks.figures import OthersShare
from protocol.limits import FILE_WINDOW


def crash_files(
    names: Sequence[str] = (),
    *,
    mib: int = MIB,
    rounds: int = ROUNDS,
    seed: int = 1,
    database: str = "",
    program: str = PROGRAM,
    workers: str = "services",
) -> Iterator[dict[str, Any]]:
    """Figures of each scenario in turn; all of them unless ``names`` says which."""
    for scenario in SCENARIOS:
        if not names or scenario.name in names:
            stage = Stage(
                seed=seed,
                database=database,
                supervised=scenario.supervised,
                file_workers=scenario.file_workers,
                program=program,
                workers=workers,
            )
            yield run(scenario, stage, mib, rounds)


def run(scenario: Scenario, stage: Stage, mib: int, rounds: int) -> dict[str, Any]:
    """One scenario on a server of its own."""
    others = OthersShare()
    with stage:
        transfers = list(scenario.play(stage, mib, rounds))
        verdict = judge(transfers, stage.kept())
        errors = stage.errors()
    struck = [one for one in transfers if one.blows]
    return {
        "scenario": scenario.name,
        "transfers": len(transfers),
        "bytes": sum(one.size for one in transfers),
        "blows": sum(one.blows for one in struck),
        **{kind: verdict.counts[kind] for kind in KINDS},
        "met_while": dict(Counter(phase for one in struck for phase in one.phases)),
        "again_chunks_most": round(max(one.again / one.blows for one in struck), 1),
        "again_bar": FILE_WINDOW,
        "seconds_worst": round(max(one.seconds for one in struck), 2),
        "seconds_median": round(statistics.median(one.seconds for one in struck), 2),
        "hindered": dict(Counter(error for one in transfers for error in one.hindered)),
        "others_cpu": others.share(),
        **({"found": verdict.notes} if verdict.notes else {}),
        **({"errors": errors} if errors else {}),
        "bar_met": verdict.clean,
    }


# --- the command ------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """Run what the command line names; exit code 1 when a bar was missed."""
    options = _options(arguments)
    show = json.dumps if options.json else _row if options.markdown else _line
    if options.markdown:
        print(TABLE_HEAD)
    missed = 0
    for figures in crash_files(
        [name for name in options.only.split(",") if name],
        mib=options.mib,
        rounds=options.rounds,
        seed=options.seed,
        database=options.database,
    ):
        missed += not figures["bar_met"]
        print(show(figures), flush=True)
    return int(missed > 0)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks crash --files", description=__doc__)
    names = [one.name for one in SCENARIOS]
    parser.add_argument("--only", default="", help="scenarios, with commas: " + ", ".join(names))
    parser.add_argument("--database", default="", help="a PostgreSQL address; default: SQLite")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="blows of each scenario")
    parser.add_argument("--mib", type=int, default=MIB, help="size of a file")
    parser.add_argument("--seed", type=int, default=1, help="of what is chosen at random")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--markdown", action="store_true", help="rows of the table in docs/RELIABILITY.md")
    options = parser.parse_args(arguments)
    unknown = set(filter(None, options.only.split(","))) - set(names)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    return options


COLUMNS = (
    *("scenario", "blows", "they met it", "corrupt", "lost", "doubled", "left"),
    *("for ever", "chunks again", "bar", "seconds", "others' CPU"),
)
TABLE_HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


def _row(figures: dict[str, Any]) -> str:
    """One scenario for docs/RELIABILITY.md."""
    cells = [
        figures["scenario"],
        figures["blows"],
        ", ".join(f"{phase} {count}" for phase, count in sorted(figures["met_while"].items())),
        *(figures[kind] for kind in ("corrupt", "lost", "doubled", "left", "forever")),
        figures["again_chunks_most"],
        figures["again_bar"],
        f"{figures['seconds_worst']:.2f} ({figures['seconds_median']:.2f})",
        f"{figures['others_cpu']:.0%}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def _line(figures: dict[str, Any]) -> str:
    """One scenario for people."""
    text = (
        f"{'ok  ' if figures['bar_met'] else 'MISS'} {figures['scenario']:16} {figures['blows']:3} blows"
        + "".join(f"  {kind} {figures[kind]}" for kind in KINDS)
        + f"  chunks again {figures['again_chunks_most']} (bar {figures['again_bar']})"
        f"  done after {figures['seconds_worst']} s (median {figures['seconds_median']})"
        f"  {figures['met_while']} {figures['hindered'] or ''}"
    )
    for kind, notes in figures.get("found", {}).items():
        text += "".join(f"\n     {kind}: {note}" for note in notes)
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
