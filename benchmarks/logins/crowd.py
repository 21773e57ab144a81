"""Those who listen while somebody logs out: each asks for the topics that took the place of the old ones.

    python -m benchmarks.logins.crowd CONNECTION '{"listeners": 1000, "group": "…", "prefix": "…"}'

A process of its own, so that it does not get in the way of what is measured beside it. Says ``begin`` on
stderr when all listen, goes on until its stdin is closed, then prints one JSON object. Each listener does
what the client library does: after up to ``JITTER`` seconds it asks once, however many topics have changed.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from typing import Any

import zmq

from benchmarks.wire import WireUser, each, enter
from protocol.envelope import unpack_body, unpack_event, unpack_reply

JITTER = 0.2
"""Seconds, as in ``client.listening``."""
NEVER = float("inf")


class Listener:
    """One of them. ``due``: when it will ask."""

    def __init__(self, user: WireUser) -> None:
        self.user = user
        self.due = NEVER
        self.asked = self.answered = 0
        self.topics: set[bytes] = set()

    def hear(self) -> None:
        """Read every event that is there."""
        assert self.user.events is not None
        try:
            while True:
                if unpack_event(self.user.events.recv(zmq.NOBLOCK)).kind == "topics" and self.due == NEVER:
                    self.due = time.monotonic() + JITTER * random.random()
        except zmq.Again:
            pass

    def ask(self) -> None:
        """What has become of the topics."""
        self.due = NEVER
        self.asked += 1
        self.user.post("conversation.list", {})
        self.user.post("user.whoami", {})

    def read(self) -> None:
        """Listen to what the answers say."""
        events = self.user.events
        assert events is not None
        try:
            while True:
                body = unpack_body(unpack_reply(self.user.commands.recv(zmq.NOBLOCK)).body)
                self.answered += 1
                if "conversations" not in body:
                    continue
                now = {each["topic"] for each in body["conversations"] if each.get("topic")}
                for topic in now - self.topics:
                    events.subscribe(topic)
                for topic in self.topics - now:
                    events.unsubscribe(topic)
                self.topics = now
        except zmq.Again:
            pass


def gathered(context: zmq.Context[Any], server: str, count: int, group: str, prefix: str) -> list[Listener]:
    """So many users, all in the group, all listening."""
    users = [WireUser(context, server) for _ in range(count)]
    enter(users, [f"{prefix}-{number}" for number in range(count)])
    each(users, "group.join", lambda user: {"group": group})
    listeners = [Listener(user) for user in users]
    for user in users:
        user.listen()
    for listener in listeners:
        listener.user.await_welcome()
        listener.ask()
        while listener.answered < 2:
            listener.user.commands.poll(1000)
            listener.read()
    return listeners


def listen(server: str, listeners: int, group: str, prefix: str) -> dict[str, int]:
    """Gather, listen and ask until stdin is closed; how often they asked, and heard an answer."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 16_384)
    crowd = gathered(context, server, listeners, group, prefix)
    act: dict[Any, Any] = {}
    poller = zmq.Poller()
    poller.register(sys.stdin.fileno(), zmq.POLLIN)
    for listener in crowd:
        assert listener.user.events is not None
        listener.asked = listener.answered = 0
        for socket, do in ((listener.user.commands, listener.read), (listener.user.events, listener.hear)):
            poller.register(socket, zmq.POLLIN)
            act[socket] = do
    print("begin", file=sys.stderr, flush=True)
    while True:
        for socket, _ in poller.poll(10):
            if socket == sys.stdin.fileno():
                if not os.read(sys.stdin.fileno(), 64):
                    context.destroy(0)
                    return {
                        "asked": sum(each.asked for each in crowd),
                        "answered": sum(each.answered for each in crowd),
                    }
            else:
                act[socket]()
        now = time.monotonic()
        for listener in crowd:
            if listener.due <= now:
                listener.ask()


if __name__ == "__main__":
    print(json.dumps(listen(sys.argv[1], **json.loads(sys.argv[2]))))
