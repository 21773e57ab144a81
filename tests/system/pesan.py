"""``pesan`` as a process of its own, without the time that an interpreter takes to import it.

Most of what a short command costs is Python's start. A *stem* has imported the command line and does
nothing else; each command is a fork of it, with its own pid, environment, folder, stdin, stdout and stderr,
and with the end of an ordinary interpreter. What belongs to the start itself (the script, a terminal,
signals at any moment) is tested with the real script, ``PESAN``.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

PESAN = str(Path(sys.executable).with_name("pesan"))
ROOT = Path(__file__).parents[2]
PIPE = 60_000
"""Bytes that a pipe takes while nobody reads it."""
ASIDE = frozenset(("admin", "up", "chat"))
"""Commands that are run by the script: an operator's, and those that need a terminal."""
MODULES = ("chat", "connection", "files.api", "cli.accounts", "cli.sending", "cli.reading", "cli.groups")
"""What most commands import, below ``client``."""


def run(
    words: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: str = "", seconds: float = 30.0
) -> subprocess.CompletedProcess[str]:
    """``pesan words…`` to its end. Raises ``subprocess.TimeoutExpired``."""
    if (words and words[0] in ASIDE) or len(stdin.encode()) > PIPE:
        return subprocess.run(
            [PESAN, *words],
            env=environment,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=seconds,
            cwd=folder,
            check=False,
        )
    return _stem().run(words, environment, folder, stdin, seconds)


class Stem:
    """The process that is forked, as seen from the tests."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.system.pesan", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
            )
        self._turn = threading.Lock()

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: str, seconds: float
    ) -> subprocess.CompletedProcess[str]:
        """One command to its end."""
        reading, writing = os.pipe()
        os.write(writing, stdin.encode())
        os.close(writing)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, self._turn:
            try:
                request = json.dumps([list(words), dict(environment), str(folder)]).encode()
                socket.send_fds(self._control, [request], [reading, out.fileno(), err.fileno()])
            finally:
                os.close(reading)
            code = self._code(words, seconds)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(words, code, out.read().decode(), err.read().decode())

    def _code(self, words: Sequence[str], seconds: float) -> int:
        """What the command under way ended with."""
        pid = int(self._control.recv(100))
        self._control.settimeout(seconds)
        try:
            return int(self._control.recv(100))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            self._control.settimeout(None)
            self._control.recv(100)
            raise subprocess.TimeoutExpired(list(words), seconds) from None
        finally:
            self._control.settimeout(None)

    def close(self) -> None:
        """End it."""
        self._control.close()
        self._process.wait(10)


_stems: list[Stem] = []


def _stem() -> Stem:
    """The one of this process, started when first needed."""
    if not _stems:
        _stems.append(Stem())
        atexit.register(_stems[0].close)
    return _stems[0]


# --- the stem itself ------------------------------------------------------------------------------


def grow(control: socket.socket) -> int:
    """Fork a command for each request; returns what a command, or the stem, ends with."""
    for name in MODULES:
        import_module(f"client.{name}")
    while True:
        request, files, _, _ = socket.recv_fds(control, 1 << 18, 3)
        if not request:
            return 0
        pid = os.fork()
        if pid == 0:
            control.close()
            words, environment, folder = json.loads(request)
            return _become(words, environment, folder, files)
        for file in files:
            os.close(file)
        control.send(str(pid).encode())
        control.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def _become(words: list[str], environment: dict[str, str], folder: str, files: list[int]) -> int:
    """Be ``pesan words…``, as the script is it."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [PESAN, *words]
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    from client.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(grow(socket.socket(fileno=int(sys.argv[1]))))
