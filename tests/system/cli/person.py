"""Somebody at a shell: the real command ``pesan`` as a process, in a home folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.system.pesan import PESAN, run

PATIENCE = 30.0
"""Seconds after which something is stuck."""
PASSWORD = "rahasia sekali"


class Person:
    """One profile. ``server`` goes into PESAN_SERVER; '' leaves it out."""

    def __init__(self, folder: Path, server: str, profile: str = "default", **environment: str) -> None:
        self.folder = folder
        self.profile = profile
        self.shown = ""
        """Everything that any command has printed so far."""
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PESAN_")},
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"),
            "PESAN_HOME": str(folder / "nothing here"),
            "PESAN_PROFILE": profile,
            **({"PESAN_SERVER": server} if server else {}),
            **environment,
        }

    @property
    def session_file(self) -> Path:
        """Where the session is remembered."""
        return self.folder / "state" / "pesan" / f"{self.profile}.json"

    @property
    def token(self) -> str:
        """The secret in it, as hex."""
        return str(json.loads(self.session_file.read_text())["token"])

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """``pesan words…``, to its end."""
        done = run(words, self.environment, self.folder, stdin, PATIENCE)
        self.shown += done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def says(self, *words: str, stdin: str = "") -> str:
        """What ``pesan words…`` prints, which must go well."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, (words, done)
        return done.stdout

    def tells(self, *words: str, stdin: str = "") -> list[Any]:
        """The objects that ``pesan words… --json`` prints, which must go well."""
        return [json.loads(line) for line in self.says(*words, "--json", stdin=stdin).splitlines()]

    def register(self, name: str) -> Person:
        """Become somebody."""
        self.says("register", name, "--password-stdin", stdin=f"{PASSWORD}\n")
        return self

    def begin(self, *words: str) -> Running:
        """``pesan words…``, which goes on."""
        return Running(self, words)


class Running:
    """A command under way. Its output is found in files, so that nothing is lost or blocks."""

    def __init__(self, person: Person, words: tuple[str, ...]) -> None:
        number = len(list(person.folder.glob("*.out")))
        self._out = person.folder / f"{number}.out"
        self._err = person.folder / f"{number}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [PESAN, *words],
                env=person.environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                cwd=person.folder,
                # A shell that starts tests in the background may have turned Ctrl-C off.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.kill()
        self.process.wait(PATIENCE)

    @property
    def out(self) -> list[str]:
        """Whole lines on stdout so far."""
        return self._out.read_text(encoding="utf-8").split("\n")[:-1]

    @property
    def err(self) -> str:
        """What is on stderr so far."""
        return self._err.read_text(encoding="utf-8")

    def awaits(self, count: int) -> list[str]:
        """The lines on stdout, once there are so many."""
        self._until(lambda: len(self.out) >= count)
        return self.out

    def prints(self, enough: Callable[[list[str]], bool]) -> None:
        """Wait until the lines on stdout are enough."""
        self._until(lambda: enough(self.out))

    def mutters(self, text: str, times: int = 1) -> None:
        """Wait until stderr says something (so many times)."""
        self._until(lambda: self.err.count(text) >= times)

    def feed(self, text: str) -> None:
        """Write to its stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def _until(self, true: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, (self.out, self.err)
            time.sleep(0.02)
