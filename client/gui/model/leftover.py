"""What waits in the outbox, kept for the next window, so that it goes out under the same ids.

Belongs here: reading and writing that. Several windows of one user share the place: each takes out only what
it has seen answered, so none loses what another one has. It is written only where somebody stays logged in:
on a machine that is not theirs, nobody finds what they wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from client.gui.model.keeping import OUTBOX, owned
from client.gui.model.parcel import Parcel
from client.gui.model.problem import Problem
from client.gui.model.scribble import Scribble

if TYPE_CHECKING:
    from client.gui.model.model import Model

PACE: Final = 0.1
"""Seconds in which changes gather before they are written."""
CHARACTERS_MOST: Final = 1_000_000
"""Of all texts that are kept; a browser has room for 5 million. The newest beyond that wait unkept."""

Stored = dict[str, object]


class Leftover:
    """What one user of one server left. None of these raises."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._parcels: list[Parcel] = []
        self._gone: set[str] = set()
        self._written: set[str] = set()
        """Ids that are there because of us, or that we have taken over."""
        self._scribble = Scribble(self._write, PACE)
        self._name = ""

    async def read(self) -> list[Parcel]:
        """What was left, oldest first; what makes no sense is as if it had not been there."""
        self._name = owned(OUTBOX, self._model.entry.server, self._model.user)
        found = [parcel for stored in await self._stored() if (parcel := _parcel(stored)) is not None]
        self._written = {parcel.id.hex() for parcel in found}
        return found

    def keep(self, parcels: list[Parcel]) -> None:
        """These wait now."""
        self._parcels = parcels
        self._scribble.mark()

    def gone(self, id: bytes) -> None:
        """This one does not wait any more."""
        if id.hex() in self._written:
            self._gone.add(id.hex())

    async def forget(self) -> None:
        """Nothing is left."""
        await self._scribble.stop()
        if self._name:
            await self._model.keeping.put(self._name, "")

    async def close(self) -> None:
        """Keep what is not kept."""
        await self._scribble.close()

    async def _stored(self) -> list[Stored]:
        try:
            found = json.loads(await self._model.keeping.get(self._name) or "[]")
        except ValueError:
            return []
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    async def _write(self) -> None:
        kept = self._parcels if self._model.entry.remembered else []
        ours = {parcel.id.hex(): _stored(parcel) for parcel in kept}
        if not ours and not self._gone:
            return  # most messages are answered before they need to be kept
        self._written |= set(ours)
        known = set(ours) | self._gone
        others = [one for one in await self._stored() if one.get("id") not in known]
        stored = list(_bounded([*others, *ours.values()]))
        await self._model.keeping.put(self._name, json.dumps(stored) if stored else "")


def _bounded(stored: list[Stored]) -> Iterable[Stored]:
    room = CHARACTERS_MOST
    for one in stored:
        room -= len(str(one.get("text")))
        if room < 0:
            return
        yield one


def _stored(parcel: Parcel) -> Stored:
    refusal = [parcel.refusal.code, parcel.refusal.message] if parcel.refusal is not None else None
    return {
        "id": parcel.id.hex(),
        "to": parcel.to,
        "text": parcel.text,
        "put_at": parcel.put_at,
        "refusal": refusal,
    }


def _parcel(stored: Stored) -> Parcel | None:
    id, to, text, put_at = (stored.get(name) for name in ("id", "to", "text", "put_at"))
    if not (
        isinstance(id, str) and isinstance(to, str) and isinstance(text, str) and isinstance(put_at, int)
    ):
        return None
    try:
        found = Parcel(bytes.fromhex(id), to, text, put_at)
    except ValueError:
        return None
    refusal = stored.get("refusal")
    if isinstance(refusal, list) and len(refusal) == 2:
        found.refusal = Problem(str(refusal[0]), str(refusal[1]))
    return found if len(found.id) == 16 else None
