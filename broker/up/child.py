"""A process that ``pesan up`` started: how it is started, its lines, its end.

It runs in a session of its own, so that Ctrl-C in a terminal reaches ``pesan up`` alone; it is killed when
``pesan up`` dies, however that dies; and it may have so much memory and no more. Why the memory limit is
of the kind it is: docs/decisions/0013-memory-limits.md.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

PIECE: Final = 65_536
"""Bytes read at once, and the longest line: a process that never ends its line costs no more."""
MIB: Final = 1 << 20
PR_SET_PDEATHSIG: Final = 1


class Child:
    """A running process. Its stdout and stderr are one stream of lines."""

    def __init__(self, name: str, line: str, environment: Mapping[str, str], memory_mib: int) -> None:
        """Start ``line`` in a shell. ``memory_mib`` as the setting has it. Raises ``OSError``."""
        self.name = name
        self._rest = b""
        self._process = subprocess.Popen(  # noqa: S603 - the Procfile is the operator's
            ["/bin/sh", "-c", line],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
            preexec_fn=_leash(memory_limit(memory_mib, machine_memory())),  # noqa: PLW1509 - this program has one thread
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout
        os.set_blocking(self._output.fileno(), False)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def fileno(self) -> int:
        """Where its lines come from, for a selector."""
        return self._output.fileno()

    def lines(self) -> tuple[list[bytes], bool]:
        """Whole lines that have come, without their ends; and whether more may come."""
        try:
            piece = os.read(self.fileno(), PIECE)
        except BlockingIOError:
            return [], True
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if self._rest and (not piece or len(self._rest) >= PIECE):
            lines.append(self._rest)
            self._rest = b""
        return lines, bool(piece)

    def last_lines(self) -> list[bytes]:
        """What it said before it ended, and the end of the stream."""
        said: list[bytes] = []
        more = True
        while more:
            lines, more = self.lines()
            said += lines
            if more and not lines:
                break  # somebody it left behind still holds the stream
        return [*said, self._rest] if self._rest else said

    def exit_code(self) -> int | None:
        """How it ended, as ``subprocess`` has it; None while it runs."""
        return self._process.poll()

    def send(self, number: int) -> None:
        """Send a signal to it and to what it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def close(self) -> None:
        """Close the stream."""
        self._output.close()


def machine_memory() -> int:
    """Bytes of memory that this machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def memory_limit(wanted_mib: int, machine: int) -> int:
    """Bytes that a process may allocate, 0 for no limit: what is wanted, but never the whole machine."""
    return min(wanted_mib * MIB, machine * 3 // 4)


def _leash(memory: int) -> Callable[[], None]:
    """What a new process does between fork and exec. Nothing that takes a lock: it is a copy of us."""
    parent = os.getpid()
    set_option = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        if set_option is not None:
            set_option(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != parent:  # it died before the kernel knew of our wish
                os._exit(1)
        if memory:
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            limit = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        # Who has run out of memory aborts. Its image would hold keys and messages, and fill the disk.
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))

    return prepare
