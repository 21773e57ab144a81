"""The end of a run: nobody writes any more, everyone hears the rest, and the books are compared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from benchmarks import ledger
from benchmarks.crash.crowd import Crowd
from benchmarks.crash.evidence import Evidence, from_database, from_history
from benchmarks.crash.judge import Account, Verdict, judge
from benchmarks.own_server import OwnServer

CATCH_UP = 90.0
"""Seconds within which everyone must have heard everything: clients look for a lost last event by
themselves within 75."""


def reckon(crowd: Crowd, server: OwnServer, database: str) -> tuple[Verdict, Account, float | None]:
    """The verdict, what it is based on, and seconds until nothing was missing (None: never).

    Closes the crowd. ``database`` as in ``evidence.from_database``.
    """
    begun = time.monotonic()
    people = crowd.cast.everyone
    crowd.stop()
    complete = crowd.until(Heard(crowd, from_database(server.home, database, people)), CATCH_UP)
    quiet = round(time.monotonic() - begun, 2) if complete else None
    crowd.close()
    stored = from_database(server.home, database, people)
    told = asyncio.run(from_history(server.connection, crowd.tokens, stored.members))
    account = Account(crowd.lines)
    return judge(account, stored, told), account, quiet


class Heard:
    """Whether everybody has heard everything; called with new lines."""

    def __init__(self, crowd: Crowd, stored: Evidence) -> None:
        self._missing = {
            (name, conversation): stored.counters[conversation]
            for conversation, names in stored.members.items()
            for name in names
            if stored.counters[conversation]
        }
        self(crowd.lines)

    def __call__(self, lines: Sequence[ledger.Line]) -> bool:
        """Look at more lines."""
        for line in lines:
            if line.what in (ledger.HEARD, ledger.CURSOR):
                place = (line.fields[0], int(line.fields[1]))
                if int(line.fields[2]) >= self._missing.get(place, 1 << 62):
                    del self._missing[place]
        return not self._missing
