"""What the broker answers by itself: who it is, that a session is known, who is a gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol import VERSION, limits
from protocol.commands import Body, Command, Empty, HelloReply, PingReply, read
from protocol.errors import InvalidCredentials

if TYPE_CHECKING:
    from broker.core import Core


def answer(core: Core, now: float, peer: bytes, command: Command, body: bytes) -> Body:
    """The reply to a command that has no service. Raises the refusal."""
    wall = int((now + core.wall) * 1e6)
    if command.reply is PingReply:
        return PingReply(core.epoch, wall)
    if command.reply is HelloReply:
        return _hello(core, wall)
    if not core.peers.introduce(peer, read(command, body).secret, now):
        raise InvalidCredentials("This is not the gateway secret of this server.")
    return Empty()


def _hello(core: Core, wall: int) -> HelloReply:
    """For strangers: nothing that they may not know."""
    settings = core.settings
    return HelloReply(
        core.version,
        VERSION,
        settings.realm,
        settings.events_port,
        settings.bulk_port,
        wall,
        core.workers.services(),
        {
            "message_bytes": settings.message_max_bytes,
            "request_bytes": limits.REQUEST_MAX_BYTES,
            "password_min_length": settings.password_min_length,
            "history_messages": limits.HISTORY_MAX_MESSAGES,
            "open_requests": settings.session_open_requests,
            "topics_per_connection": settings.topics_per_connection,
        },
    )
