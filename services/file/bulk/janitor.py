"""What is cleared away: bytes that nobody refers to, uploads that nobody goes on with, and leftovers.

One janitor works at a time on a data folder, by a lock: two that deleted the same bytes could delete what
somebody has put there anew in between.

Orphans in storage (bytes without a row, as a worker killed at the wrong moment may leave them) are first
given a row that says that they go. Whoever brings the same bytes meanwhile waits until they are gone.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from config.folders import private_folder
from config.log import ServerLog
from config.settings import Settings
from services.file import staging
from services.file.blobs import BlobStore
from services.file.bulk.sealing import Shared
from services.storage import blobs, files, transfers, usage
from services.storage.blobs import State
from services.storage.engine import Store, StoreUnavailable

T = TypeVar("T")

EVERY: Final = 5.0
"""Seconds between two looks."""
ORPHANS_EVERY: Final = 3600.0
"""Seconds between two looks for orphans, which go through everything that is stored."""
AT_ONCE: Final = 200
"""Blobs and uploads cleared away in one look."""
FAILURES: Final = 10
"""Things of a kind that fail in one look before the rest of them waits for the next one."""
AGAIN_AFTER: Final = 60.0
"""Seconds for which what failed is left alone."""
STAGED_AT_ONCE: Final = 500
"""Files of unfinished uploads that are looked at in one look."""
STRANGE_FOR: Final = 3600.0
"""Seconds after which a file in the staging folder that is none of an upload's goes."""

POSTED_FOR: Final = 60.0
"""Seconds after which a file without a message, and without a post that waits, goes."""

STRANGE_MANY: Final = 20
STRANGE: Final = (
    "Of the files' bytes in storage {unknown} are not known to the database, and only {known} are. Is it the "
    "right database? Nothing was deleted; `pesan admin fsck` lists them."
)
"""Who begins with an empty database beside the files of another would else lose all of them."""


