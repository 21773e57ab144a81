"""The process that serves windows: it says where, warns where others listen in, and ends when told to."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.gui.serving import process, shelf
from client.gui.serving.app import Serving
from config.log import open_log
from config.settings import Settings

PATIENCE = 20.0


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A port that is free."""
    monkeypatch.setenv("FLET_SERVER_PORT", "0")
    monkeypatch.setattr(shelf, "FIRST", ())
    with process._listen(Settings(home=tmp_path)) as listening:
        yield listening


async def ask(port: int, *lines: str) -> str:
    """A request, and all that is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    return answer.decode("utf-8", "replace")


async def served(settings: Settings, listening: socket.socket, *requests: tuple[str, ...]) -> list[str]:
    """What is answered to each request by a process that is told to stop then."""
    log = open_log(settings, "web")
    serving = asyncio.create_task(process._serve(Serving(settings, "pesan://127.0.0.1:9", log), listening))
    port = listening.getsockname()[1]
    answers = [await ask(port, *request) for request in requests]
    signal.raise_signal(signal.SIGTERM)
    await asyncio.wait_for(serving, PATIENCE)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)
    log.close()
    return answers


async def test_it_serves_its_page_and_nothing_of_its_libraries(
    tmp_path: Path, listening: socket.socket, capfd: pytest.CaptureFixture[str]
) -> None:
    port = listening.getsockname()[1]
    here = f"Host: 127.0.0.1:{port}"
    page, docs, schema, rebound, written = await served(
        Settings(home=tmp_path),
        listening,
        ("GET / HTTP/1.1", here),
        ("GET /docs HTTP/1.1", here),
        ("GET /openapi.json HTTP/1.1", here),
        ("GET / HTTP/1.1", "Host: rebound.example.com"),
        ("POST / HTTP/1.1", here, "Content-Length: 0"),
    )
    assert page.startswith("HTTP/1.1 200")
    assert "content-security-policy: default-src 'none'" in page
    assert not re.search(r"(?mi)^(server|access-control-allow-origin):", page)
    assert [answer[9:12] for answer in (docs, schema, rebound, written)] == ["404", "404", "403", "405"]
    told, problems = capfd.readouterr()
    assert told == f"pesan web serves http://127.0.0.1:{port}/\n"
    assert problems == ""


async def test_it_warns_where_others_can_listen_in(
    tmp_path: Path, listening: socket.socket, capfd: pytest.CaptureFixture[str]
) -> None:
    request = ("GET / HTTP/1.1", "Host: 127.0.0.1")
    await served(Settings(home=tmp_path, web_host="192.0.2.1"), listening, request)
    assert capfd.readouterr().err == "pesan web: passwords travel in clear to 192.0.2.1.\n"


def test_a_port_that_is_taken_is_named_and_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PESAN_HOME", str(tmp_path))
        monkeypatch.setenv("FLET_SERVER_PORT", str(port))
        assert process.main() == process.COULD_NOT_START
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"pesan web: 127.0.0.1:{port} is not to be had: ")


def test_the_address_that_flet_was_told_is_its_address(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert process.by_flet(settings, {}) is settings
    assert process.by_flet(settings, {"FLET_SERVER_IP": "::1"}).web_host == "::1"
