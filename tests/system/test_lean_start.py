"""What a process imports before it serves: nothing that would only make it start later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "asyncio",
    "ssl",
    "email",
    "importlib.metadata",
    "rich",
    "pygments",
    "structlog",
    "tempfile",
    "tomllib",
    "obstore",
    "puremagic",
    "tqdm",
}


@pytest.mark.parametrize(
    "modules",
    [
        "broker.__main__",
        "broker.up.program",
        "services.__main__, services.auth, services.storage.sqlite",
        "services.__main__, services.messaging, services.storage.sqlite",
        "services.__main__, services.group, services.storage.sqlite",
        "services.__main__, services.realm, services.storage.sqlite",
        "services.__main__, services.file.bulk.line, services.file.blobs.folder, services.storage.sqlite",
    ],
)
def test_a_process_starts_without_what_it_does_not_need(modules: str) -> None:
    program = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    assert "config.log" in loaded
    assert HEAVY & set(loaded) == set()


def test_the_gateway_is_a_loop_and_a_client_and_nothing_besides() -> None:
    program = "import sys, gateway.__main__; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    assert {"asyncio", "config.log", "gateway.server"} <= set(loaded)
    # asyncio brings in ssl and tempfile by itself.
    assert HEAVY & set(loaded) - {"asyncio", "ssl", "tempfile"} == set()
    assert not [
        name for name in loaded if name.partition(".")[0] in ("broker", "services", "textual", "click")
    ]


def test_the_version_that_the_server_tells_is_the_installed_one() -> None:
    from importlib.metadata import version

    from config.version import VERSION

    assert version("pesan") == VERSION
