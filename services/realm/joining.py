"""Joining: the one request that is made to a realm which is no peer yet, and why it failed if it did.

Belongs here: a socket to the realm that made an invitation, and what its silence means. Not here: the rules
of pairing (``pairing``), the socket that this request arrives at (``ports``), the command (``program``).
"""

from __future__ import annotations

import socket as plain_socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import zmq
from zmq.utils import z85

from config.keys import KeyPair
from protocol import realms as language
from protocol.envelope import unpack_body
from protocol.errors import OK, Invalid
from protocol.realms import Pair, PairReply
from services.context import pack_struct
from services.realm.invitation import Invitation
from services.realm.sentences import plain

NUMBER: Final = 1
SENTENCE_MOST: Final = 500
STATUS_MOST: Final = 32
"""Characters of why the other one refuses."""
TRIES: Final = 3
"""Connections refused in a row after which nobody is there."""
RECONNECT_MS: Final = 300
REACHED: Final = int(zmq.EVENT_CONNECTED)
SHOOK_HANDS: Final = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
TURNED_AWAY: Final = int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
HUNG_UP: Final = int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL) | int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
FAILED: Final = int(zmq.EVENT_CLOSED)
_EVENTS: Final = REACHED | SHOOK_HANDS | TURNED_AWAY | HUNG_UP | FAILED


class NotJoined(Exception):
    """The other realm could not be asked, or refuses; the text is a sentence."""


class Unreachable(NotJoined):
    """Nobody was reached, so nothing was done."""


class Untrusted(NotJoined):
    """What listens there is not the realm that made the invitation, or lets us not in."""


class NoAnswer(NotJoined):
    """It may have been done or not: the same again does no harm."""


class Refused(NotJoined):
    """It was asked, and says no; ``code`` as in ``protocol.errors``."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def ask(invitation: Invitation, keys: KeyPair, realm: str, address: str, patience: float) -> PairReply:
    """Show the invitation, as ``realm``, which is reached at ``address``; waits ``patience`` seconds.

    Raises ``NotJoined``.
    """
    _look_up(invitation)
    request = language.pack(NUMBER, "pair", pack_struct(Pair(realm, invitation.secret, address)))
    with _connected(invitation, keys) as (socket, monitor):
        socket.send(request)
        return _answer(invitation, _first_reply(invitation, socket, monitor, time.monotonic() + patience))


def _look_up(invitation: Invitation) -> None:
    """libzmq looks names up by itself, and says nothing when there is none."""
    host, _, port = invitation.address.rpartition(":")
    try:
        plain_socket.getaddrinfo(host.strip("[]"), int(port), type=plain_socket.SOCK_STREAM)
    except OSError as error:
        reason = error.strerror or error
        raise Unreachable(f"{host}, the host in the invitation, cannot be found: {reason}.") from None


@contextmanager
def _connected(
    invitation: Invitation, keys: KeyPair
) -> Iterator[tuple[zmq.Socket[bytes], zmq.Socket[bytes]]]:
    context = zmq.Context()
    socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
    try:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.IPV6, invitation.address.startswith("["))
        socket.setsockopt(zmq.MAXMSGSIZE, language.FRAME_MAX_BYTES)
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        socket.setsockopt(zmq.CURVE_SERVERKEY, z85.encode(invitation.key))
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
        monitor: zmq.Socket[bytes] = socket.get_monitor_socket(_EVENTS)
        try:
            socket.connect(f"tcp://{invitation.address}")
            yield socket, monitor
        finally:
            socket.disable_monitor()
            monitor.close(0)
    finally:
        socket.close(0)
        context.term()


def _first_reply(
    invitation: Invitation, socket: zmq.Socket[bytes], monitor: zmq.Socket[bytes], deadline: float
) -> bytes:
    """The first frame that arrives. Raises what its absence means."""
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    poller.register(monitor, zmq.POLLIN)
    seen = failed = 0
    while failed < TRIES and (left := deadline - time.monotonic()) > 0:
        ready = dict(poller.poll(int(left * 1000) + 1))
        if socket in ready:
            return socket.recv_multipart()[-1]
        while monitor.poll(0):
            (event,) = struct.unpack_from("=H", monitor.recv_multipart()[0])
            seen |= event
            failed += event == FAILED and not seen & REACHED
        if seen & TURNED_AWAY:
            raise Untrusted(
                f"{invitation.realm} has no open invitation for us: it was used by another one or is over, "
                f"or {invitation.realm} has blocked us. Ask for another invitation."
            )
        if seen & HUNG_UP and not seen & SHOOK_HANDS:
            raise Untrusted(
                f"What listens at {invitation.address} does not have the key in the invitation: it is "
                "another server, or was set up anew. Nothing was told to it."
            )
    if seen & SHOOK_HANDS:
        raise NoAnswer(
            f"{invitation.realm} does not answer. Run the same again: doing it twice does no harm."
        )
    where = "answers, but not as a realm would" if seen & REACHED else "does not answer"
    raise Unreachable(
        f"{invitation.address} {where}. Does the other server run, and is that port open to this machine?"
    )


def _answer(invitation: Invitation, frame: bytes) -> PairReply:
    try:
        _, status, body = language.unpack(frame)
        if status == OK:
            reply = msgspec.msgpack.decode(body, type=PairReply)
        else:
            said = plain(str(unpack_body(body).get("message", "")), SENTENCE_MOST)
    except ValueError:
        raise NoAnswer(f"{invitation.realm} answers something that cannot be understood.") from None
    if status != OK:
        said = f"{invitation.realm} refuses: {said or plain(status, STATUS_MOST)}"
        if status == Invalid.code:  # as a broker would, whose key is the same
            said += (
                f" Is {invitation.address} its port for realms (the port base plus 4), or one for clients?"
            )
        raise Refused(said, status)
    if reply.realm != invitation.realm:
        raise Untrusted(
            f"It says that it is {reply.realm!r}, and not {invitation.realm!r} as in the invitation."
        )
    return reply


def own_host_towards(address: str) -> str:
    """The address of this machine from which it would talk to ``host:port``; '' if that cannot be told.

    Nothing is sent for that.
    """
    host = address.rpartition(":")[0].strip("[]")
    family = plain_socket.AF_INET6 if ":" in host else plain_socket.AF_INET
    try:
        with plain_socket.socket(family, plain_socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return ""
