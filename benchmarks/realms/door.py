"""``python -m benchmarks.realms.door``: a person at one realm's door, who sets things up and looks around.

Reads one errand as JSON from stdin, writes what came of it as JSON to stdout. It can be a program of its own,
because the realm may live on another host, where the harness is not.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

import msgspec
import zmq
from msgspec import Struct

from benchmarks.crash.evidence import Evidence, from_history
from benchmarks.wire import PASSWORD, WireUser, each
from protocol.errors import Failure

JOIN_SECONDS = 60.0


class Enter(Struct, tag=True):
    """Register users and log them in: the answer is name → token, in hexadecimal."""

    server: str
    names: list[str]


class Join(Struct, tag=True):
    """Have users join a group; the first one makes it when ``create``."""

    server: str
    group: str
    tokens: dict[str, str]
    create: bool


class Look(Struct, tag=True):
    """What the server tells of its conversations: the answer is an ``Evidence``."""

    server: str
    tokens: dict[str, str]
    members: dict[int, list[str]]


Errand = Enter | Join | Look


def enter(errand: Enter) -> dict[str, str]:
    """Open a session for everybody."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    users = [WireUser(context, errand.server) for _ in errand.names]
    called = dict(zip(users, errand.names, strict=True))
    each(users, "auth.register", lambda user: {"username": called[user], "password": PASSWORD})
    answers = each(users, "auth.login", lambda user: {"username": called[user], "password": PASSWORD})
    tokens = {called[user]: reply["token"].hex() for user, reply in answers}
    for user in users:
        user.close()
    context.term()
    return tokens


def join(errand: Join) -> None:
    """Join one after the other; another realm may take a moment until it is there."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    for number, token in enumerate(errand.tokens.values()):
        user = WireUser(context, errand.server)
        user.token = bytes.fromhex(token)
        command = "group.create" if errand.create and not number else "group.join"
        _until_done(user, command, errand.group)
        user.close()
    context.term()


def _until_done(user: WireUser, command: str, group: str) -> None:
    deadline = time.monotonic() + JOIN_SECONDS
    while True:
        try:
            user.call(command, group=group)
            return
        except Failure:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def look(errand: Look) -> Evidence:
    """Ask for the history of every conversation."""
    return asyncio.run(from_history(errand.server, errand.tokens, errand.members))


def main(text: bytes) -> bytes:
    """Run one errand."""
    errand = msgspec.json.decode(text, type=Errand)
    if isinstance(errand, Enter):
        return msgspec.json.encode(enter(errand))
    if isinstance(errand, Look):
        return msgspec.json.encode(look(errand))
    join(errand)
    return b"null"


def words() -> Sequence[str]:
    """How to run this program."""
    return [sys.executable, "-m", "benchmarks.realms.door"]


if __name__ == "__main__":
    sys.stdout.buffer.write(main(sys.stdin.buffer.read()))
