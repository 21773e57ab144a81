"""Rows of our own messages that stand behind all pages: those without an answer, and those just stored.

Belongs here: keeping a message in its place from the moment it was typed until it is heard on a page.
"""

from __future__ import annotations

from collections.abc import Iterable

from client.gui.model.markup import blocks
from client.gui.model.parcel import Parcel
from client.gui.model.rows import Before, Mark, Row, Said, Scribe, begins_run


class Waiting:
    """Of one room."""

    def __init__(self, scribe: Scribe) -> None:
        self._scribe = scribe
        self._landed: dict[int, Parcel] = {}
        """By seq: stored, and not heard yet."""
        self._made: dict[bytes, Said] = {}
        """Rows as they were made last, so that no text is read twice."""

    def landed(self, parcel: Parcel, seq: int) -> None:
        """This one is stored."""
        self._landed[seq] = parcel

    def shown_up_to(self, seq: int) -> bool:
        """Messages up to this one are on pages; whether any of them stood here."""
        shown = [one for one in self._landed if one <= seq]
        for one in shown:
            del self._landed[one]
        return bool(shown)

    def cut(self, seq: int) -> None:
        """There is nothing behind this message any more."""
        self._landed = {one: parcel for one, parcel in self._landed.items() if one <= seq}

    def rows(self, parcels: Iterable[Parcel], before: Before | None) -> list[Row]:
        """All of them, behind ``before``."""
        rows: list[Row] = []
        made: dict[bytes, Said] = {}
        landed = [(parcel, seq) for seq, parcel in sorted(self._landed.items())]
        for parcel, seq in [*landed, *((parcel, 0) for parcel in parcels)]:
            line = self._scribe.day_line(before, parcel.put_at, f"d{parcel.id.hex()}")
            if line is not None:
                rows.append(line)
            head = line is not None or begins_run(before, self._scribe.user, parcel.put_at)
            said = self._said(parcel, head, seq)
            made[parcel.id] = said
            rows.append(said)
            before = Before(self._scribe.user, parcel.put_at)
        self._made = made
        return rows

    def _said(self, parcel: Parcel, head: bool, seq: int) -> Said:
        refusal = parcel.refusal.message if parcel.refusal is not None else ""
        mark = Mark.SENT if seq or parcel.passed_on else Mark.WAITING
        mark = mark if parcel.refusal is None else Mark.REFUSED
        known = self._made.get(parcel.id)
        if known is not None and _is(known, parcel, head, mark, refusal):
            return known
        return Said(
            key=f"w{parcel.id.hex()}",
            seq=0,
            id=parcel.id,
            sender=self._scribe.user,
            body=parcel.text,
            blocks=known.blocks if known is not None else blocks(parcel.text),
            sent_at=parcel.put_at,
            own=True,
            head=head,
            mark=mark,
            refusal=refusal,
        )


def _is(row: Said, parcel: Parcel, head: bool, mark: Mark, refusal: str) -> bool:
    """Whether a row that was made before is still right."""
    return (row.head, row.mark, row.refusal, row.sent_at) == (head, mark, refusal, parcel.put_at)
