"""A data folder whose disk can be filled to the last byte, and emptied again.

Where this user may mount (root, in a container or out of it) it is a small tmpfs, and the full disk is
a real ENOSPC, for the database, its log and the server's log alike. Elsewhere the services' limit on the
size of files (RLIMIT_FSIZE) is lowered while they run, which ends writes of the database in the same way.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

MIB = 1 << 20
SIZE_MIB = 48
BALLAST = "ballast"


class FullDisk:
    """``with FullDisk(home) as disk``; ``kind`` says which of the two it is."""

    def __init__(self, home: Path, may_mount: bool = True) -> None:
        self._home = home
        self._may_mount = may_mount
        self.kind = ""

    def __enter__(self) -> FullDisk:
        mount = shutil.which("mount") if self._may_mount else None
        command = [str(mount), "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=700", "pesan", str(self._home)]
        mounted = bool(mount) and not subprocess.run(command, capture_output=True, check=False).returncode
        self.kind = f"tmpfs of {SIZE_MIB} MiB" if mounted else "RLIMIT_FSIZE"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.kind.startswith("tmpfs"):
            subprocess.run(["umount", "-l", str(self._home)], check=False, capture_output=True)

    def fill(self, pids: Iterable[int]) -> None:
        """No byte more from now on."""
        if not self.kind.startswith("tmpfs"):
            self._limit(pids, self._database_size())
            return
        with (self._home / BALLAST).open("ab", buffering=0) as file:
            for size in (MIB, 4096, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue

    def empty(self, pids: Iterable[int]) -> None:
        """There is room again."""
        if self.kind.startswith("tmpfs"):
            (self._home / BALLAST).unlink()
        else:
            self._limit(pids, resource.RLIM_INFINITY)

    def _database_size(self) -> int:
        """The log of the database is the file that grows."""
        return max(1, max(file.stat().st_size for file in self._home.glob("pesan.db*")) // 2)

    @staticmethod
    def _limit(pids: Iterable[int], size: int) -> None:
        for pid in pids:
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def free_bytes(home: Path) -> int:
    """Bytes left on the folder's disk."""
    status = os.statvfs(home)
    return status.f_bavail * status.f_frsize
