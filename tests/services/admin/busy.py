"""A store in which much has happened, by way of the services: what fsck must find clean."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from config.folders import private_folder
from config.log import LogFile, ServerLog
from config.settings import Settings
from protocol.backend import Call
from protocol.commands import COMMANDS
from protocol.envelope import pack_body, unpack_body
from protocol.errors import OK
from services import file, messaging
from services.batch import Engine
from services.file import staging
from services.file.blobs import open_blobs
from services.storage import (
    conversations,
    copies,
    deliveries,
    followers,
    foreigners,
    groups,
    outbox,
    realms,
    refusals,
    transfers,
)
from services.storage.engine import Store
from tests.services.house import House, Person

SECRET = "nobody else's business"
"""In every message: must never be shown."""


class Busy(NamedTuple):
    """Numbers of what is in there: users by name, and four conversations.

    ``pair`` holds six messages of ani's and budi's, ``ops`` four, ``everyone`` and ``notes`` (dewi's) one.

    Numbers of files: ``own`` is ani's, in the topmost folder, ``shelved`` the same bytes in another folder;
    ``sent`` is citra's, in the group ``files``, message 1, ``gone`` ani's, message 2, deleted. Besides ani
    has an empty folder, and budi a file and two uploads, one of them sealed.

    ``realm`` is another realm, whose user ``bob`` shares the conversation ``abroad`` with ani and is in the
    group ``files``; ``copy`` is a group there that ani is in. In its outbox wait entry 2, a message, and 3, a
    post.
    """

    ani: int
    budi: int
    citra: int
    dewi: int
    pair: int
    ops: int
    everyone: int
    notes: int
    session: int
    own: int
    shelved: int
    sent: int
    gone: int
    files: int
    realm: int
    bob: int
    abroad: int
    copy: int


class _Mouth:
    """Says things through the messaging service."""

    def __init__(self, settings: Settings, store: Store) -> None:
        log = ServerLog(LogFile(settings.home / "log", 1 << 20, 1), "messaging")
        self._engines = {
            each.SERVICE.name: Engine(each.SERVICE, store, settings, log, clock=lambda: 0)
            for each in (messaging, file)
        }
        self._settings, self._store = settings, store
        self._now = 1_800_000_000_000_000
        self._sent = 0

    def say(self, who: Person, to: str) -> None:
        self._sent += 1
        id = (1 << 64 | self._sent).to_bytes(16, "big")
        self.do(who, "message.send", to=to, body=f"{SECRET} {self._sent}", id=id)

    def do(self, who: Person, command: str, **fields: object) -> dict[str, Any]:
        self._now += 1_000_000
        engine = self._engines[COMMANDS[command].service]
        call = Call(0, command, who.user_id, who.name, who.session, False, pack_body(fields))
        replies = list(engine.take([call], self._now).replies)
        while engine.waiting:
            replies += engine.step(self._now).replies
        assert [status for _, status, _ in replies] == [OK], replies
        return unpack_body(replies[0][2])

    def begin(self, who: Person, data: bytes, **place: object) -> bytes:
        """An upload of which one chunk is there, if any; its id."""
        self._sent += 1
        id = (2 << 64 | self._sent).to_bytes(16, "big")
        self.do(who, "file.begin", id=id, size=len(data), **place)
        private_folder(staging.folder(self._settings).parent)
        private_folder(staging.folder(self._settings))
        staging.data_file(self._settings, who.user_id, id).write_bytes(data)
        staging.map_file(self._settings, who.user_id, id).write_bytes(b"\1")
        return id

    def seal(self, who: Person, data: bytes, **place: object) -> bytes:
        """An upload whose bytes are in storage; its id."""
        id, sha256 = self.begin(who, data, **place), hashlib.sha256(data).digest()
        with self._store.write() as tx:
            transfers.seal(tx, who.user_id, id, sha256, "text/plain", len(data), self._now)
        open_blobs(self._settings).put(sha256, staging.data_file(self._settings, who.user_id, id))
        with self._store.write() as tx:
            assert transfers.sealed(tx, who.user_id, id, sha256, self._now)
        staging.remove(self._settings, who.user_id, id)
        return id

    def put(self, who: Person, data: bytes, **place: object) -> int:
        """A file; its number."""
        done = self.do(who, "file.finish", upload=self.seal(who, data, **place))
        return int(done["file"]["file"])


def busy(settings: Settings, store: Store) -> Busy:
    """Fill the store: four people, a group with a password, direct talk, notes, everyone, markers."""
    house, mouth = House(store, settings), _Mouth(settings, store)
    ani, budi, citra, dewi = house.people("ani", "Budi", "citra", "dewi")
    house.do("auth.logout", house.login("ani", "phone"))
    house.do("auth.password", citra, old="correct horse", new="battery staple")
    house.do("presence.report", broker=b"b" * 16, online=[ani.user_id, budi.user_id], offline=[])
    house.do("group.create", ani, group="Ops", password="please")
    for who in (budi, citra, dewi):
        house.do("group.join", who, group="ops", password="please")
    for who, to in ((ani, "budi"), (budi, "ani")) * 3:
        mouth.say(who, to)
    for who in (ani, ani, budi, citra):
        mouth.say(who, "#ops")
    mouth.say(dewi, "*")
    mouth.say(dewi, "dewi")
    mouth.do(ani, "message.read", **{"with": "budi"}, seq=4)
    mouth.do(budi, "message.read", **{"with": "#ops"}, seq=2)
    house.do("group.remove", ani, group="ops", user="dewi")
    house.do("group.leave", citra, group="ops")
    house.do("group.create", dewi, group="soon.gone")
    house.do("group.leave", dewi, group="soon.gone")
    files = _fill(house, mouth, ani, budi, citra)
    abroad = _abroad(store, mouth, ani)

    def number(where: str) -> int:
        row = house.row(f"select id from conversations where {where}")
        assert row is not None
        return int(row[0])

    return Busy(
        ani.user_id,
        budi.user_id,
        citra.user_id,
        dewi.user_id,
        number(f"user_low = {ani.user_id} and user_high = {budi.user_id}"),
        number("name_key = 'ops'"),
        number("kind = 'broadcast'"),
        number("kind = 'direct' and user_low = user_high"),
        ani.session,
        *files,
        number("name_key = 'files'"),
        *abroad,
    )


def _fill(house: House, mouth: _Mouth, ani: Person, budi: Person, citra: Person) -> tuple[int, int, int, int]:
    """Files, folders and uploads; numbers of the four files that are named."""
    house.do("group.create", ani, group="files")
    house.do("group.join", citra, group="files")
    mouth.do(ani, "file.mkdir", path="shelf")
    mouth.do(ani, "file.mkdir", path="empty")
    text = SECRET.encode()
    own = mouth.put(ani, text, path="own.txt")
    shelved = mouth.put(ani, text, path="shelf/own.txt")
    sent = mouth.put(citra, text * 2, to="#files", name="sent.txt")
    gone = mouth.put(ani, text * 3, to="#files", name="gone.txt")
    mouth.do(ani, "file.delete", file=gone)
    mouth.put(budi, text * 4, path="budi.txt")
    mouth.begin(budi, text * 5, path="begun.txt")
    mouth.seal(budi, text * 6, path="sealed.txt")
    return own, shelved, sent, gone


def _abroad(store: Store, mouth: _Mouth, ani: Person) -> tuple[int, int, int, int]:
    """Another realm, somebody there, a conversation with them and our copy of a group: their numbers."""
    now = 1_800_000_000_000_000
    with store.write() as tx:
        realm = realms.pair(tx, "b", b"b" * 32, "b:1", now)
        bob = foreigners.met(tx, "Bob", "b", now).id
        copies.add(tx, "Team", "b", realm, 0, now)
        copy, group = copies.named(tx, "team", "b"), groups.named(tx, "files")
        assert copy is not None and group is not None
        groups.add_member(tx, copy.conversation, ani.user_id, now)
        groups.add_member(tx, group.id, bob, now)
        followers.changed(tx, group.id, realm)
    for to in ("bob@b", "bob@b", "#team@b"):
        mouth.say(ani, to)
    with store.write() as tx:
        outbox.told(tx, realm, 1)
        found = conversations.between(tx, ani.user_id, bob)
        assert found is not None
        deliveries.delivered(tx, {found.id: 1})
        deliveries.refused(tx, [deliveries.Undelivered(found.id, 1, "forbidden", "No.")])
        id, where = (3 << 64).to_bytes(16, "big"), copy.conversation
        post = refusals.Refusal(ani.user_id, id, where, 1, SECRET, now, "forbidden", "No.", len(SECRET))
        refusals.add(tx, [post])
    return realm, bob, found.id, copy.conversation
