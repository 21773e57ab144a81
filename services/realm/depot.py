"""The depot: the bytes of files, for the realm process. What is slow about them is done beside its turns.

Belongs here: the storage, sealing what was fetched, reading what other realms fetch, and threads for what may
take long. Not here: which bytes are wanted (``fetching``), or may be had (``serving``).

Without ``attach`` everything is done at once, in the caller's thread, as tests like it.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final

import zmq

from config.settings import Settings
from protocol.bulk import SealReply
from services.file.blobs import BlobStore, open_blobs
from services.file.bulk.sealing import Sealer, Shared, Tally
from services.storage import open_store
from services.storage.engine import Store

SEALERS: Final = 2
READERS: Final = 4
"""Threads."""
PATIENCE: Final = 3.0
"""Seconds that reading may take. Who asked would else take us for away."""

Then = Callable[[Any], None]
"""Told once, in a turn of the realm process: what came of it, or the exception."""


class Depot:
    """``wall`` tells microseconds since the epoch."""

    def __init__(self, settings: Settings, store: Store, wall: Callable[[], int]) -> None:
        self._settings = settings
        self._store: Shared | Store = store
        self._own: Store | None = None
        self._wall = wall
        self._blobs: BlobStore | None = None
        self._event = -1
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._finished: deque[tuple[Then, Any]] = deque()
        self._lock = threading.Lock()
        self._number = 0
        self._reading: dict[int, tuple[float | None, Then]] = {}
        """Since when, as far as was seen, and who waits."""

    @property
    def blobs(self) -> BlobStore:
        """Where the bytes are. Raises ``OSError``."""
        if self._blobs is None:
            self._blobs = open_blobs(self._settings)
        return self._blobs

    def seal(self, user: int, upload: bytes, tally: Tally | None, then: Then) -> None:
        """Make a blob of an upload: a ``SealReply``, or what ``Sealer.seal`` raises."""
        self._do("seal", SEALERS, lambda: self._seal(user, upload, tally), then)

    def _seal(self, user: int, upload: bytes, tally: Tally | None) -> SealReply:
        with self._lock:
            if self._event >= 0 and self._own is None:
                self._own = open_store(self._settings)
                self._store = Shared(self._own)
        return Sealer(self._settings, self._store, self.blobs, self._wall).seal(user, upload, tally)

    def read(self, sha256: bytes, offset: int, length: int, then: Then) -> None:
        """A part of a blob: bytes, or ``Missing``, ``OSError``."""

        def work() -> bytes:
            return self.blobs.read(sha256, offset, length) if length else b""

        try:
            far = self.blobs.far
        except OSError as error:
            then(error)
            return
        if not far:
            then(_outcome(work))
            return
        self._number += 1
        self._reading[self._number] = None, then
        self._do("read", READERS, work, partial(self._was_read, self._number))

    def _was_read(self, number: int, outcome: Any) -> None:
        _, then = self._reading.pop(number, (None, None))
        if then is not None:
            then(outcome)

    # --- beside the turns -----------------------------------------------------------------------

    def attach(self, poller: zmq.Poller) -> None:
        """From now on have slow things done by threads; ``poller`` wakes for what they have done."""
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        poller.register(self._event, zmq.POLLIN)

    def finish(self, now: float) -> None:
        """Tell whoever waits what has been done; ``now`` in seconds, monotonic."""
        if self._event >= 0 and self._finished:
            with suppress(BlockingIOError):
                os.eventfd_read(self._event)
        while self._finished:
            then, outcome = self._finished.popleft()
            then(outcome)
        for number, (since, waiting) in list(self._reading.items()):
            if since is None:
                self._reading[number] = now, waiting
            elif now - since >= PATIENCE:
                del self._reading[number]
                waiting(TimeoutError())

    def close(self) -> None:
        """Begin nothing more, and wait for what has begun. What is cut off goes on with the next start."""
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)
        if self._own is not None:
            self._own.close()
        if self._event >= 0:
            os.close(self._event)
            self._event = -1

    def _do(self, kind: str, threads: int, work: Callable[[], Any], then: Then) -> None:
        if self._event < 0:
            then(_outcome(work))
            return
        pool = self._pools.get(kind)
        if pool is None:
            pool = self._pools[kind] = ThreadPoolExecutor(threads, kind)

        def done(future: Future[Any]) -> None:
            if not future.cancelled():
                self._finished.append((then, future.result()))
                with suppress(BlockingIOError):
                    os.eventfd_write(self._event, 1)

        pool.submit(_outcome, work).add_done_callback(done)


def _outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:
        return error
