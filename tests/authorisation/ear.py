"""An ear: one live SUB connection that goes on listening to every topic it ever knew.

Belongs here: hearing, and knowing for certain when nothing more can come. Not here: what may be heard.
"""

from __future__ import annotations

import secrets
from typing import Any, Final, NamedTuple

from protocol.addresses import TopicKind
from protocol.envelope import unpack_body, unpack_event
from tests.authorisation.doors import WireSeat

PATIENCE: Final = 20_000
"""Milliseconds that a welcome may take."""


class Heard(NamedTuple):
    """One event."""

    topic: bytes
    kind: str
    body: dict[str, Any]


class Ear:
    """Of one device: subscribed to the user's own topic and to that of every conversation in its list."""

    def __init__(self, seat: WireSeat) -> None:
        self._seat = seat
        listed = seat.ask("conversation.list")["conversations"]
        self.topics = {row["name"]: bytes(row["topic"]) for row in listed if row["topic"]}
        self.topics["own"] = bytes(seat.ask("user.whoami")["topic"])
        assert seat.user.events is None, "one ear a seat"
        self._socket = seat.user.listen(*self.topics.values())
        self.listen()

    def learn(self) -> None:
        """Subscribe to the topics as they are now, as the device of a member may; the old ones stay."""
        listed = self._seat.ask("conversation.list")["conversations"]
        now = {bytes(row["topic"]) for row in listed if row["topic"]}
        now.add(bytes(self._seat.ask("user.whoami")["topic"]))
        for topic in now:
            self._socket.subscribe(topic)
        self.listen()

    def listen(self, *, welcomes: bool = False) -> list[Heard]:
        """Everything that was published up to now and that this ear hears; ``welcomes`` if they matter.

        A subscription of our own making is welcomed; the broker sends to one connection in order, so
        what was published before the welcome has arrived with it.
        """
        fence = TopicKind.USER + secrets.token_bytes(15)
        self._socket.subscribe(fence)
        heard: list[Heard] = []
        while True:
            assert self._socket.poll(PATIENCE), "no welcome"
            event = unpack_event(self._socket.recv())
            if event.topic == fence:
                self._socket.unsubscribe(fence)
                return heard
            if welcomes or event.kind != "welcome":
                heard.append(Heard(event.topic, event.kind, unpack_body(event.body)))

    def said(self) -> list[str]:
        """Texts of the messages heard since the last look, in order."""
        return [event.body["body"] for event in self.listen() if event.kind == "message"]
