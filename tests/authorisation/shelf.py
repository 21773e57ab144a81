"""The shelf: files and uploads of the people on the stage, made by commands on the wire and on bulk.

Not here: who may do what with them (``table``), nor which of them a row is about (``file_aims``).
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from tests.authorisation.doors import BulkLine, WireSeat
from tests.authorisation.table import LOGGED_IN

if TYPE_CHECKING:
    from tests.authorisation.stage import Scene

SIZE: Final = 16
"""Bytes of every file here, no two of which are the same."""


def message_id() -> bytes:
    """A fresh one."""
    return secrets.token_bytes(16)


class Shelf:
    """Does for people on the wire what takes both sockets. An upload's bytes are its id."""

    def __init__(self, line: BulkLine) -> None:
        self.line = line

    def begin(self, who: WireSeat, **place: Any) -> bytes:
        """A new upload; its id."""
        id = message_id()
        who.ask("file.begin", id=id, size=SIZE, **place)
        return id

    def ask(self, who: WireSeat, command: str, data: bytes | None = None, **fields: Any) -> dict[str, Any]:
        """What must succeed on the bulk socket; what it told."""
        outcome = self.line.do(who.token, command, data, **fields)
        assert outcome.code == "ok", f"{command}: {outcome}"
        return outcome.body

    def put(self, who: WireSeat, **place: Any) -> bytes:
        """A new upload all of whose bytes are there; its id."""
        id = self.begin(who, **place)
        self.ask(who, "chunk.put", id, upload=id, offset=0)
        return id

    def seal(self, who: WireSeat, **place: Any) -> bytes:
        """A new upload that could be finished; its id."""
        id = self.put(who, **place)
        self.ask(who, "chunk.seal", upload=id)
        return id

    def make(self, who: WireSeat, **place: Any) -> int:
        """A new file; its number."""
        id = self.seal(who, **place)
        return int(who.ask("file.finish", upload=id)["file"]["file"])

    def close(self) -> None:
        """Hang up."""
        self.line.close()


class Files:
    """What a scene needs that can be made only while ani is in the group, for those who are to leave it.

    ``from_citra`` is a file of citra's there, ``from_ani`` one of ani's own; ``begun``, ``put`` and
    ``sealed`` are uploads of ani's to it, that far each, ``spare`` some more, and ``to_delete`` more files.
    If ani never was in it, there is nothing of ani's.
    """

    def __init__(self, shelf: Shelf, scene: Scene) -> None:
        place = {"to": f"#{scene.locked}", "name": "laporan.txt"}
        self.from_citra = shelf.make(scene.citra, **place)
        self.from_ani = 0
        self.begun = self.put = self.sealed = b""
        self.spare: list[bytes] = []
        self.to_delete: list[int] = []
        if scene.relation in ("creator", "member", "removed", "left"):
            self.from_ani = shelf.make(scene.keeper, **place)
            self.begun = shelf.begin(scene.keeper, **place)
            self.put = shelf.put(scene.keeper, **place)
            self.sealed = shelf.seal(scene.keeper, **place)
            self.spare = [shelf.begin(scene.keeper, **place) for _ in LOGGED_IN]
            self.to_delete = [shelf.make(scene.keeper, **place) for _ in LOGGED_IN]
