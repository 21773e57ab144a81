"""A share: four people, a group or two, and a file service whose uploads are filled without a socket.

``seal`` stands for what a client and the bulk socket do between ``file.begin`` and ``file.finish``. Whatever
a test does, ``sound`` must hold afterwards.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from config.settings import Settings
from protocol.commands import COMMANDS
from protocol.errors import OK, failure
from services import file, group, messaging
from services.file import staging
from services.storage import blobs
from services.storage.engine import Store
from tests.services.world import Answer, World

SERVICES = {each.SERVICE.name: each.SERVICE for each in (file, group, messaging)}


def sha(data: bytes) -> bytes:
    """SHA-256 of some bytes."""
    return hashlib.sha256(data).digest()


class Share(World):
    """Each command goes to the service that its row names."""

    def __init__(self, settings: Settings, store: Store) -> None:
        super().__init__(settings, store)
        self.engines = {name: self.another(service) for name, service in SERVICES.items()}

    def set(self, **fields: Any) -> None:
        """Go on with other settings."""
        self.settings = msgspec.structs.replace(self.settings, **fields)
        self.engines = {name: self.another(service) for name, service in SERVICES.items()}

    def beside(self, store: Store) -> Share:
        """The same people, served by workers on a store of their own; its clock goes on from now."""
        other = Share.__new__(Share)
        other.__dict__.update(self.__dict__, store=store, now=self.now)
        other.engines = {name: other.another(service) for name, service in SERVICES.items()}
        return other

    # --- doing ----------------------------------------------------------------------------------

    def do(self, who: str, command: str, /, *, devices: Any = False, **fields: Any) -> dict[str, Any]:
        """One command in a batch of its own; raises its refusal."""
        engine = self.engines[COMMANDS[command].service]
        (answer,) = self.take([self.call(who, command, devices=devices, **fields)], engine)
        if answer.status != OK:
            raise failure(answer.status, answer.body)
        return answer.body

    def files(self, *calls: tuple[str, str, dict[str, Any]]) -> list[Answer]:
        """``(who, command, fields)`` to the file service, in one batch."""
        return self.at_once(*calls)

    def at_once(self, *calls: tuple[str, str, dict[str, Any]]) -> list[Answer]:
        """``(who, command, fields)`` to the service of the first, in one batch."""
        engine = self.engines[COMMANDS[calls[0][1]].service]
        return self.take([self.call(who, name, **fields) for who, name, fields in calls], engine)

    def begin(self, who: str, data: bytes, **fields: Any) -> bytes:
        """Begin an upload of ``data``; its id."""
        fields = {"id": self.id(), "size": len(data), **fields}
        self.do(who, "file.begin", **fields)
        return bytes(fields["id"])

    def seal(self, who: str, upload: bytes, data: bytes, type: str = "text/plain") -> None:
        """All bytes are there, and in storage."""
        with self.store.write() as tx:
            if blobs.expect(tx, sha(data), len(data), self.now) is blobs.State.GOING:
                blobs.gone(tx, sha(data))
                blobs.expect(tx, sha(data), len(data), self.now)
            blobs.arrived(tx, sha(data), self.now)
            changed = tx.run(
                "update uploads set sha256 = $1, type = $2 where user_id = $3 and id = $4",
                (sha(data), type, self.people[who].user_id, upload),
            )
            assert changed == 1

    def ready(self, who: str, data: bytes = b"isi", **fields: Any) -> bytes:
        """An upload that only waits to be finished; its id."""
        upload = self.begin(who, data, **fields)
        self.seal(who, upload, data)
        return upload

    def put(self, who: str, path: str, data: bytes = b"isi", **fields: Any) -> int:
        """A file in someone's own space; its number."""
        upload = self.ready(who, data, path=path, **fields)
        return int(self.do(who, "file.finish", upload=upload)["file"]["file"])

    def post(
        self, who: str, to: str, name: str = "surat.txt", data: bytes = b"isi", **fields: Any
    ) -> dict[str, Any]:
        """A file in a conversation: what ``file.finish`` answers."""
        upload = self.ready(who, data, to=to, name=name, **fields)
        return self.do(who, "file.finish", upload=upload)

    def hold(self, who: str, upload: bytes, chunks: bytes) -> None:
        """Chunks that the server holds, as its map says: a byte for each, 1 or 0."""
        staging.folder(self.settings).mkdir(parents=True, exist_ok=True)
        user = self.people[who].user_id
        staging.map_file(self.settings, user, upload).write_bytes(chunks)
        staging.data_file(self.settings, user, upload).write_bytes(b"")

    # --- looking --------------------------------------------------------------------------------

    def usage(self, who: str) -> tuple[int, int]:
        """(files, bytes)."""
        reply = self.do(who, "file.usage")
        return reply["files"], reply["bytes"]

    def tree(self, who: str, path: str = "") -> list[str]:
        """Every path in someone's own space, folders with a slash behind them."""
        page = self.do(who, "file.list", path=path, limit=1000)
        above = f"{path}/" if path else ""
        found = [above + each["name"] for each in page["files"]]
        assert [each["path"] for each in page["files"]] == found
        for name in page.get("folders", []):
            found += [f"{above}{name}/", *self.tree(who, above + name)]
        return sorted(found)

    def state(self, data: bytes) -> str:
        """What is true of some bytes: coming, stored or going."""
        return str(self.row("select state from blobs where sha256 = $1", sha(data))[0])

    def sound(self) -> None:
        """Usage is exact, and bytes are kept exactly as long as something refers to them."""
        with self.store.read() as tx:
            assert sorted(tx.rows(_COUNTED)) == sorted(tx.rows(_RECOUNTED))
            assert tx.rows(_UNREFERRED) == []
            assert tx.rows(_LOST) == []
            assert tx.rows(_TWICE) == []
            assert tx.rows(_NOWHERE) == []


_COUNTED = "select user_id, files, bytes from usage where files <> 0 or bytes <> 0"

_RECOUNTED = """
select user_id, cast(sum(files) as bigint), cast(sum(bytes) as bigint) from (
    select owner_id as user_id, 1 as files, size as bytes from files where sha256 is not null
    union all select owner_id, 1, 0 from folders
    union all select user_id, 0, size from uploads
) counted group by user_id having sum(files) <> 0 or sum(bytes) <> 0
"""

_UNREFERRED = """
select sha256 from blobs where state <> 'going'
    and not exists (select 1 from files where files.sha256 = blobs.sha256)
    and not exists (select 1 from uploads where uploads.sha256 = blobs.sha256)
"""

_LOST = """
select sha256 from (select sha256 from files where sha256 is not null
    union all select sha256 from uploads where sha256 is not null) referred
where not exists (select 1 from blobs where blobs.sha256 = referred.sha256 and state <> 'going')
"""

_TWICE = """
select files.name from files join folders on folders.owner_id = files.owner_id
    and folders.folder = files.folder and folders.name = files.name
"""

_NOWHERE = """
select folder, name from (select owner_id, folder, name from files where folder is not null
    union all select owner_id, folder, name from folders) things
where folder <> '' and not exists (select 1 from folders where folders.owner_id = things.owner_id
    and case when folders.folder = '' then folders.name else folders.folder || '/' || folders.name end
        = things.folder)
"""