class Janitor:
    """``look`` may take long, and is for one thread at a time; ``due`` is asked in seconds, monotonic."""

    def __init__(
        self,
        settings: Settings,
        store: Shared | Store,
        storage: BlobStore,
        log: ServerLog,
        now: Callable[[], int],
        pause: float = EVERY,
    ) -> None:
        self._settings = settings
        self._store = store
        self._storage = storage
        self._log = log
        self._now = now
        self._pause = pause
        self._next = self._next_orphans = 0.0
        self._orphans_due = True
        self._busy = False
        self._lock = -1
        self._listed: list[Path] = []
        self._failures: list[str] = []
        self._later: dict[tuple[object, ...], int] = {}

    def due(self, now: float) -> bool:
        """Whether to call ``look`` now."""
        if self._busy or now < self._next:
            return False
        self._busy = True
        self._next = now + self._pause
        if now >= self._next_orphans:
            self._next_orphans = now + ORPHANS_EVERY
            self._orphans_due = True
        return True

    def look(self) -> None:
        """Clear away what is to go, unless somebody else is at it. Never raises."""
        self._failures.clear()
        try:
            if self._step(self._claimed):
                try:
                    for step in self._steps():
                        self._step(step)
                finally:
                    fcntl.flock(self._lock, fcntl.LOCK_UN)
        finally:
            if self._failures:
                self._log.warning("could not clear away", times=len(self._failures), error=self._failures[0])
            self._busy = False

    def _steps(self) -> tuple[Callable[[], None], ...]:
        return self._sweep, self._forsaken, self._delete, self._staged_for_nobody, self._orphans

    def _step(self, step: Callable[..., T], *arguments: object) -> T | None:
        """Do one thing; None if it fails, which keeps no other from being done."""
        try:
            return step(*arguments)
        except (OSError, StoreUnavailable) as error:
            self._failures.append(getattr(error, "strerror", None) or type(error).__name__)
        except Exception as error:
            self._log.fault("file", "janitor", error)
        return None

    def _each(self, step: Callable[..., T], things: Iterable[tuple[Any, ...]]) -> int:
        """Do it with each thing, and count how often. What fails is left alone for some time."""
        now, done, failed = self._now(), 0, 0
        for thing in things:
            if self._later.get(thing, 0) > now:
                continue
            found = self._step(step, *thing)
            if found is not None:
                done += bool(found)
                continue
            self._later[thing] = now + int(AGAIN_AFTER * 1e6)
            failed += 1
            if failed >= FAILURES:
                break  # nothing may work just now, and each try may take long
        return done

    def _forget_failures(self) -> int:
        """Those whose time has come are tried again; returns how many are left alone still."""
        now = self._now()
        self._later = {thing: time for thing, time in self._later.items() if time > now}
        return len(self._later)

    def close(self) -> None:
        """Let go of the lock's file."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _claimed(self) -> bool:
        if self._lock < 0:
            file = private_folder(self._settings.home / "files") / "janitor.lock"
            self._lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    # --- uploads --------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Uploads that nobody went on with for too long."""
        since = self._now() - int(self._settings.upload_keep * 1e6)
        left_alone = self._forget_failures()
        with self._store.read() as tx:
            idle = transfers.idle(tx, since, AT_ONCE + left_alone)
        swept = self._each(partial(self._swept, since), idle)
        if swept:
            self._log.info("unfinished uploads were swept", uploads=swept)

    def _swept(self, since: int, user: int, id: bytes) -> bool:
        with self._store.write() as tx:
            if not transfers.drop(tx, user, id, self._now(), idle_since=since):
                return False
        staging.remove(self._settings, user, id)
        return True

    def _forsaken(self) -> None:
        """Files posted to a group of another realm that refused them: there is no message that shows them."""
        before = self._now() - int(POSTED_FOR * 1e6)
        left_alone = self._forget_failures()
        with self._store.read() as tx:
            forsaken = files.forsaken(tx, before, AT_ONCE + left_alone)
        found = self._each(self._dropped, [(number,) for number in forsaken])
        if found:
            self._log.info("files of refused messages were deleted", files=found)

    def _dropped(self, number: int) -> bool:
        with self._store.write() as tx:
            found = files.numbered(tx, number)
            if found is None:
                return False
            usage.locked(tx, found.owner_id)
            file = files.numbered(tx, number) or found  # again, for its owner may have deleted it
            gone = files.delete_forsaken(tx, number)
            if gone is None:
                return False
            if file.sha256 is not None:
                usage.change(tx, file.owner_id, -1, -gone.size)
                blobs.release(tx, [gone.sha256], self._now())
        return True

    # --- bytes ----------------------------------------------------------------------------------

    def _delete(self) -> None:
        """Bytes that nothing refers to any more."""
        left_alone = self._forget_failures()
        with self._store.read() as tx:
            going = blobs.in_state(tx, State.GOING, self._now() + 1, AT_ONCE + left_alone)
        self._each(self._deleted, [(blob.sha256,) for blob in going])

    def _deleted(self, sha256: bytes) -> bool:
        with self._store.read() as tx:  # again: whoever had the lock in between may have been here
            blob = blobs.get(tx, sha256)
        if blob is None or blob.state is not State.GOING:
            return False
        self._storage.delete(sha256)
        with self._store.write() as tx:
            blobs.gone(tx, sha256)
        return True

    # --- leftovers ------------------------------------------------------------------------------

    def _staged_for_nobody(self) -> None:
        """Staging files of no upload, or of one whose bytes are in storage: some at each look, all in time.

        A chunk that was on its way when its upload was cancelled makes them anew, and they count for nobody.
        A file is listed first and its upload looked for then: that is there before the first chunk is.
        """
        folder = staging.folder(self._settings)
        if not self._listed and folder.is_dir():
            self._listed = list(folder.iterdir())
        some = [(self._listed.pop(),) for _ in range(min(STAGED_AT_ONCE, len(self._listed)))]
        self._tell(self._each(self._cleared, some))

    def _cleared(self, file: Path) -> bool:
        named = _upload_of(file)
        if named is None:
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < self._now() / 1e6 - STRANGE_FOR:
                    file.unlink()
                    return True
            return False
        with self._store.read() as tx:
            if transfers.needs_staging(tx, *named):
                return False
        with self._store.write() as tx:
            if not transfers.needs_no_staging(tx, *named):
                return False
            staging.remove(self._settings, *named)
        return True

    def _tell(self, found: int) -> None:
        if found:
            self._log.info("leftovers were cleared away", found=found)

    def _orphans(self) -> None:
        """Bytes in storage of which nothing is known: they go with the next look. Hourly."""
        if not self._orphans_due:
            return
        self._orphans_due = False
        unknown, known = [], 0
        for sha256, size in self._storage.every():
            with self._store.read() as tx:
                if transfers.has_blob(tx, sha256):
                    known += 1
                else:
                    unknown.append((sha256, size))
        if len(unknown) > max(STRANGE_MANY, known):
            self._log.alarm(STRANGE.format(unknown=len(unknown), known=known))
            return
        found = 0
        for sha256, size in unknown:
            with self._store.write() as tx:
                found += blobs.unwanted(tx, sha256, size, self._now())
        self._tell(found)


def _upload_of(file: Path) -> tuple[int, bytes] | None:
    """Whose staging file it is."""
    user, _, id = file.stem.partition("-")
    if file.suffix not in (".data", ".map") or not user.isdecimal():
        return None
    try:
        return int(user), bytes.fromhex(id)
    except ValueError:
        return None
