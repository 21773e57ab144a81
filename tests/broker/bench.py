"""A broker core on a bench: requests go in by name, what it sends comes back opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from broker.core import Core
from config.settings import Settings
from protocol import backend
from protocol.backend import Call
from protocol.envelope import pack_body, pack_request, unpack_body, unpack_reply
from protocol.events import Welcome, event

FIRST_HANDLE = 1000
PASSWORD = "a secret of ani"
GATEWAY_SECRET = b"a secret of this server's own..."


def settings(**changes: Any) -> Settings:
    """Default settings with changes; rate limits off unless a test is about them."""
    return msgspec.structs.replace(
        Settings(home=Path("/nonexistent"), realm="here", rate_limits=False), **changes
    )


class Bench:
    """``now`` moves only when a test moves it."""

    def __init__(self, **changes: Any) -> None:
        self.now = 100.0
        self.core = Core(
            settings(**changes),
            name=b"b" * 16,
            version="0",
            first_handle=FIRST_HANDLE,
            epoch=7,
            gateway_secret=GATEWAY_SECRET,
        )
        self._request = 0

    def worker(self, service: str, name: bytes, capacity: int = 100) -> bytes:
        """A worker reports for duty."""
        self.core.backend(self.now, name, backend.pack_beat(service, name.decode(), capacity))
        return name

    def ask(self, peer: bytes, command: str, token: bytes = b"", origin: str = "", **body: Any) -> int:
        """A request from a client, who may say that it comes from elsewhere; its id."""
        self._request += 1
        frame = pack_request(self._request, token, command, pack_body(body), origin)
        self.core.request(self.now, peer, frame)
        return self._request

    def work(self) -> dict[bytes, list[Call]]:
        """What each worker is handed now."""
        return {
            worker: [Call(*call) for call in backend.unpack(frame)[1]] for worker, frame in self.core.work()
        }

    def done(
        self, worker: bytes, *replies: tuple[int, str, dict[str, Any]], events: Any = (), effects: Any = ()
    ) -> None:
        """A worker's results."""
        packed = [(handle, status, pack_body(body)) for handle, status, body in replies]
        self.core.backend(self.now, worker, backend.pack_done(packed, list(events), list(effects)))

    def heard(self) -> list[tuple[bytes, int, str, dict[str, Any]]]:
        """(peer, request id, status, body) of every reply since the last look."""
        frames, self.core.replies = self.core.replies, []
        return [
            (peer, reply.request_id, reply.status, unpack_body(reply.body))
            for peer, reply in ((peer, unpack_reply(frame)) for peer, frame in frames)
        ]

    def answer(self) -> tuple[str, dict[str, Any]]:
        """Status and body of the only reply since the last look."""
        ((_, _, status, body),) = self.heard()
        return status, body

    def login(self, name: str, session: int, user_id: int = 0) -> bytes:
        """A session that a worker opened; its token."""
        token = name.encode().ljust(16, b"-")[:15] + bytes([session % 256])
        self.worker("auth", b"auth-1")
        self.done(b"auth-1", effects=[(backend.OPEN, token, session, user_id or session, name)])
        return token

    def tick(self, seconds: float = 0.0) -> None:
        """Time passes."""
        self.now += seconds
        self.core.tick(self.now)


AN_EVENT = event(b"u" * 16, Welcome(1))
