"""One file to be sent or fetched from ``pesan chat``: its source or place, its words, its end.

Belongs here: what differs between the two directions, and what a typed path means.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from client.cli import output
from client.cli.chat import lines
from client.cli.chat.room import Room
from client.cli.exits import NOT_FOUND, OTHER, Mistake
from client.cli.files.memory import Memory, Transfer
from client.cli.files.sending import for_good, give_up
from client.cli.files.sources import look_at
from client.cli.names import new_id
from client.files.progress import Progress
from protocol.file_names import local_name
from protocol.files import StoredFile

if TYPE_CHECKING:
    from client.chat import Chat


class Errand:
    """What both directions have. ``begun`` is told at once; ``waited``: we said that it waits."""

    verb: ClassVar[str]

    def __init__(self, label: str, begun: str) -> None:
        self.label = output.one_line(label)
        self.begun = begun
        self.done = 0
        self.size = 0
        self.waited = False

    def __str__(self) -> str:
        return f"{self.label} {100 * self.done // self.size}%" if self.size else self.label

    def begin(self) -> AsyncGenerator[Progress, None]:
        """Begin, or go on."""
        raise NotImplementedError

    def ended(self, last: Progress) -> str:
        """All of it is there: the line to show."""
        raise NotImplementedError

    async def failed(self, error: Exception) -> None:
        """It did not come to its end."""


class Sending(Errand):
    """A file of this machine, to an address."""

    verb = "sent"

    def __init__(self, chat: Chat, room: Room, memory: Memory | None, typed: str, to: str) -> None:
        self._source = source = look_at(local_path(typed))
        super().__init__(source.name, f"sending {source.name}, {output.size(source.size)}, to {to}")
        self._chat = chat
        self._room = room
        self._memory = memory
        self._to = to
        self._id = b""
        self._transfer = Transfer(source.identity, source.size, source.changed, to, "", source.name)

    def begin(self) -> AsyncGenerator[Progress, None]:
        """The id is chosen when it is our turn: one that is sent just now has its own."""
        if not self._id:
            self._id = self._memory.begin(self._transfer)[0] if self._memory else new_id()
            self._room.sent.add(self._id)  # our own line tells of it
        return self._chat.files.upload(self._source.content, to=self._to, name=self._source.name, id=self._id)

    def ended(self, last: Progress) -> str:
        """The file's number, for a program all of the reply."""
        reply = last.file
        assert reply is not None
        self._forget()
        self._room.stored(reply.conversation, self._to)
        if reply.queued:
            self._room.passed_on(self._id, self._to, self.label)
        self._room.files[reply.file.file] = reply.file.name
        line = lines.Told(lines.aside(f"sent {self.label} to {self._to}: file {reply.file.file}"))
        line.record = output.fields(reply, to=self._to, id=self._id.hex())
        return line

    async def failed(self, error: Exception) -> None:
        """What is refused for good begins anew the next time."""
        self._room.sent.discard(self._id)
        if for_good(error):
            await give_up(self._chat, self._id)
            self._forget()

    def _forget(self) -> None:
        if self._memory is not None:
            self._memory.end(self._transfer)


class Fetching(Errand):
    """A file of the server's, into a folder of this machine."""

    verb = "fetched"

    def __init__(self, chat: Chat, file: StoredFile, typed: str) -> None:
        self._target = free_place(file, typed)
        super().__init__(self._target.name, f"fetching {file.name}, {output.size(file.size)}")
        self._chat = chat
        self._file = file

    def begin(self) -> AsyncGenerator[Progress, None]:
        """What is there of it stays."""
        return self._chat.files.save(self._file, self._target)

    def ended(self, last: Progress) -> str:
        """Where it is."""
        line = lines.Told(lines.aside(f"fetched {self._target}"))
        line.record = output.fields(self._file, saved=str(self._target))
        return line


def local_path(typed: str) -> str:
    """A path as a person types it, or as a terminal writes one that was dropped on it: quoted, escaped."""
    path = _from_home(typed)
    if os.path.lexists(path):
        return path
    try:
        words = shlex.split(typed)
    except ValueError:
        return path
    return _from_home(words[0]) if len(words) == 1 else path


def is_file(line: str) -> bool:
    """Whether a line is nothing but a file of this machine, such as one dropped on the terminal."""
    try:
        return Path(local_path(line.strip())).is_file()
    except (OSError, ValueError):
        return False


def _from_home(path: str) -> str:
    try:
        return str(Path(path).expanduser())
    except RuntimeError:  # nobody is called so
        return path


def free_place(file: StoredFile, typed: str) -> Path:
    """Where to save a file: here or in the folder ``typed`` under a harmless name, or as ``typed``.

    Raises ``Mistake`` where something is.
    """
    target = Path(local_path(typed)) if typed else Path()
    if target.is_dir():
        target /= local_name(file.name)
    elif not target.parent.is_dir() or typed.endswith("/"):
        raise Mistake(f"There is no folder {output.one_line(str(target.parent))} here.", NOT_FOUND)
    if os.path.lexists(target):
        exists = output.one_line(str(target))
        raise Mistake(f"{exists} exists; /get {file.file} PATH saves under another name.", OTHER)
    return target
