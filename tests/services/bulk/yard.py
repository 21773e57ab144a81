"""A file worker's desk, sealer and janitor without sockets, and uploads that are there without a command."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from config.log import LogFile, ServerLog
from config.settings import Settings
from protocol.bulk import SealReply
from protocol.envelope import pack_body, pack_request, unpack_body, unpack_reply
from protocol.errors import OK, failure
from services.file import staging
from services.file.blobs import BlobStore, open_blobs
from services.file.bulk.desk import Desk, Reading, Sealing
from services.file.bulk.janitor import Janitor
from services.file.bulk.sealing import Sealer
from services.storage import blobs, files, uploads, usage
from services.storage.engine import Store
from services.storage.uploads import Upload
from tests.services.world import NOW, World

CHUNK = 4096
"""Small chunks do as well."""


def some_bytes(size: int, seed: int = 0) -> bytes:
    """Bytes that say where they belong."""
    return b"".join(b"%7d %d\n" % (at, seed) for at in range(size // 8))[:size].ljust(size, b".")


class Yard:
    """``now`` in microseconds is the clock of all of them."""

    def __init__(self, settings: Settings, store: Store, storage: BlobStore | None = None) -> None:
        self.settings = settings
        self.store = store
        self.world = World(settings, store)
        self.now = NOW
        self.log = ServerLog(LogFile(settings.home / "log", 1 << 20, 1), "file")
        self.storage = storage or open_blobs(settings)
        self.desk = self.another_desk()
        self.sealer = self.another_sealer()
        self.janitor = Janitor(settings, store, self.storage, self.log, lambda: self.now)

    def another_desk(self) -> Desk:
        """Of another worker."""
        return Desk(self.settings, self.store, self.log, lambda: self.now)

    def another_sealer(self) -> Sealer:
        """Of another worker."""
        return Sealer(self.settings, self.store, self.storage, lambda: self.now)

    def close(self) -> None:
        """Let go of what is open."""
        self.desk.close()
        self.janitor.close()
        self.log.close()

    # --- people -------------------------------------------------------------------------------------

    def user(self, who: str) -> int:
        """Somebody's number."""
        return self.world.people[who].user_id

    @staticmethod
    def token(who: str) -> bytes:
        """Of the session that everybody has."""
        return who.encode().ljust(16)

    # --- uploads ------------------------------------------------------------------------------------

    def begin(
        self, who: str, size: int, *, claimed: bytes | None = None, id: bytes = b"", chunk: int = CHUNK
    ) -> bytes:
        """An upload of which nothing is held; its id."""
        id = id or secrets.token_bytes(16)
        row = Upload(
            self.user(who), id, size, chunk, "", "", id.hex(), "", 0, claimed, None, "", self.now, self.now
        )
        with self.store.write() as tx:
            usage.locked(tx, self.user(who))
            uploads.add(tx, row)
            usage.change(tx, self.user(who), 0, size)
        return id

    def ask(
        self, command: str, who: str, payload: bytes | None = None, desk: Desk | None = None, **fields: Any
    ) -> dict[str, Any] | Reading | Sealing:
        """What the desk makes of a request; raises its refusal."""
        envelope = pack_request(7, self.token(who), command, pack_body(fields))
        answer = (desk or self.desk).answer(envelope, None if payload is None else memoryview(payload))
        if not isinstance(answer, bytes):
            assert answer is not None
            return answer
        reply = unpack_reply(answer)
        assert reply.request_id == 7
        if reply.status != OK:
            raise failure(reply.status, unpack_body(reply.body))
        return unpack_body(reply.body)

    def put(self, who: str, id: bytes, offset: int, payload: bytes, desk: Desk | None = None) -> None:
        """One chunk."""
        assert self.ask("chunk.put", who, payload, desk, upload=id, offset=offset) == {}

    def put_all(self, who: str, id: bytes, data: bytes, chunk: int = CHUNK) -> None:
        """Every chunk, in order."""
        for offset in range(0, len(data), chunk):
            self.put(who, id, offset, data[offset : offset + chunk])

    def upload(self, who: str, data: bytes, *, chunk: int = CHUNK, **fields: Any) -> bytes:
        """An upload of which everything is held."""
        id = self.begin(who, len(data), chunk=chunk, **fields)
        self.put_all(who, id, data, chunk)
        return id

    def seal(self, who: str, id: bytes, sealer: Sealer | None = None) -> SealReply:
        """Seal it, with what the desk has hashed."""
        asked = self.ask("chunk.seal", who, upload=id)
        assert isinstance(asked, Sealing)
        return (sealer or self.sealer).seal(asked.user, asked.upload, asked.tally)

    def file(self, who: str, data: bytes, conversation: int | None = None, chunk: int = CHUNK) -> int:
        """A finished file, in its owner's own space or a conversation; its number."""
        id = self.upload(who, data, chunk=chunk)
        sealed = self.seal(who, id)
        folder = "" if conversation is None else None
        with self.store.write() as tx:
            number = files.add(
                tx, self.user(who), id, folder, id.hex(), len(data), sealed.type, sealed.sha256, self.now
            )
            if conversation is not None:
                files.place(tx, number, conversation, number)
            uploads.delete(tx, self.user(who), id)
        return number

    def read(self, who: str, file: int, offset: int = 0, length: int = CHUNK) -> bytes:
        """A part of a file."""
        reading = self.ask("chunk.get", who, file=file, offset=offset, length=length)
        assert isinstance(reading, Reading)
        return self.storage.read(reading.sha256, reading.offset, reading.length) if reading.length else b""

    def forget(self, who: str, id: bytes) -> None:
        """As a cancelled upload."""
        with self.store.write() as tx:
            row = uploads.get(tx, self.user(who), id)
            assert row is not None
            uploads.delete(tx, self.user(who), id)
            usage.change(tx, self.user(who), 0, -row.size)
            blobs.release(tx, [row.sha256] if row.sha256 else [], self.now)
        staging.remove(self.settings, self.user(who), id)

    # --- looking ------------------------------------------------------------------------------------

    def staged(self) -> list[str]:
        """Names in the staging folder."""
        folder = staging.folder(self.settings)
        return sorted(file.name for file in folder.iterdir()) if folder.exists() else []

    def kept(self) -> dict[bytes, int]:
        """What is in storage."""
        return dict(self.storage.every())

    def states(self) -> dict[bytes, str]:
        """What the database says of it."""
        with self.store.read() as tx:
            return {row[0]: row[1] for row in tx.rows("select sha256, state from blobs")}

    def used(self, who: str) -> int:
        """Bytes that count for somebody."""
        with self.store.read() as tx:
            return usage.used(tx, self.user(who)).bytes

    def uploads(self) -> int:
        """How many there are."""
        return int(self.world.row("select count(*) from uploads")[0])

    def clean(self, again: bool = False) -> None:
        """The janitor's looks, an hour later: leftovers, too."""
        for hour in (3, 4) if again else (1, 2):
            assert self.janitor.due(hour * 10_000.0)
            self.janitor.look()


def with_settings(settings: Settings, **fields: Any) -> Settings:
    """The same with other ones."""
    return msgspec.structs.replace(settings, **fields)
