"""The server's log: one JSON object a line, in ``log/server.jsonl`` of the data folder.

Here: how a line is made and where it goes. Each action of a user is a line with time, service, user,
command, outcome and duration; never a body, a password or a token. Of an error only its type and place
are written, because its text may quote what someone said. Written by hand, without a logging library:
docs/decisions/0024-processes-start-lean.md.

All processes write to the same file, each batch with one ``write`` in append mode, so lines never mix.
Whoever finds the file too large sets it aside (``server.jsonl.1`` is the newest of those), and the
others notice that theirs is not the current one any more.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from config.folders import private_folder
from config.settings import Settings

FILE: Final = "server.jsonl"

_encode = msgspec.json.Encoder().encode


class Action(NamedTuple):
    """What a user did. ``outcome`` is ``ok`` or the code of an error; ``since`` nanoseconds of some clock.

    Of who has no session: ``user`` is the name that was tried, and ``address`` where that came from.
    """

    user: str
    command: str
    outcome: str
    since: int
    address: str = ""


class LogFile:
    """An appended file that is set aside when it reaches ``max_bytes``; ``keep`` of those are kept."""

    def __init__(self, folder: Path, max_bytes: int, keep: int) -> None:
        self._path = private_folder(folder) / FILE
        self._max_bytes = max_bytes
        self._keep = keep
        self._handle = self._open()
        self._torn = False
        """Whether what we wrote last ends within a line, because the disk was full."""

    def write(self, lines: bytes) -> None:
        """Append whole lines. A log that cannot be written stops nobody from chatting."""
        with suppress(OSError):
            self._current()
            begun = b"\n" + lines if self._torn else lines
            written = os.write(self._handle, begun)
            self._torn = begun[written - 1 : written] != b"\n"
            if os.fstat(self._handle).st_size >= self._max_bytes:
                self._set_aside()

    def close(self) -> None:
        """Let go of the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _is_current(self) -> bool:
        """Whether the path still leads to the file that is open."""
        try:
            there, ours = self._path.stat(), os.fstat(self._handle)
        except OSError:
            return False
        return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)

    def _current(self) -> None:
        if not self._is_current():
            fresh = self._open()
            self.close()
            self._handle = fresh
            self._torn = False

    def _set_aside(self) -> None:
        """Rename the full file, unless another process has just done so."""
        lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._is_current():
                self._shift()
        finally:
            os.close(lock)
        self._current()

    def _shift(self) -> None:
        if not self._keep:
            self._path.unlink()
            return
        for number in range(self._keep - 1, 0, -1):
            with suppress(FileNotFoundError):
                self._aside(number).rename(self._aside(number + 1))
        self._path.rename(self._aside(1))

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{FILE}.{number}")


class ServerLog:
    """One process's voice in the log."""

    def __init__(self, file: LogFile, service: str) -> None:
        self._file = file
        self._service = service
        self._pid = os.getpid()
        self._alarms: set[str] = set()

    def actions(self, actions: Sequence[Action], now: int, clock: int) -> None:
        """A line for each action, all in one write. ``now`` microseconds; ``clock`` as in ``since``.

        These are the lines that come by the ten thousand.
        """
        if not actions:
            return
        when, service = _iso(now), self._service
        lines = [
            _encoded(
                {
                    "time": when,
                    "service": service,
                    "user": user,
                    "command": command,
                    "outcome": outcome,
                    "duration_us": (clock - since) // 1000,
                    **({"address": address} if address else {}),
                }
            )
            for user, command, outcome, since, address in actions
        ]
        lines.append(b"")
        self._file.write(b"\n".join(lines))

    def info(self, event: str, **fields: Any) -> None:
        """Something that an operator may like to know."""
        self._line("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Something that an operator should look at."""
        self._line("warning", event, fields)

    def alarm(self, sentence: str) -> None:
        """Something that an operator must look at now: in the log and on stderr, once each."""
        if sentence not in self._alarms:
            self._alarms.add(sentence)
            self._line("error", sentence, {})
            print(f"{self._service}: {sentence}", file=sys.stderr, flush=True)

    def fault(self, service: str, where: str, error: BaseException) -> None:
        """A mistake of ours: the error's type and its way through the code, without its text."""
        steps = traceback.extract_tb(error.__traceback__)
        way = [f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in steps]
        fields = {"where": where, "error": type(error).__name__, "way": way}
        self._line("error", "fault", {**fields, "service": service})

    def _line(self, level: str, event: str, fields: dict[str, Any]) -> None:
        head = {"time": _iso(time.time_ns() // 1000), "service": self._service, "pid": self._pid}
        self._file.write(_encoded({**head, **fields, "event": event, "level": level}) + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_log(settings: Settings, service: str) -> ServerLog:
    """This process's voice in the log of the server with these settings."""
    return ServerLog(LogFile(settings.home / "log", settings.log_max_bytes, settings.log_keep), service)


def _encoded(line: dict[str, Any]) -> bytes:
    """The line as JSON, without its end. Not Unicode (as a folder may be named) is spelled out."""
    try:
        return _encode(line)
    except UnicodeEncodeError:
        return _encode(_spelled(line))


def _spelled(value: Any) -> Any:
    """The same without lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _spelled(inner) for name, inner in value.items()}
    return [_spelled(inner) for inner in value] if isinstance(value, list | tuple) else value


def _iso(now: int) -> str:
    return datetime.fromtimestamp(now / 1e6, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
