"""A client of the json dialect, as the older ones were: a line out, one read per reply."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.peer import Peer

END = b"\r\n\r\n"


class JsonPeer(Peer):
    """``with JsonPeer(town) as peer: peer.asks("getallusers")``."""

    def __init__(self, town: Town) -> None:
        super().__init__(town.port("json"))
        self.name = self.token = self.realm = ""

    def __enter__(self) -> JsonPeer:
        return self

    def enters(self, name: str) -> str:
        """Register, log in; returns the name."""
        self.asks(f"register {name} {PASSWORD}")
        reply = self.done(f"auth {name} {PASSWORD}")
        self.name, self.token, self.realm = name, reply["token_id"], reply["realm_id"]
        return name

    def asks(self, line: str) -> dict[str, Any]:
        """The reply to a line that is typed as the clients do, with a space before its end."""
        self.says(f"{line} \r\n".encode())
        return self.reply()

    def until(self, end: bytes) -> bytes:
        """The next bytes up to and with ``end``; megabytes, too."""
        heard = bytearray(self._heard)
        looked = 0
        while (place := heard.find(end, looked)) < 0:
            looked = max(0, len(heard) - len(end))
            data = self.socket.recv(1_048_576)
            assert data, f"{bytes(heard[:200])!r}, and then the connection ended"
            heard += data
        self._heard = bytes(heard[place + len(end) :])
        return bytes(heard[: place + len(end)])

    def reply(self) -> dict[str, Any]:
        """The next reply, which has what every reply has."""
        whole = self.until(END)
        assert whole.startswith(b'{"status": "')
        reply: dict[str, Any] = json.loads(whole)
        assert reply["status"] in ("OK", "ERROR")
        assert isinstance(reply["data"], str)
        assert reply["data"] == reply["message"]
        return reply

    def done(self, line: str) -> dict[str, Any]:
        """The reply to a line, which is OK."""
        reply = self.asks(line)
        assert reply["status"] == "OK", reply
        return reply

    def refused(self, line: str) -> str:
        """What is said to a line that is refused."""
        reply = self.asks(line)
        assert reply.keys() == {"status", "data", "message"}
        assert reply["status"] == "ERROR", reply
        return str(reply["message"])

    def hears_of(self, line: str) -> list[tuple[str, str]]:
        """(sender, text) of each message that a line is answered with."""
        return [(message["sender"], message["message"]) for message in self.done(line)["messages"]]


def wrapped(content: bytes) -> str:
    """A file's content as the older clients send it."""
    return f"{base64.b64encode(content)!r}"
