"""A server, a line that counts before it, and one client program at a time that moves a file."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import zmq

from benchmarks import ledger
from benchmarks.crash.evidence import asking
from benchmarks.crash.proxy import DOWN, HOST, UP, Proxy
from benchmarks.crash.scene import CHEAP_PASSWORDS, folder, schema
from benchmarks.crash.supervised import Supervised
from benchmarks.crash.transfers.evidence import Kept, kept, phase, sha256_of
from benchmarks.crash.transfers.judge import Transfer
from benchmarks.crash.transfers.program import DOWNLOAD, UPLOAD
from benchmarks.ledger import Reader
from benchmarks.own_server import ROOT, OwnServer
from benchmarks.wire import PASSWORD, WireUser
from protocol.message_id import message_id

GROUP = "#ops"
SENDER, READER = "ani", "budi"
CLIENT = "client"
"""The name of the client program among those who are killed."""
PROGRAM = "benchmarks.crash.transfers.program"
PATIENCE = 90.0
"""Seconds after which a transfer counts as never done."""
LOOK = 0.001
BULK_PORT = 2
"""Behind the first one."""


class Stage:
    """``with Stage(…) as stage``. ``program`` and ``workers``: modules run as client and as worker."""

    def __init__(
        self,
        *,
        seed: int,
        database: str = "",
        supervised: bool = False,
        file_workers: int = 1,
        program: str = PROGRAM,
        workers: str = "services",
    ) -> None:
        self.random = random.Random(seed)
        self._seed = seed
        self._database = database
        self._supervised = supervised
        self._counts = {"file": file_workers}
        self._module = program
        self._workers = workers
        self._exits = ExitStack()
        self._program: subprocess.Popen[bytes] | None = None
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> Stage:
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
        self._database = enter(schema(self._database))
        kind = Supervised if self._supervised else OwnServer
        self.server = enter(
            kind(
                home=home,
                counts=self._counts,
                settings=CHEAP_PASSWORDS,
                environment={"PESAN_DATABASE": self._database} if self._database else {},
                workers=self._workers,
            )
        )
        self.proxy = enter(Proxy(self.server.port, self._seed))
        self._folder = enter(folder("pesan-transfers-"))
        self._exits.callback(self._end_program)
        self._register()

    def _register(self) -> None:
        """Two people, both in a group."""
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        for name, command in ((SENDER, "group.create"), (READER, "group.join")):
            user = WireUser(context, self.server.connection)
            user.call("auth.register", username=name, password=PASSWORD)
            user.login(name)
            user.call(command, group=GROUP)
            self._tokens[name] = user.token.hex()
            user.close()
        context.term()

    # --- a transfer -----------------------------------------------------------------------------

    def upload(self, name: str, mib: int) -> Transfer:
        """An upload of random bytes that is yet to begin."""
        source = self._folder / f"{name}.source"
        source.write_bytes(self.random.randbytes((mib << 20) + self.random.randrange(1, 1000)))
        identity = message_id(time.time_ns() // 1_000_000).hex()
        one = Transfer(name, UPLOAD, source.stat().st_size, sha256_of(source), identity)
        self._write(one, SENDER, source=str(source), to=GROUP, id=identity)
        return one

    def download(self, name: str, of: Transfer) -> Transfer:
        """A download of what was uploaded, yet to begin."""
        one = Transfer(name, DOWNLOAD, of.size, of.sha256, of.upload)
        self._target(one).parent.mkdir()
        self._write(one, READER, file=of.said[-1][0], target=str(self._target(one)))
        return one

    def _target(self, one: Transfer) -> Path:
        return self._folder / f"{one.name}.folder" / "target"

    def _write(self, one: Transfer, who: str, **what: object) -> None:
        part = {
            **{"name": one.name, "way": one.way, "token": self._tokens[who]},
            **{"server": self.server.connection.replace("127.0.0.1", HOST)},
            **{"ledger": str(self._folder / f"{one.name}.ledger"), **what},
        }
        (self._folder / f"{one.name}.json").write_text(json.dumps(part))

    def start(self, one: Transfer) -> None:
        """Run its program; it counts from here what the line carries, and what it carried before."""
        with (self._folder / f"{one.name}.stderr").open("a") as errors:
            self._program = subprocess.Popen(
                [sys.executable, "-m", self._module, str(self._folder / f"{one.name}.json")],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stderr=errors,
                cwd=ROOT,
            )
        if not one.blows:
            self._carried_before = self._on_the_line(one)

    def carried(self, one: Transfer) -> int:
        """Bytes of it that the line has carried so far, those of chunks beside their envelopes."""
        return self._on_the_line(one) - self._carried_before

    def _on_the_line(self, one: Transfer) -> int:
        return self.proxy.carried[self.server.port + BULK_PORT, UP if one.way == UPLOAD else DOWN]

    @property
    def ended(self) -> bool:
        """The program is done."""
        return self._program is None or self._program.poll() is not None

    def until(self, reached: Callable[[], bool], seconds: float) -> None:
        """Returns when it is reached, the program has ended, or the time is over."""
        deadline = time.monotonic() + seconds
        while not reached() and not self.ended and time.monotonic() < deadline:
            time.sleep(LOOK)

    def blow(self, one: Transfer, victims: Sequence[str]) -> None:
        """kill -9 of all of them at the same moment; each is started again at once."""
        processes = [name for name in victims if name != CLIENT]
        if CLIENT in victims and self._program is not None:
            self._program.kill()
        if processes:
            self.server.kill_together(processes)
        one.blows += 1
        one.phases.append(self._phase(one))
        if processes:
            self.server.start_again(processes)
        if CLIENT in victims:
            self._end_program()
            self.start(one)

    def _phase(self, one: Transfer) -> str:
        if one.way == DOWNLOAD:
            if self._target(one).exists():
                return "named"
            return "fetching" if self.carried(one) < one.size else "fetched"
        with asking(self.server.home, self._database) as ask:
            return phase(ask, self.server.home, one.upload)

    def finish(self, one: Transfer) -> None:
        """Wait for the program's end, and note what came of it."""
        begun = time.monotonic()
        self.until(lambda: False, PATIENCE)
        one.seconds = time.monotonic() - begun
        one.done = self._program is not None and self._program.poll() == 0
        self._end_program()
        one.carried = self.carried(one)
        for line in Reader(self._folder, f"{one.name}.ledger").new():
            if line.what == ledger.MOVED:
                one.said.append((int(line.fields[1]), int(line.fields[2]), int(line.fields[3])))
            elif line.what == ledger.HINDERED:
                one.hindered.append(line.fields[1])
        if one.way == DOWNLOAD:
            target = self._target(one)
            one.got = sha256_of(target) if target.exists() else ""
            one.leftovers = [path.name for path in target.parent.iterdir() if path != target]
            target.unlink(missing_ok=True)

    def _end_program(self) -> None:
        if self._program is not None:
            self._program.kill()
            self._program.wait(10)
            self._program = None

    # --- what there is ---------------------------------------------------------------------------

    def kept(self) -> Kept:
        """What server and disk hold now."""
        with asking(self.server.home, self._database) as ask:
            return kept(ask, self.server.home)

    def errors(self) -> str:
        """What programs and server wrote to stderr, where there is a traceback in it."""
        texts = [self.server.errors(), *(path.read_text() for path in self._folder.glob("*.stderr"))]
        return "\n".join(text for text in texts if "Traceback" in text)
