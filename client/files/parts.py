"""A file that grows beside its target until it is whole: ``NAME.HASH.part``.

Belongs here: the disk, all blocking: ``downloading`` calls it in a thread. Its name holds the hash of what it
is to become, so that two files on their way to one name never mix, and what is found is known to be of this
one. It is locked, so that two processes never write into it together.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from config.writeback import begin_to_write
from protocol.file_names import local_name
from protocol.limits import FILE_NAME_MAX_BYTES

PIECE: Final = 8 * 1024 * 1024
"""Bytes hashed in one call."""
HASH_DIGITS: Final = 16


class Part:
    """One download on its way to ``target``, a file or a folder to put ``name`` into.

    Raises ``FileExistsError`` if something is there and is not to be replaced or is no plain file,
    ``BlockingIOError`` while another process fetches the same, other ``OSError`` of the disk.
    """

    def __init__(self, target: Path, name: str, size: int, sha256: bytes, replace: bool) -> None:
        self.target = target
        self.held = 0
        """Bytes that were there."""
        self._name = name
        self._size = size
        self._sha256 = sha256
        self._replace = replace
        self._path = target
        self._file = -1
        self._kept = False
        self._hash = hashlib.sha256()
        self._at = 0

    def open(self) -> None:
        """See what is there, and keep others away. ``target`` is from now on the file's own."""
        if self.target.is_dir():
            self.target /= local_name(self._name)
        self._path = part_of(self.target, self._sha256)
        self._refuse_to_replace()
        while self._file < 0:
            self._file = self._locked()
            self._refuse_to_replace()
        self.held = os.fstat(self._file).st_size
        if self.held > self._size:
            self.empty()

    def _locked(self) -> int:
        """The part, open and ours alone; -1 if it has become somebody's finished file by now."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(file)
            with contextlib.suppress(FileNotFoundError):
                if status.st_ino == self._path.stat().st_ino:
                    if status.st_nlink == 1 or not status.st_size:
                        return file
                    self._path.unlink()  # who linked it to its name was killed before this
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        return -1

    def _refuse_to_replace(self) -> None:
        if in_the_way(self.target, self._replace):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.target))

    def read_held(self) -> bool:
        """Hash a little of what was there already; whether all of it is."""
        piece = os.pread(self._file, min(PIECE, self.held - self._at), self._at)
        self._hash.update(piece)
        self._at += len(piece)
        if not piece:
            self.held = self._at
        return self._at >= self.held

    def write(self, chunks: Iterable[Any]) -> int:
        """The next bytes; how many there are now."""
        for chunk in chunks:
            view = memoryview(chunk)
            while view:
                written = os.pwrite(self._file, view, self._at)
                begin_to_write(self._file, self._at, written)
                self._hash.update(view[:written])
                self._at += written
                view = view[written:]
        return self._at

    def right(self) -> bool:
        """Whether it is the file that it was to become."""
        return self._at == self._size and self._hash.digest() == self._sha256

    def empty(self) -> None:
        """Begin anew: what is there is no good."""
        os.ftruncate(self._file, 0)
        self._hash = hashlib.sha256()
        self._at = self.held = 0

    def keep(self) -> Path:
        """Give it its name, for good; where it is now."""
        os.fsync(self._file)
        self._kept = True
        if self._replace:
            self._refuse_to_replace()
            self._path.replace(self.target)
        else:
            self._link()
        folder = os.open(self.target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return self.target

    def _link(self) -> None:
        """As a rename, but one that replaces nothing; where there are no links, nearly so."""
        try:
            os.link(self._path, self.target)
        except FileExistsError:
            raise
        except OSError:
            self._refuse_to_replace()
            self._path.rename(self.target)
        else:
            self._path.unlink()

    def close(self) -> None:
        """Let go of it; what is there stays, but not an empty one."""
        if self._file < 0:
            return
        if not self._kept and os.fstat(self._file).st_size == 0:
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = -1


def in_the_way(target: Path, replace: bool) -> bool:
    """Whether something is at ``target`` that stays: all but a plain file that is to be replaced.

    A device, a pipe or a link is somebody's way to something else, and a file in its place would cut it off.
    """
    try:
        found = target.lstat()
    except (OSError, ValueError):  # what is wrong is told when it is opened
        return False
    return not (replace and stat.S_ISREG(found.st_mode))


def part_of(target: Path, sha256: bytes) -> Path:
    """Where what is to become ``target`` grows; its name is cut where it would be too long for a disk."""
    ending = f".{sha256.hex()[:HASH_DIGITS]}.part"
    name = os.fsencode(target.name)[: FILE_NAME_MAX_BYTES - len(ending)]
    return target.with_name(os.fsdecode(name) + ending)
