"""Twenty transfers at once through one worker process: all of them whole, and its memory small."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from config.settings import Settings
from protocol import backend
from services.storage import open_store
from services.storage.migrate import migrate
from tests.services.bulk.pier import Client, Pier
from tests.services.bulk.yard import Yard, some_bytes
from tests.services.test_worker import ROOT
from tests.services.test_worker import Broker as Backend
from tests.services.world import NOW

MIB = 1 << 20
CHUNK = 512 * 1024
MOST = 100 * MIB
TRANSFERS = 20


class Crowd:
    """Transfers in threads of their own; what failed is in ``errors``."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.heard: list[bytes] = []
        self._threads: list[threading.Thread] = []

    def add(self, transfer: object, *arguments: object) -> None:
        """Begin one."""
        thread = threading.Thread(target=self._run, args=(transfer, *arguments))
        self._threads.append(thread)
        thread.start()

    def _run(self, transfer: object, *arguments: object) -> None:
        try:
            found = transfer(*arguments)  # type: ignore[operator]
            self.heard.append(found)
        except BaseException as error:
            self.errors.append(error)

    def most_memory(self, pid: int) -> int:
        """The most that the process has had while they went on."""
        process, most = psutil.Process(pid), 0
        while any(thread.is_alive() for thread in self._threads):
            most = max(most, process.memory_info().rss)
            time.sleep(0.02)
        return most


def sent(client: Client, id: bytes, data: bytes) -> bytes:
    client.send_all(id, data, CHUNK)
    return bytes(client.do("chunk.seal", upload=id)[0]["sha256"])


def fetched(client: Client, file: int, size: int) -> bytes:
    return hashlib.sha256(client.fetch(file, size, CHUNK)).digest()


@pytest.mark.parametrize("direction", ["in", "out"])
def test_twenty_transfers_at_once_take_little_memory(tmp_path: Path, direction: str) -> None:
    settings = Settings(home=tmp_path, realm="here")
    store = open_store(settings)
    migrate(store, NOW)
    yard, pier, backend_side = Yard(settings, store), Pier(settings), Backend(settings)
    yard.now = time.time_ns() // 1000
    process = subprocess.Popen(
        [sys.executable, "-m", "services", "file"], cwd=ROOT, env={**os.environ, "PESAN_HOME": str(tmp_path)}
    )
    data = some_bytes(5 * MIB)
    crowd = Crowd()
    try:
        backend_side.hear(backend.BEAT)
        file = yard.file("ani", data, chunk=CHUNK)
        clients = [pier.client(yard.token("ani")) for _ in range(TRANSFERS)]
        for number, client in enumerate(clients):
            if direction == "in":
                each = b"%d" % number + data
                crowd.add(sent, client, yard.begin("ani", len(each), chunk=CHUNK), each)
            else:
                crowd.add(fetched, client, file, len(data))
        most = crowd.most_memory(process.pid)
    finally:
        process.terminate()
        process.wait(20)
        yard.close()
        backend_side.close()
        pier.close()
        store.close()
    assert crowd.errors == []
    prefixes = [b"%d" % number if direction == "in" else b"" for number in range(TRANSFERS)]
    assert sorted(crowd.heard) == sorted(hashlib.sha256(prefix + data).digest() for prefix in prefixes)
    assert 10 * MIB < most < MOST
