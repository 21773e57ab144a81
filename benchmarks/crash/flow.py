"""How soon messages flow again: per stream the first message sent after a moment that was heard.

A stream is one person's messages to one other who must hear them; a service's stream are the requests
that the prober puts to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from benchmarks import ledger
from benchmarks.crash.cast import Stream
from benchmarks.ledger import Line

NS = 1_000_000_000


class Flow:
    """Watches from ``since`` (ns) on. ``feed`` it every line from before that moment or later."""

    def __init__(self, streams: Iterable[Stream], services: Iterable[str], since: int) -> None:
        self.since = since
        self._waiting: set[Stream] = set(streams)
        self._services = set(services)
        self._sent: set[str] = set()
        self._early: dict[str, list[tuple[int, Stream]]] = {}
        """Heard before the sender's own line was read: ledgers are read one after the other."""
        self._asked: dict[tuple[str, str], int] = {}
        self.back: dict[Stream | str, float] = {}
        """Seconds after ``since``, of each stream and service that flows again."""

    def feed(self, lines: Iterable[Line]) -> bool:
        """Look at more lines; whether everything flows."""
        for line in lines:
            if line.at < self.since:
                continue
            fields = line.fields
            if line.what == ledger.SENT:
                self._was_sent(fields[2], int(fields[3]))
            elif line.what == ledger.HEARD:
                self._heard(line.at, fields[0], fields[3], fields[4])
            elif line.what == ledger.ASKED:
                self._asked[fields[1], fields[2]] = line.at
            elif line.what == ledger.TOLD:
                self._told(line.at, fields[1], fields[2], fields[3])
        return not self._waiting and not self._services

    def _was_sent(self, identity: str, tries: int) -> None:
        """Counts when the first try was begun after the moment."""
        if tries == 1:
            self._sent.add(identity)
            for at, stream in self._early.pop(identity, ()):
                self._flows(stream, at)

    def _heard(self, at: int, hearer: str, identity: str, sender: str) -> None:
        stream = Stream(sender, hearer)
        if identity in self._sent:
            self._flows(stream, at)
        elif stream in self._waiting:
            self._early.setdefault(identity, []).append((at, stream))

    def _flows(self, stream: Stream, at: int) -> None:
        if stream in self._waiting:
            self._waiting.discard(stream)
            self.back[stream] = (at - self.since) / NS

    def _told(self, at: int, service: str, number: str, outcome: str) -> None:
        if service in self._services and outcome == "ok" and (service, number) in self._asked:
            self._services.discard(service)
            self.back[service] = (at - self.since) / NS

    @property
    def worst(self) -> float | None:
        """Seconds until the last one flowed; None when some never did."""
        return None if self._waiting or self._services else round(max(self.back.values()), 3)

    @property
    def slowest(self) -> str:
        """What flowed last, or never did."""
        late: list[Stream | str] = [*self._waiting, *self._services]
        late = late or [max(self.back, key=lambda one: self.back[one])]
        return ", ".join(one if isinstance(one, str) else f"{one.sender} to {one.hearer}" for one in late[:3])

    @property
    def typical(self) -> float | None:
        """The median; None when nothing flowed."""
        return round(median(self.back.values()), 3) if self.back else None
