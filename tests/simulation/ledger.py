"""What was stored, as it was first seen: no later look may show it otherwise.

Here: the messages of one run, by conversation and number, and every way in which the store, an event or
an answer can contradict them. Reading the database is ``book``'s.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One stored message."""

    conversation: int
    seq: int
    sender: str
    id: bytes
    body: str


class Ledger:
    """Grows with every transaction. A conversation that is gone from the store stays in here."""

    def __init__(self) -> None:
        self.rows: dict[int, list[Row]] = {}
        """Messages by conversation, number 1 first."""
        self.place: dict[tuple[str, bytes], Row] = {}
        """Messages by sender and id."""

    def newest(self, conversation: int) -> int:
        """The number of the newest message seen."""
        return len(self.rows.get(conversation, ()))

    def enter(
        self, conversation: int, counter: int, rows: Sequence[Row], gone: Container[int] = ()
    ) -> Iterator[str]:
        """Messages behind ``newest`` that a transaction has stored; ``counter``: how many there are now.

        ``gone``: copies that are no more, and whose messages may come again.
        """
        known = self.rows.setdefault(conversation, [])
        if [row.seq for row in rows] != list(range(len(known) + 1, counter + 1)):
            numbers = [row.seq for row in rows]
            yield f"conversation {conversation}: {numbers} follow {len(known)}, its counter says {counter}"
            return
        for row in rows:
            twin = self.place.get((row.sender, row.id))
            if twin is not None and twin.conversation not in gone:
                yield f"{row.sender}'s {row.body!r} is stored at {row[:2]} and at {twin[:2]}"
            self.place[row.sender, row.id] = row
            known.append(row)

    def compare(self, counters: dict[int, int], rows: Iterable[Row]) -> Iterator[str]:
        """The whole store against everything that was ever seen in it."""
        found: dict[int, list[Row]] = {}
        for row in rows:
            found.setdefault(row.conversation, []).append(row)
        for conversation, counter in counters.items():
            stored, known = found.pop(conversation, []), self.rows.get(conversation, [])
            if [row.seq for row in stored] != list(range(1, counter + 1)):
                numbers = [row.seq for row in stored]
                yield f"conversation {conversation} has numbers {numbers}, its counter says {counter}"
            elif stored != known:
                changed = [new for new, old in zip(stored, known, strict=False) if new != old]
                yield f"conversation {conversation} is not what it was: {changed or len(stored)}"
        for conversation in found:
            yield f"conversation {conversation} is gone, and its messages are not"

    def contradicted(self, conversation: int, seq: int, sender: str, id: bytes, body: str) -> bool:
        """Whether something is told of a message that was not stored like that."""
        rows = self.rows.get(conversation, [])
        return not 0 < seq <= len(rows) or rows[seq - 1] != (conversation, seq, sender, id, body)
