"""Names of files are data: on a real server none of them reaches a path or a log, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import zmq

from benchmarks.own_server import OwnServer
from tests.authorisation.doors import BulkLine, WireSeat
from tests.authorisation.shelf import Shelf

PASSWORD = "rahasia sekali"
MARK = "Zq9xk"
"""In every name, in every folder's, and in the texts."""
ODD = (
    f"{MARK}",
    f".{MARK}",
    f"-{MARK}",
    f"~{MARK}",
    f"{MARK}..",
    f"%2e%2e%2f{MARK}",
    f"$({MARK})",
    f"'; drop table files; --{MARK}",
    f"{MARK}:*?<>|",
    f"CON.{MARK}",
    f"{MARK}" + "x" * 250,
    f"\U0001f469\u200d\U0001f52c{MARK}",
    f"\u0645\u0644\u0641{MARK}",
)


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """One whose folder nobody else writes into."""
    with OwnServer(settings={"password_memory_kib": 8, "password_passes": 1}) as server:
        yield server


def test_no_name_reaches_a_path_or_a_log(server: OwnServer) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with (
        closing(WireSeat(context, server.connection)) as ani,
        closing(Shelf(BulkLine(context, server.connection))) as shelf,
    ):
        ani.ask("auth.register", username="ani", password=PASSWORD)
        assert ani.login("ani", PASSWORD, "phone").code == "ok"
        ani.ask("file.mkdir", path=f"{MARK}/folder{MARK}", parents=True)
        for name in ODD:
            stored = shelf.make(ani, path=f"{MARK}/{name}")
            sent = shelf.make(ani, to="*", name=name, text=f"look: {MARK}")
            assert ani.ask("file.stat", file=stored)["path"] == f"{MARK}/{name}"
            assert ani.ask("file.stat", file=sent)["name"] == name
            shelf.put(ani, to="ani", name=name)
            assert ani.do("file.mkdir", path=f"{MARK}/{name}").code == "conflict"
        assert len(ani.ask("file.list", path=MARK)["files"]) == len(ODD)
        ani.ask("file.delete", path=MARK, recursive=True)
    context.term()
    paths = [file.relative_to(server.home) for file in server.home.rglob("*")]
    assert len([path for path in paths if path.parts[0] == "files"]) > len(ODD)
    assert not [path for path in paths if MARK.lower() in str(path).lower()]
    logs = [file for file in (server.home / "log").rglob("*") if file.is_file()]
    assert any("file.begin" in file.read_text() for file in logs)
    assert not [file for file in logs if MARK in file.read_text()]
