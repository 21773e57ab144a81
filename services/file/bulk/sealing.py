"""Sealing: an upload whose chunks are all there becomes a blob.

Each step may be the last one before a crash, and the same request again goes on from there:

1. The bytes are on disk, and hashed. Nothing has changed for anybody.
2. A transaction says what the hash is, and that such bytes are coming. From now on no chunk is written.
3. The bytes are put into storage, unless they are there already.
4. A transaction says that they are stored.
5. The staging files go. They are the janitor's if nobody asks again.

Only one worker seals an upload at a time: the others hear ``busy``, and so does who asks while it is done.
"""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from config.settings import Settings
from protocol.bulk import SealReply
from protocol.errors import Busy, Conflict, NotFound, TooLarge
from services.file import staging
from services.file.blobs import BlobStore
from services.file.bulk.sniff import HEAD, kind_of
from services.file.bulk.staged import Staged
from services.storage import transfers
from services.storage.blobs import State
from services.storage.engine import Store, StoreUnavailable, Transaction
from services.storage.transfers import Upload

RETRY_AFTER: Final = 1.0
"""Seconds after which who asks for what is being done may ask again."""

NO_ROOM: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
LEAST_FREE: Final = 1 << 20
"""With fewer bytes on the disk a database that is unavailable is so because there is no room."""
DISK_FULL: Final = "The server's disk is full: the upload was given up, and nothing is kept of it."
NO_UPLOAD: Final = "You have no such upload."


class Tally(NamedTuple):
    """What was hashed while chunks arrived: the first ``size`` bytes."""

    digest: hashlib._Hash
    size: int


class WrongHash(Conflict):
    """The bytes are not those that were announced; nothing is kept of them."""


Hashing = Callable[[Callable[[], bytes]], bytes]


def _here(work: Callable[[], bytes]) -> bytes:
    return work()


class Shared:
    """A store for several threads: one transaction at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """As a store's."""
        with self._lock, self._store.read() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """As a store's."""
        with self._lock, self._store.write() as tx:
            yield tx


class Sealer:
    """``now`` tells microseconds since the epoch. What it does may take seconds; several threads may ask."""

    def __init__(
        self,
        settings: Settings,
        store: Shared | Store,
        blobs: BlobStore,
        now: Callable[[], int],
        hashing: Hashing = _here,
    ) -> None:
        """``hashing`` carries out what takes the processor's time, and returns what came of it."""
        self._settings = settings
        self._store = store
        self._blobs = blobs
        self._now = now
        self._hashing = hashing

    def seal(self, user: int, id: bytes, tally: Tally | None = None) -> SealReply:
        """What the bytes are, once stored. Raises a ``Failure``, ``StoreUnavailable``, ``OSError``."""
        upload = self._upload(user, id)
        if upload.stored:
            return self._stored(upload)
        staged = Staged(self._settings, upload)
        try:
            return self._sealed(staged, upload, tally)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.give_up(user, id)
            raise TooLarge(DISK_FULL) from error
        except StoreUnavailable as error:
            if staging.free_bytes(self._settings) >= LEAST_FREE:
                raise
            self.give_up(user, id)
            raise TooLarge(DISK_FULL) from error
        finally:
            staged.close()

    def give_up(self, user: int, id: bytes) -> None:
        """Forget an upload and all that is held of it. First the bytes: the database may need their room."""
        staging.remove(self._settings, user, id)
        with self._store.write() as tx:
            transfers.drop(tx, user, id, self._now())

    def _sealed(self, staged: Staged, upload: Upload, tally: Tally | None) -> SealReply:
        if not staged.claim():
            raise Busy("This upload is being sealed.", retry_after=RETRY_AFTER)
        # Again, for whoever had the claim before us may have finished.
        upload = self._upload(upload.user_id, upload.id)
        if upload.stored:
            return self._stored(upload)
        if not staged.complete:
            if upload.sha256 is None:
                raise Conflict("Some chunks are missing; file.resume says which.")
            # Nothing will come any more: who asks what is missing hears that all of it was there.
            self.give_up(upload.user_id, upload.id)
            raise Conflict("What was held of this upload is lost; it was given up. Begin another.")
        if upload.sha256 is None:
            upload = self._named(staged, upload, tally)
        assert upload.sha256 is not None
        if self._expect(upload) is State.COMING or not self._there(upload):
            self._put(upload.sha256, upload.size, staged)
        self._arrived(upload)
        return self._done(upload)

    def _named(self, staged: Staged, upload: Upload, tally: Tally | None) -> Upload:
        """The upload with its hash, its bytes being on disk. Raises ``Conflict`` if another one was said."""
        staged.sync()
        if tally:
            staged.go_on_from(*tally)
        sha256 = self._hashing(staged.sha256)
        if upload.claimed is not None and upload.claimed != sha256:
            self.give_up(upload.user_id, upload.id)
            raise WrongHash("What arrived has another SHA-256 than was said; the upload was given up.")
        return upload._replace(sha256=sha256, type=kind_of(staged.head(HEAD)))

    def _expect(self, upload: Upload) -> State:
        assert upload.sha256 is not None
        with self._store.write() as tx:
            state = transfers.seal(
                tx, upload.user_id, upload.id, upload.sha256, upload.type, upload.size, self._now()
            )
        if state is None:
            raise NotFound(NO_UPLOAD)
        if state is State.GOING:
            raise Busy("The same bytes are just being deleted.", retry_after=RETRY_AFTER)
        return state

    def _put(self, sha256: bytes, size: int, staged: Staged) -> None:
        if self._blobs.size(sha256) not in (None, size):
            self._blobs.delete(sha256)  # a disk cut it short
        self._blobs.put(sha256, staged.path)

    def _arrived(self, upload: Upload) -> None:
        assert upload.sha256 is not None
        with self._store.write() as tx:
            still_wanted = transfers.sealed(tx, upload.user_id, upload.id, upload.sha256, self._now())
        if not still_wanted:
            raise NotFound(NO_UPLOAD)

    def _there(self, upload: Upload) -> bool:
        """Whether what the database takes for stored is: a disk may have lost it."""
        assert upload.sha256 is not None
        return self._blobs.size(upload.sha256) == upload.size

    def _stored(self, upload: Upload) -> SealReply:
        """Nothing is left to do, if the bytes are where they are said to be; else they are to be sent."""
        if self._there(upload):
            return self._done(upload)
        assert upload.sha256 is not None
        with self._store.write() as tx:
            transfers.reopen(tx, upload.user_id, upload.id, upload.sha256, self._now())
        raise Conflict("The server lost bytes that it had; file.resume says which it needs.")

    def _done(self, upload: Upload) -> SealReply:
        staging.remove(self._settings, upload.user_id, upload.id)
        assert upload.sha256 is not None
        return SealReply(upload.sha256, upload.type)

    def _upload(self, user: int, id: bytes) -> Upload:
        with self._store.read() as tx:
            upload = transfers.upload_of(tx, user, id)
        if upload is None:
            raise NotFound(NO_UPLOAD)
        return upload
