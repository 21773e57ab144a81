"""A worker's store in the simulation: a real SQLite file, with the mishaps that are planned."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from services.storage.engine import StoreUnavailable, Transaction
from services.storage.sqlite import SqliteStore

if TYPE_CHECKING:
    from tests.simulation.worker import Worker
    from tests.simulation.world import World


class _Store(SqliteStore):
    """The real one, which can also end as a killed process does: without waiting for the lock."""

    def abandon(self) -> None:
        """Close the file, and let go of the lock or of one's place in its queue."""
        self._disconnect()
        os.close(self._lock)
        self._lock = -1


class Disk:
    """A worker's store, which may be full, or fail to say that a commit succeeded.

    ``early``: a broken build that lets results out before their transaction is committed.
    """

    dialect = "sqlite"

    def __init__(self, world: World, worker: Worker) -> None:
        self._world = world
        self._worker = worker
        self._store = _Store(world.file)
        self._open: ExitStack | None = None

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """As the store's own."""
        self.settle()
        with self._store.read() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """As the store's own, with the mishaps that are planned."""
        self.settle()
        world = self._world
        self._worker.await_lock()
        if world.disk_full:
            world.counts["writes on a full disk"] += 1
            raise StoreUnavailable("the imaginary disk is full")
        stack = ExitStack()
        tx = stack.enter_context(self._store.write())
        try:
            yield tx
            self._worker.commits()
        except BaseException as error:
            stack.__exit__(type(error), error, error.__traceback__)
            raise
        if world.broken.early:
            self._open = stack
            return
        stack.close()
        world.witness.committed()
        self._worker.committed()
        if world.commits_in_doubt:
            world.counts["commits in doubt"] += 1
            raise StoreUnavailable("the imaginary disk did not say whether it was done")

    exclusive = write

    def watch(self, alarm: Callable[[str], None]) -> None:
        """Nobody is told of what is planned."""

    def settle(self) -> None:
        """Commit what a broken build has left open."""
        if self._open is not None:
            stack, self._open = self._open, None
            stack.close()
            self._world.witness.committed()

    def close(self) -> None:
        """The process is dead: what was not committed never was."""
        if self._open is not None:
            stack, self._open = self._open, None
            error = KeyboardInterrupt()
            with suppress(KeyboardInterrupt):
                stack.__exit__(KeyboardInterrupt, error, None)
        if self._world.lock.held:
            # It is another's, and a process that is killed waits for nobody.
            self._store.abandon()
        self._store.close()
