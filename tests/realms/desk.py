"""Files in a town: sent as a client sends them, and opened at the desk of a file worker, without sockets."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from config.settings import Settings
from protocol.envelope import pack_body, pack_request, unpack_body, unpack_reply
from protocol.errors import Busy, failure
from protocol.limits import FILE_CHUNK_BYTES
from services.file import staging
from services.file.blobs import open_blobs
from services.file.bulk.desk import Desk, Reading
from services.file.bulk.sealing import Sealer
from services.file.bulk.staged import Staged
from services.storage import fetches, sessions, transfers
from tests.realms.town import Realm, Town


def sha(data: bytes) -> bytes:
    """SHA-256 of some bytes."""
    return hashlib.sha256(data).digest()


class Files:
    """The file service of one realm, as its people use it."""

    def __init__(self, town: Town, realm: str) -> None:
        self.town = town
        self.realm: Realm = town[realm]
        self.settings: Settings = self.realm.settings
        self.storage = open_blobs(self.settings)
        self._tokens: dict[str, bytes] = {}
        store: Any = self.realm.store
        self._desk = Desk(self.settings, store, self.realm.log, lambda: town.wall)
        self._sealer = Sealer(self.settings, store, self.storage, lambda: town.wall)

    def send(self, who: str, to: str, data: bytes, name: str = "surat.txt") -> dict[str, Any]:
        """A file to somebody or a group: what ``file.finish`` answers."""
        id = self.hold(who, to, data, name)
        self.seal(who, id)
        return self.realm.do(who, "file.finish", upload=id)

    def hold(self, who: str, to: str, data: bytes, name: str = "surat.txt") -> bytes:
        """An upload of which every chunk is held; its id."""
        id = uuid.uuid4().bytes
        self.realm.do(who, "file.begin", id=id, size=len(data), to=to, name=name)
        with self.realm.store.read() as tx:
            upload = transfers.upload_of(tx, self.realm.people[who].user_id, id)
        assert upload is not None
        staged = Staged(self.settings, upload)
        for chunk in range(staged.chunks):
            at = chunk * upload.chunk_bytes
            staged.put(chunk, memoryview(data)[at : at + upload.chunk_bytes])
        staged.close()
        return id

    def seal(self, who: str, upload: bytes) -> None:
        """Have it be what is finished next."""
        self._sealer.seal(self.realm.people[who].user_id, upload)

    def get(self, who: str, file: int, offset: int = 0, length: int = FILE_CHUNK_BYTES) -> bytes:
        """A chunk; raises the refusal."""
        fields = {"file": file, "offset": offset, "length": length}
        envelope = pack_request(7, self._token(who), "chunk.get", pack_body(fields))
        answer = self._desk.answer(envelope, None)
        if isinstance(answer, Reading):
            return self.storage.read(answer.sha256, answer.offset, answer.length) if answer.length else b""
        assert isinstance(answer, bytes)
        reply = unpack_reply(answer)
        raise failure(reply.status, unpack_body(reply.body))

    def open(self, who: str, file: dict[str, Any], seconds: float = 300.0) -> bytes:
        """All of a file, as a client that waits while it hears ``busy``."""
        self.wait(who, file["file"], seconds)
        return b"".join(
            self.get(who, file["file"], offset) for offset in range(0, file["size"] or 1, FILE_CHUNK_BYTES)
        )

    def wait(self, who: str, file: int, seconds: float = 300.0) -> None:
        """Until the file is here; raises a refusal that is more than ``busy``."""
        end = self.town.network.now + seconds
        while True:
            try:
                self.get(who, file)
                return
            except Busy:
                assert self.town.network.now < end, "this file never came"
                self.town.run(0.2)

    def held(self, who: str, file: int) -> int:
        """How many bytes of it are here, as whoever waits for it is told unless the other realm is away."""
        try:
            self.get(who, file)
        except Busy as busy:
            with self.realm.store.read() as tx:
                fetch = fetches.get(tx, file)
            assert fetch is not None
            held = staging.fetched_bytes(self.settings, fetch)
            assert busy.fields.get("held", held) == held
            assert ("held" in busy.fields) == (not fetch.away_since)
            return held
        raise AssertionError("it is here")

    def staged(self) -> list[str]:
        """What is in the staging folder."""
        folder = staging.folder(self.settings)
        return sorted(file.name for file in folder.iterdir()) if folder.exists() else []

    def kept(self) -> list[bytes]:
        """Hashes of what is in storage."""
        return sorted(sha256 for sha256, _ in self.storage.every())

    def _token(self, who: str) -> bytes:
        if who not in self._tokens:
            token = self._tokens[who] = uuid.uuid4().bytes
            with self.realm.store.write() as tx:
                sessions.add(tx, self.realm.people[who].user_id, token, "", self.town.wall)
        return self._tokens[who]
