"""Who may ask: no site that gives us a name of its own, no page of another site; and what answers carry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from client.gui.serving.guard import HEADERS, Guard
from config.settings import Settings
from tests.client.gui.serving.asking import Asking

OURS = "chat.example.org"
NAMED = {"web_names": f"{OURS}, Other.example.org"}


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers everybody, and lets everybody set headers."""
    headers = [(b"access-control-allow-origin", b"self"), (b"referrer-policy", b"origin")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"come in"})


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return Guard(answers, Settings(home=tmp_path, **NAMED))  # type: ignore[arg-type]


HERE = "127.0.0.1:7703"


@pytest.mark.parametrize(
    ("host", "headers", "status"),
    [
        (HERE, {}, 200),
        ("[::1]:7703", {}, 200),
        ("192.0.2.7:7703", {}, 200),
        ("localhost:7703", {}, 200),
        (OURS, {}, 200),
        ("CHAT.example.org:443", {}, 200),
        ("other.example.org", {}, 200),
        ("rebound.example.com:7703", {}, 403),
        (f"{OURS}.example.com", {}, 403),
        ("localhost.example.com", {}, 403),
        (f"{OURS}@rebound.example.com", {}, 403),
        ("", {}, 403),
        (HERE, {"origin": f"http://{HERE}"}, 200),
        (HERE, {"origin": f"https://{OURS}"}, 200),
        (HERE, {"origin": "http://127.0.0.1:8080"}, 403),
        (HERE, {"origin": "http://evil.example.com"}, 403),
        (HERE, {"origin": f"http://{HERE}.example.com"}, 403),
        (HERE, {"origin": "null"}, 403),
        (HERE, {"origin": ""}, 403),
        (HERE, {"sec_fetch_site": "none"}, 200),
        (HERE, {"sec_fetch_site": "same-origin"}, 200),
        (HERE, {"sec_fetch_site": "same-site"}, 403),
        (HERE, {"sec_fetch_site": "cross-site"}, 403),
        (HERE, {"origin": "http://["}, 403),
        ("[", {}, 403),
        ("a]b", {}, 403),
    ],
)
async def test_who_is_let_in(guard: Guard, host: str, headers: dict[str, str], status: int) -> None:
    asked = await Asking(guard, "GET", "/", host=host, **headers).answered()
    assert asked.status == status
    assert (asked.body == b"come in") == (status == 200)


@pytest.mark.parametrize(
    ("method", "path", "mode", "dest", "status"),
    [
        ("GET", "/", "navigate", "document", 200),
        ("GET", "/files/out/ticket/name", "navigate", "document", 403),
        ("POST", "/", "navigate", "document", 403),
        ("GET", "/", "navigate", "iframe", 403),
        ("GET", "/", "no-cors", "image", 403),
    ],
)
async def test_a_link_on_another_site_leads_to_the_window_and_to_nothing_else(
    guard: Guard, method: str, path: str, mode: str, dest: str, status: int
) -> None:
    how = {"sec_fetch_site": "cross-site", "sec_fetch_mode": mode, "sec_fetch_dest": dest}
    assert (await Asking(guard, method, path, host=HERE, **how).answered()).status == status


async def test_whoever_names_no_host_is_turned_away(guard: Guard) -> None:
    assert (await Asking(guard, "GET", "/").answered()).status == 403


@pytest.mark.parametrize("host", [HERE, "rebound.example.com"])
async def test_every_answer_has_the_headers_and_none_is_weakened(guard: Guard, host: str) -> None:
    asked = await Asking(guard, "GET", "/", host=host).answered()
    for name, value in HEADERS.items():
        assert asked.headers[name] == ("origin" if (name, host) == ("referrer-policy", HERE) else value)
    assert "default-src 'none'" in asked.headers["content-security-policy"]
    assert "http:" not in asked.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("host", "origin", "lets_in"),
    [
        (HERE, f"http://{HERE}", True),
        (OURS, f"https://{OURS}", True),
        (HERE, "http://evil.example.com", False),
        (HERE, None, False),
        ("rebound.example.com", "http://rebound.example.com", False),
        (HERE, "http://localhost:3000", False),
    ],
)
async def test_a_socket_is_for_pages_of_ours(
    tmp_path: Path, host: str, origin: str | None, lets_in: bool
) -> None:
    said: list[str] = []

    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        said.append(message["type"])

    headers = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin is not None else [])]
    scope: dict[str, Any] = {
        "type": "websocket",
        "headers": headers,
        "extensions": {"websocket.http.response": {}},
    }
    await Guard(socket, Settings(home=tmp_path, **NAMED))(scope, receive, send)  # type: ignore[arg-type]
    assert ("websocket.accept" in said) == lets_in
    assert lets_in or said[0] in ("websocket.close", "websocket.http.response.start")
