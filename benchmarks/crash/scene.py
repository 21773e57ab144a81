"""One scenario's stage: a fresh server, the crowd on it, and what the ways of breaking things need."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import psycopg
import psycopg.conninfo

from benchmarks.crash.cast import Cast
from benchmarks.crash.client import PROBES
from benchmarks.crash.crowd import Crowd
from benchmarks.crash.flow import Flow
from benchmarks.crash.full_disk import FullDisk
from benchmarks.crash.proxy import HOST, Proxy
from benchmarks.crash.supervised import Supervised
from benchmarks.own_server import OwnServer

CHEAP_PASSWORDS = {"password_memory_kib": 64, "password_passes": 1}
"""Fifty people log in before every scenario; hashing is not what is measured here."""
FLOW_PATIENCE = 40.0
"""Seconds after which a stream that is silent counts as never back."""


class Scene:
    """``with Scene(…) as scene``: everything runs and people write."""

    def __init__(
        self,
        cast: Cast,
        *,
        seed: int,
        database: str = "",
        counts: Mapping[str, int] | None = None,
        proxied: bool = False,
        small_disk: bool = False,
        supervised: bool = False,
    ) -> None:
        self.random = random.Random(seed)
        self.database = ""
        self.disk: FullDisk | None = None
        self.proxy: Proxy | None = None
        self.notes: dict[str, object] = {}
        """What else is to be told about this run."""
        self._cast = cast
        self._seed = seed
        self._database = database
        self._counts = counts
        self._proxied = proxied
        self._small_disk = small_disk
        self._kind = Supervised if supervised else OwnServer
        self._exits = ExitStack()

    def __enter__(self) -> Scene:
        try:
            self._set_up()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def _set_up(self) -> None:
        enter = self._exits.enter_context
        home = enter(folder("pesan-crash-"))
        if self._small_disk:
            self.disk = enter(FullDisk(home))
        self.database = enter(schema(self._database))
        self.server = enter(
            self._kind(
                home=home,
                counts=self._counts,
                settings=CHEAP_PASSWORDS,
                environment={"PESAN_DATABASE": self.database} if self.database else {},
            )
        )
        self._exits.callback(self._wake_stopped)
        connection = self.server.connection
        if self._proxied:
            self.proxy = enter(Proxy(self.server.port, self._seed))
            connection = connection.replace("127.0.0.1", HOST)
        self.crowd = Crowd(self._cast, enter(folder("pesan-ledgers-")), connection)
        self._exits.callback(self.crowd.close)
        self.crowd.register(self.server.connection)
        self.crowd.start()
        self.crowd.go()

    def _wake_stopped(self) -> None:
        for process in self.server.processes.values():
            process.send_signal(signal.SIGCONT)

    # --- blows ----------------------------------------------------------------------------------

    def kill(self, names: Sequence[str]) -> int:
        """kill -9 server processes at the same moment; that moment, ns."""
        at = time.monotonic_ns()
        self.server.kill_together(names)
        return at

    def restart(self, names: Sequence[str]) -> int:
        """Start killed processes; when the broker was among them, wait for its return. The moment, ns."""
        self.server.start_again(names)
        return time.monotonic_ns()

    def restart_ended(self) -> list[str]:
        """Start again what ended by itself; which that was."""
        ended = [name for name, process in self.server.processes.items() if process.poll() is not None]
        for name in ended:
            self.server.stop(name)
        self.restart(ended)
        return ended

    def signal(self, name: str, number: signal.Signals) -> int:
        """Send one process a signal; the moment, ns."""
        at = time.monotonic_ns()
        os.kill(self.server.processes[name].pid, number)
        return at

    def cut_database(self) -> int:
        """End every connection to the PostgreSQL schema, from within; how many there were."""
        ours = psycopg.conninfo.conninfo_to_dict(self.database)["application_name"]
        query = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s"
        with psycopg.connect(self.database, application_name="crash matrix") as connection:
            return connection.execute(query, (ours,)).rowcount

    def run(self, seconds: float) -> None:
        """Let people write for a while."""
        self.crowd.until(lambda _: False, seconds)

    # --- what came of it ------------------------------------------------------------------------

    def flow_since(self, moment: int) -> Flow:
        """Wait until every stream and service flows again, or the patience is over."""
        flow = Flow(self._cast.streams, PROBES, moment)
        if not flow.feed(self.crowd.lines):
            self.crowd.until(flow.feed, FLOW_PATIENCE)
        return flow


@contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """A throw-away folder."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def schema(database: str) -> Iterator[str]:
    """An address that leads to an empty schema of a PostgreSQL database; '' stays ''."""
    if not database:
        yield ""
        return
    name = f"crash_{uuid.uuid4().hex}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"create schema {name}".encode())
        try:
            mark = "&" if "?" in database else "?"
            yield f"{database}{mark}options=-csearch_path%3D{name}&application_name={name}"
        finally:
            connection.execute(f"drop schema {name} cascade".encode())
