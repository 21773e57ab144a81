"""One request at the file worker's desk: read, checked against the database, and done or handed on.

Here: what a chunk's request means. Not here: sockets and threads (``line``), who waits for what is slow.
Every request is checked by itself: its token, and what its bearer may do now.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from config.log import ServerLog
from config.settings import Settings
from protocol import VERSION
from protocol.body import Body, Empty
from protocol.bulk import BULK, GetChunk, PutChunk, SealUpload, read
from protocol.envelope import BadRequest, NotAnEnvelope, Request, pack_body, pack_reply, unpack_request
from protocol.errors import (
    OK,
    Busy,
    Failure,
    Internal,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Version,
    failure,
)
from protocol.limits import FILE_CHUNK_BYTES, TOKEN_BYTES
from services.context import pack_struct
from services.file import staging
from services.file.blobs import Missing
from services.file.bulk.sealing import DISK_FULL, NO_ROOM, NO_UPLOAD, Shared, Tally
from services.file.bulk.staged import Shelf
from services.file.paths import no_file
from services.storage import fetches, realms, transfers
from services.storage.engine import Store, StoreUnavailable
from services.storage.fetches import Fetch
from services.storage.transfers import NoSession, Upload

TOUCH_AFTER: Final = 60_000_000
"""Microseconds after which it is written down again that something of an upload arrived."""
TOUCHES: Final = 4
"""How often that is, at least, before an upload would be swept."""
ABROAD_SOON: Final = 0.5
"""Seconds after which who waits for bytes of another realm may ask again."""


class Reading(NamedTuple):
    """A part of a blob that ``user``, who asks, may have."""

    request_id: int
    user: int
    sha256: bytes
    offset: int
    length: int


class Sealing(NamedTuple):
    """An upload that is to be sealed."""

    request_id: int
    user: int
    upload: bytes
    tally: Tally | None


def _at_once(work: Callable[[], None]) -> None:
    work()


class Desk:
    """``now`` tells microseconds since the epoch. ``answer`` never raises."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        log: ServerLog,
        now: Callable[[], int],
        writer: Shared | None = None,
        later: Callable[[Callable[[], None]], object] = _at_once,
    ) -> None:
        """``writer`` is what is written through, if not ``store``; ``later`` does what nobody waits for."""
        self._settings = settings
        # Where uploads are swept soon, sooner: one that is under way must never look idle.
        self._touch_after = min(TOUCH_AFTER, int(settings.upload_keep * 1e6 / TOUCHES))
        self._store = store
        self._writer = writer or store
        self._later = later
        self._log = log
        self._now = now
        self._shelf = Shelf(settings)
        self._touching: set[tuple[int, bytes]] = set()
        self._wanting: set[int] = set()

    def answer(self, envelope: bytes, payload: memoryview | None) -> bytes | Reading | Sealing | None:
        """A reply, or what is to be done for one; None: nobody can be answered."""
        try:
            request = unpack_request(envelope)
        except NotAnEnvelope:
            return None
        except BadRequest as refusal:
            return refused(refusal.request_id, refusal)
        try:
            return self._answer(request, payload)
        except Exception as error:
            return self.failed(request.request_id, request.command, error)

    def failed(self, request_id: int, command: str, error: BaseException) -> bytes:
        """The reply that says why it was not done; a fault of ours goes to the log."""
        if isinstance(error, Failure):
            return refused(request_id, error)
        if isinstance(error, StoreUnavailable):
            self._log.warning("the database is unavailable", error=str(error))
            return refused(request_id, Unavailable("The database cannot be reached now.", retry_after=1.0))
        if isinstance(error, Missing):
            self._log.warning("bytes of a file are not in storage: see pesan admin fsck")
            return refused(
                request_id, Internal("The server has lost these bytes; its operator can see more.")
            )
        if isinstance(error, OSError):
            self._log.warning("files cannot be stored or read", error=str(error.strerror))
            return refused(request_id, Unavailable("Files cannot be stored or read now.", retry_after=1.0))
        self._log.fault("file", command, error)
        return refused(request_id, Internal("A fault in the server; its log says more."))

    def tidy(self) -> None:
        """Let go of files that are gone. Call it every few seconds."""
        self._shelf.tidy()

    def close(self) -> None:
        """Let go of all files."""
        self._shelf.close()

    def _answer(self, request: Request, payload: memoryview | None) -> bytes | Reading | Sealing:
        if request.version != VERSION:
            raise Version("This server speaks another version.", supported=[VERSION])
        row = BULK.get(request.command)
        if row is None:
            raise NotFound("There is no such command for chunks.")
        asked = read(row, request.body)
        if len(request.token) != TOKEN_BYTES:
            raise _stranger()
        try:
            if isinstance(asked, PutChunk):
                self._put(request.token, asked, payload)
                return replied(request.request_id, Empty())
            if isinstance(asked, GetChunk):
                return self._get(request, asked)
            assert isinstance(asked, SealUpload)
            return self._seal(request, asked)
        except NoSession:
            raise _stranger() from None

    # --- the commands ---------------------------------------------------------------------------

    def _upload(self, token: bytes, id: bytes) -> Upload:
        with self._store.read() as tx:
            upload = transfers.upload(tx, token, id)
        if upload is None:
            raise NotFound(NO_UPLOAD)
        return upload

    def _put(self, token: bytes, asked: PutChunk, payload: memoryview | None) -> None:
        if payload is None:
            raise Invalid("The chunk itself is missing: it is a frame behind the request.")
        upload = self._upload(token, asked.upload)
        chunk, beside = divmod(asked.offset, upload.chunk_bytes)
        length = min(upload.chunk_bytes, upload.size - asked.offset)
        if beside or length <= 0:
            raise Invalid(f"offset must be a multiple of {upload.chunk_bytes} below {upload.size}.")
        if len(payload) != length:
            raise Invalid(f"The chunk there has {length} bytes, not {len(payload)}.")
        if upload.sha256 is not None:
            return  # all are held
        try:
            self._shelf.put(upload, chunk, payload)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self._give_up(upload)
            raise TooLarge(DISK_FULL) from error
        self._touch(upload)

    def _touch(self, upload: Upload) -> None:
        """Write down that something arrived. If that cannot be now, the next chunk tries again."""
        now = self._now()
        if now - upload.touched_at < self._touch_after:
            return
        key = upload.user_id, upload.id
        if key not in self._touching:
            self._touching.add(key)
            self._later(partial(self._touched, *key, now))

    def _touched(self, user: int, id: bytes, now: int) -> None:
        try:
            with self._writer.write() as tx:
                transfers.touch(tx, user, id, now)
        except StoreUnavailable:
            pass
        finally:
            self._touching.discard((user, id))

    def _give_up(self, upload: Upload) -> None:
        self._log.warning("the disk is full: an upload was given up", bytes=upload.size)
        self._shelf.drop(upload.user_id, upload.id)
        staging.remove(self._settings, upload.user_id, upload.id)
        with self._writer.write() as tx:
            transfers.drop(tx, upload.user_id, upload.id, self._now())

    def _get(self, request: Request, asked: GetChunk) -> Reading:
        if not 1 <= asked.length <= FILE_CHUNK_BYTES:
            raise Invalid(f"length must be from 1 to {FILE_CHUNK_BYTES}.")
        fetch = None
        with self._store.read() as tx:
            file = transfers.readable(tx, request.token, asked.file)
            if file is not None and file.sha256 is None:
                fetch = fetches.get(tx, asked.file)
        if file is None:
            raise no_file(asked.file)
        if file.sha256 is None:
            raise self._abroad(asked.file, fetch)
        length = max(0, min(asked.length, file.size - asked.offset))
        return Reading(request.request_id, file.user, file.sha256, asked.offset, length)

    def _abroad(self, number: int, fetch: Fetch | None) -> Failure:
        """Why bytes cannot be had that are in another realm; from now on they are on their way."""
        if fetch is None:  # they came while we looked, or the file went
            return Busy("This file has just changed.", retry_after=ABROAD_SOON)
        now = self._now()
        if fetch.realm_state != realms.State.PAIRED:
            return NotFound(f"The file is in {fetch.realm}, of which this server takes nothing at present.")
        if fetch.to_be_wanted(now):
            if number not in self._wanting:
                self._wanting.add(number)
                self._later(partial(self._want, number, now))
        elif fetch.state == fetches.State.FAILED:
            return failure(fetch.code, {"message": fetch.reason})
        if fetch.away_since:
            said = f"The file is in {fetch.realm}, which does not answer at present."
            return Busy(said, retry_after=ABROAD_SOON)
        held = staging.fetched_bytes(self._settings, fetch)
        said = f"The file comes from {fetch.realm}."
        return Busy(said, retry_after=ABROAD_SOON, held=held, size=fetch.size)

    def _want(self, number: int, now: int) -> None:
        try:
            with self._writer.write() as tx:
                fetches.want(tx, number, now)
        except StoreUnavailable:
            pass  # who asked asks again
        finally:
            self._wanting.discard(number)

    def _seal(self, request: Request, asked: SealUpload) -> Sealing:
        upload = self._upload(request.token, asked.upload)
        staged = self._shelf.find(upload.user_id, upload.id)
        tally = Tally(staged.digest.copy(), staged.hashed) if staged and staged.there else None
        self._shelf.drop(upload.user_id, upload.id)
        return Sealing(request.request_id, upload.user_id, upload.id, tally)


def replied(request_id: int, reply: Body) -> bytes:
    """The reply to a request that was done."""
    return pack_reply(request_id, OK, pack_struct(reply))


def refused(request_id: int, failure: Failure) -> bytes:
    """The reply to one that was not."""
    return pack_reply(request_id, failure.code, pack_body(failure.body()))


def _stranger() -> Unauthenticated:
    return Unauthenticated("Nobody who is logged in has this token.")
