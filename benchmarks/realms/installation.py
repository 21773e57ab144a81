"""One realm of three: a server with its own data folder, its people's programs, and the line before its door.

Belongs here: starting and ending them, pairing, killing. What goes wrong when is ``blows``'s, who lives here
``cast``'s.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.crash.crowd import Crowd
from benchmarks.crash.evidence import Evidence, from_database
from benchmarks.own_server import ROOT, OwnServer
from benchmarks.realms import door
from benchmarks.realms.books import Books, local, read, translated
from benchmarks.realms.cast import GROUP, HOME, RealmCast

PESAN = str(Path(sys.executable).with_name("pesan"))
SECONDS = 90.0
TOLD = 10
"""Lines of a log."""
REALM = "realm.1"
"""The process that talks with other realms."""
SETTINGS = {
    **{"password_memory_kib": 64, "password_passes": 1},
    **{"realm_answer_timeout": 4.0, "realm_quiet": 2.0, "realm_pause_most": 8.0},
}
"""Impatient, as on a fast line: what is tried is whether anything is lost, not how long one waits."""


class People(Crowd):
    """The client programs of one realm."""

    def __init__(
        self, realm: str, cast: RealmCast, folder: Path, server: str, launcher: Sequence[str]
    ) -> None:
        super().__init__(cast, folder, server)  # type: ignore[arg-type]
        self._realm = realm
        self._people = cast
        self._launcher = launcher

    def start(self) -> None:
        """Start every program; returns when all of them hear."""
        for number in range(self._people.programs):
            self._start(f"program{number}", self._people.program(self._realm, number))
        self.await_state("ready", SECONDS)

    def _person(self, name: str) -> dict[str, Any]:
        to = self._people.writes_to(self._realm, name)
        return {
            "name": name,
            "token": self.tokens[name],
            "to": to,
            "rate": self._people.rate,
            "probes": False,
        }

    def _command(self, name: str) -> list[str]:
        return [*self._launcher, *super()._command(name)]


class Installation:
    """One realm. ``launcher``: words before each command, to run it on another host."""

    def __init__(
        self,
        realm: str,
        cast: RealmCast,
        folder: Path,
        *,
        launcher: Sequence[str] = (),
    ) -> None:
        self.realm = realm
        self._cast = cast
        self._launcher = list(launcher)
        home = folder / realm
        home.mkdir()
        (folder / f"{realm}-ledgers").mkdir()
        self._ledgers = folder / f"{realm}-ledgers"
        self.server = OwnServer(
            home=home,
            realm=True,
            counts={"file": 0},
            launcher=launcher,
            settings=SETTINGS,
            environment={"PESAN_REALM": realm},
        )
        self.people: People

    def advertise(self, address: str, bind: str = "") -> None:
        """Have other realms told that they reach us there. Before the start."""
        with (self.server.home / "pesan.toml").open("a") as file:
            file.write(f'realm_advertise = "{address}"\n' + (f'realm_host = "{bind}"\n' if bind else ""))

    @property
    def everything(self) -> list[str]:
        """Names of all its processes."""
        return sorted(self.server.processes)

    @property
    def workers(self) -> list[str]:
        """Names of those that are not the broker."""
        return [name for name in self.everything if name != "broker"]

    # --- before ---------------------------------------------------------------------------------

    def invite(self) -> str:
        """An invitation, as an operator makes it."""
        return self._pesan("realm", "invite").strip()

    def join(self, invitation: str) -> None:
        """Take one."""
        self._pesan("realm", "join", invitation)

    def _pesan(self, *words: str) -> str:
        return self._run([PESAN, *words], b"").decode()

    def _run(self, words: Sequence[str], text: bytes) -> bytes:
        """Run a command on this realm's host to its end; what it printed."""
        done = subprocess.run(
            [*self._launcher, *words],
            input=text,
            env=self.server.environment,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            cwd=ROOT,
        )
        if done.returncode:
            raise RuntimeError(f"{self.realm}: {words[-2:]}: {done.stderr.decode()}\n{self.server.errors()}")
        return done.stdout

    def _errand(self, errand: door.Errand) -> Any:
        """Run an errand: on another host by a program of its own, else right here."""
        text = msgspec.json.encode(errand)
        return json.loads(self._run(door.words(), text) if self._launcher else door.main(text))

    def enter(self) -> None:
        """Everybody who lives here gets a session, and the programs are there (but not started)."""
        self.people = People(self.realm, self._cast, self._ledgers, self.server.connection, self._launcher)
        names = self._cast.people(self.realm)
        self.people.tokens = self._errand(door.Enter(self.server.connection, names))

    def join_group(self) -> None:
        """Those of the group join it; the home makes it."""
        home = self.realm == HOME
        name = f"#{GROUP}" if home else f"#{GROUP}@{HOME}"
        tokens = {one: self.people.tokens[one] for one in self._cast.group}
        self._errand(door.Join(self.server.connection, name, tokens, create=home))

    # --- during ---------------------------------------------------------------------------------

    def kill(self, names: Sequence[str]) -> None:
        """kill -9, at the same moment."""
        self.server.kill_together([name for name in names if name in self.server.processes])

    def restart(self, names: Sequence[str], module: str = "services") -> None:
        """Start them again; ``module`` is run as worker."""
        self.server.workers = module
        self.server.start_again(names)

    # --- after ----------------------------------------------------------------------------------

    def books(self) -> Books:
        """What is known now, but for the history."""
        return read(self.realm, self.server.home, self._cast.people(self.realm), self.people.lines)

    def stored(self) -> Evidence:
        """What its people must have heard, under the names that they are called here."""
        found = from_database(self.server.home, "", self._cast.people(self.realm))
        found.members = {
            room: [name for name in names if "@" not in name] for room, names in found.members.items()
        }
        return found

    def with_history(self, books: Books) -> Books:
        """The same with what the server tells."""
        members = {
            room: [local(name) for name in names if name.endswith(f"@{self.realm}")]
            for room, names in books.database.members.items()
        }
        errand = door.Look(self.server.connection, self.people.tokens, members)
        found = msgspec.convert(self._errand(errand), Evidence, strict=False)
        books.history = translated(found, self.realm)
        return books

    def complaints(self) -> list[str]:
        """The last warnings and faults in the server's log, for whoever wants to know why."""
        lines = (self.server.home / "log" / "server.jsonl").read_text(errors="replace").splitlines()
        return [line for line in lines if '"level":"info"' not in line and '"outcome"' not in line][-TOLD:]

    def close(self) -> None:
        """End everything."""
        if hasattr(self, "people"):
            self.people.close()
        self.server.close()
