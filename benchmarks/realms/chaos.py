"""``python -m benchmarks realms --chaos``: messages in both directions while everything breaks at random.

Writes until so many messages went each way between two of three realms, then lets everything settle and
holds the realms against each other. With ``--hosts`` the realms live on hosts of their own.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import ledger
from benchmarks.crash.judge import KINDS
from benchmarks.figures import OthersShare
from benchmarks.realms.blows import BLOWS, deal
from benchmarks.realms.books import Books
from benchmarks.realms.cast import RealmCast
from benchmarks.realms.hosts import lacking
from benchmarks.realms.scene import Scene, total

MESSAGES = 10_000
"""Each way."""
BLOWS_LEAST = 12
"""How many fall, however soon the messages are written."""
BETWEEN = (0.3, 1.5)
"""Seconds between two blows."""


def chaos(cast: RealmCast, *, messages: int, seed: int, on_hosts: bool) -> dict[str, Any]:
    """Figures of one run between three realms."""
    with Scene(cast, seed=seed, on_hosts=on_hosts) as scene:
        return play(scene, messages, at_random=BLOWS_LEAST)


def play(scene: Scene, messages: int, blows: Sequence[str] = (), *, at_random: int = 0) -> dict[str, Any]:
    """Everybody writes until so many messages went each way. The figures of it.

    ``blows`` fall in this order; at random at least so many fall, and on until the messages are written.
    """
    others = OthersShare()
    begun = time.monotonic()
    scene.go()
    left = list(blows)
    while _missing(scene, messages) or left or scene.counts.total() < at_random:
        scene.run(scene.random.uniform(*BETWEEN))
        if left:
            deal(scene, left.pop(0))
        elif at_random:
            deal(scene, scene.random.choice(list(BLOWS)))
    seconds = time.monotonic() - begun
    verdict, books, quiet = scene.reckon()
    errors = scene.errors()
    met = verdict.clean and quiet is not None
    return {
        "scenario": "realms chaos",
        "realms": scene.wires.kind,
        "seconds": round(seconds, 1),
        "blows": dict(scene.counts),
        **_told(scene, books),
        **{kind: verdict.counts[kind] for kind in KINDS},
        "caught_up_seconds": quiet,
        "others_cpu": others.share(),
        **({"found": verdict.notes} if verdict.notes else {}),
        **({"errors": errors} if errors else {}),
        **({} if met else {"logs": {one: each.complaints() for one, each in scene.realms.items()}}),
        "bar_met": met,
    }


def _told(scene: Scene, books: Sequence[Books]) -> dict[str, int]:
    """How much was said, by whom to whom."""
    sent = {line.fields[2] for each in books for line in each.lines if line.what == ledger.SENT}
    posts = max(len(each.database.messages.get(room, [])) for each in books for room in each.groups or [0])
    return {
        **{f"{one}_to_{other}": scene.sent(one, other) for one, other in scene.ways},
        "sent": len(sent),
        "acknowledged": total(books, ledger.ACKED),
        "in_the_group": posts,
        "handed_out": total(books, ledger.HEARD),
    }


def _missing(scene: Scene, messages: int) -> bool:
    """Whether there are to be more, either way."""
    return min(scene.sent("a", "b"), scene.sent("b", "a")) < messages


def main(arguments: Sequence[str]) -> int:
    """Run it; exit code 1 when anything was lost, doubled, out of order or never answered."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and so take everything away
    if options.hosts and (why := lacking()):
        print(f"No hosts of their own here, so processes on one machine instead. {why}", file=sys.stderr)
        options.hosts = False
    cast = RealmCast(pairs=options.pairs, rate=options.rate)
    figures = chaos(cast, messages=options.messages, seed=options.seed, on_hosts=options.hosts)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name.replace('_', ' '):20} {value}")
    return int(not figures["bar_met"])


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks realms --chaos", description=__doc__)
    parser.add_argument("--chaos", action="store_true", help="this")
    parser.add_argument("--messages", type=int, default=MESSAGES, help="between a and b, each way")
    parser.add_argument("--seed", type=int, default=1, help="of what is chosen at random")
    parser.add_argument("--pairs", type=int, default=8, help="who write to each other between a and b")
    parser.add_argument("--rate", type=float, default=25.0, help="messages a second of each who writes")
    parser.add_argument("--hosts", action="store_true", help="each realm on a host of its own; needs root")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(arguments)
