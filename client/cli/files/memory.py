"""Which upload a repeated command goes on with, kept in the state folder.

Belongs here: from what was to be sent to the upload's id, which is what the server knows it by. One small
file for each upload that did not end; its name is a hash, so that nothing here tells what was sent to whom.
What the server holds of an upload, it says itself.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from client.cli.names import new_id
from config.folders import private_folder, state_folder
from protocol.limits import MESSAGE_ID_BYTES

if TYPE_CHECKING:
    from client.cli.context import Context

KEPT: Final = 30 * 86_400.0
"""Seconds after which one that never ended is forgotten. Servers sweep theirs sooner."""


class Transfer(NamedTuple):
    """What makes two commands the same: the bytes (as far as can be told in advance) and where they go."""

    source: str
    """Real path of the file, or the hash of what came from stdin."""
    size: int
    changed: int
    """When the file was last changed, in nanoseconds."""
    to: str = ""
    path: str = ""
    name: str = ""
    text: str = ""
    replace: bool = False


class Memory:
    """Uploads of ``owner`` (a server and a user) that did not end. Losing it costs bytes, nothing else."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder
        self._owner = owner

    @classmethod
    def of(cls, context: Context) -> Memory:
        """That of whoever is logged in here."""
        return cls(state_folder() / "uploads", context.record.owner)

    def begin(self, transfer: Transfer) -> tuple[bytes, bool]:
        """(id, known): the id of the upload that an earlier run began, or a new one."""
        file = self._file(transfer)
        known = _read(file)
        if known is not None:
            return known, True
        id = new_id()
        with suppress(OSError):  # it goes on all the same; cut short, it begins anew
            private_folder(self._folder)
            self._sweep()
            return _written(file, id)
        return id, False

    def end(self, transfer: Transfer) -> None:
        """It arrived, or never will: the same command begins anew."""
        with suppress(OSError):
            self._file(transfer).unlink(missing_ok=True)

    def _file(self, transfer: Transfer) -> Path:
        whole = repr((self._owner, *transfer)).encode("utf-8", "surrogateescape")
        return self._folder / hashlib.blake2b(whole, digest_size=16).hexdigest()

    def _sweep(self) -> None:
        oldest = time.time() - KEPT
        for file in self._folder.iterdir():
            if file.lstat().st_mtime < oldest:
                file.unlink(missing_ok=True)


def _read(file: Path) -> bytes | None:
    try:
        id = bytes.fromhex(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return id if len(id) == MESSAGE_ID_BYTES else None


def _written(file: Path, id: bytes) -> tuple[bytes, bool]:
    """Two of the same command at once share one id: whoever links the file first has named it."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(id.hex())
    try:
        os.link(draft, file)
    except FileExistsError:
        named = _read(file)
        if named is not None:
            return named, True
        draft.replace(file)  # nothing that can be read is in it
    except OSError:
        draft.replace(file)  # a disk without links
    finally:
        draft.unlink(missing_ok=True)
    return id, False
