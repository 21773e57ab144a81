"""A server that ``pesan up`` runs: killed processes are started again by it, not by the scenario."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.own_server import OwnServer

STARTED = re.compile(r"(\w+)\.(\d+) started \(pid (\d+)\)")
READY_SECONDS = 40.0


class Supervised(OwnServer):
    """As ``OwnServer``, but that starting a process again is somebody else's business."""

    def start(self) -> None:
        """Start ``pesan up`` and wait until a login would be answered."""
        self._pids: dict[str, int] = {}
        self._ready: queue.Queue[str] = queue.Queue()
        counts = ",".join(f"{service}={count}" for service, count in self.counts.items())
        with (self.home / "up.stderr").open("a") as errors:
            self._up = subprocess.Popen(
                [str(Path(sys.executable).with_name("pesan")), "up", "-c", counts],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._listener = threading.Thread(target=self._listen, name="pesan up", daemon=True)
        self._listener.start()
        self.await_ready()

    def start_broker(self, wait: bool = True) -> None:
        """``pesan up`` does it."""

    def start_worker(self, service: str, number: int = 1) -> None:
        """``pesan up`` does it."""

    def await_ready(self) -> None:
        """Wait for a ``pesan ready`` line that nobody has waited for yet."""
        try:
            self.connection = self._ready.get(timeout=READY_SECONDS).split()[2]
        except queue.Empty:
            raise RuntimeError(f"the broker did not start\n{self.errors()}") from None

    def kill_together(self, names: Sequence[str]) -> None:
        """kill -9 at the same moment; returns when they are gone."""
        pids = [self._pids[name] for name in names]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while any(pid in self._pids.values() for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.005)

    def close(self) -> None:
        """Tell ``pesan up`` to end, then remove the data folder."""
        if hasattr(self, "_up"):
            self._up.terminate()
            try:
                self._up.wait(15)
            except subprocess.TimeoutExpired:
                self._up.kill()
                self._up.wait(10)
            self._listener.join(10)
        super().close()

    def _listen(self) -> None:
        """Read what ``pesan up`` says: who runs under which process id, and when the broker is ready."""
        assert self._up.stdout is not None
        with self._up.stdout:
            for line in self._up.stdout:
                if found := STARTED.search(line):
                    name = found[1] if found[1] == "broker" else f"{found[1]}.{found[2]}"
                    self._pids[name] = int(found[3])
                elif line.startswith("pesan ready "):
                    self._ready.put(line)
