"""What is to be sent: local files and stdin, looked at before the first byte moves.

Belongs here: whether something can be sent at all, and under which name. Reading it is the library's.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from client.cli import output
from client.cli.context import interactive
from client.cli.exits import NOT_FOUND, OTHER, USAGE, Mistake
from protocol.errors import Invalid
from protocol.file_names import checked_file_name

STDIN: Final = "-"
STDIN_NAME: Final = "stdin"
"""What stdin is called there when no name is given."""
_PIECE: Final = 1 << 20


class Source(NamedTuple):
    """Something that can be sent."""

    shown: str
    """As it was typed."""
    name: str
    """What it is to be called there."""
    size: int
    content: Path | BinaryIO
    identity: str
    """What is the same when the same is sent again: its real path, or the hash of what came from stdin."""
    changed: int = 0
    """When it was last changed, in nanoseconds."""

    def close(self) -> None:
        """Let go of what was kept of stdin."""
        if not isinstance(self.content, Path):
            self.content.close()


def look(paths: Sequence[str], name: str | None = None) -> list[Source]:
    """Everything that was named, before anything is sent. Raises ``Mistake`` for the first that cannot be.

    Stdin is read to its end, for a size must be known in advance.
    """
    if name is not None and len(paths) > 1:
        raise Mistake("--name is for one file, and there are several.", USAGE)
    if paths.count(STDIN) > 1:
        raise Mistake("stdin (-) can be sent once.", USAGE)
    found = {path: look_at(path, name) for path in paths if path != STDIN}
    return [found[path] if path != STDIN else spool(name) for path in paths]


def look_at(path: str, name: str | None = None) -> Source:
    """One local file. Raises ``Mistake``."""
    shown = output.one_line(path)
    try:
        state = Path(path).stat()
        if stat.S_ISDIR(state.st_mode):
            raise Mistake(f"{shown} is a folder, and files are sent: {_packed(path)}", USAGE)
        if not stat.S_ISREG(state.st_mode):
            raise Mistake(f"{shown} is no plain file: cat {_quoted(path)} | pesan file send TO -", USAGE)
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None
    file = Path(path)
    named = checked(shown, file.name if name is None else name)
    return Source(shown, named, state.st_size, file, str(file.resolve()), state.st_mtime_ns)


def _packed(folder: str) -> str:
    name = Path(folder).resolve().name or "all"
    return f"tar -cz {_quoted(folder)} | pesan file send TO - --name {_quoted(name)}.tgz"


def _quoted(path: str) -> str:
    return output.one_line(shlex.quote(path))


def unreadable(path: str, error: Exception) -> Mistake:
    """Why a local file cannot be read or written, as the end of a command."""
    if isinstance(error, BlockingIOError):
        return Mistake(f"{output.one_line(path)}: another command is fetching it", OTHER)
    if not isinstance(error, OSError):
        return Mistake(f"{output.one_line(path)}: {error}", USAGE)
    code = NOT_FOUND if isinstance(error, FileNotFoundError) else OTHER
    return Mistake(f"{output.one_line(path)}: {error.strerror or error}", code)


def spool(name: str | None = None) -> Source:
    """All of stdin, kept in a file that has no name. Raises ``Mistake``; when nothing comes, too.

    What ended without a word in front of us is not to pass for an empty file.
    """
    name = checked("stdin", STDIN_NAME if name is None else name)
    if sys.stdin is None:
        raise Mistake("there is no stdin.", USAGE)
    if interactive():
        output.note("(type what to send; Ctrl-D ends it)")
    kept = tempfile.TemporaryFile()  # noqa: SIM115 - it lives until it was sent
    tally = hashlib.sha256()
    try:
        while piece := sys.stdin.buffer.read(_PIECE):
            tally.update(piece)
            kept.write(piece)
        kept.flush()
    except OSError as error:
        kept.close()
        raise Mistake(f"stdin cannot be kept in {tempfile.gettempdir()}: {error.strerror}") from None
    size = kept.tell()
    if not size:
        kept.close()
        raise Mistake("nothing came from stdin, and nothing was sent: an empty file is sent by its path.")
    kept.seek(0)
    return Source("stdin", name, size, kept, tally.hexdigest())


def checked(shown: str, name: str) -> str:
    """``name`` as it may be called there. Raises ``Mistake`` with a way out."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Mistake(f"{shown}: its name is not UTF-8; --name gives it another.", USAGE) from None
    try:
        return checked_file_name(name)
    except Invalid as error:
        raise Mistake(f"{shown}: {error.message} --name gives it another.", USAGE) from None
