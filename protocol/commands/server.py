"""Commands about the server itself, and what our own processes tell it."""

from __future__ import annotations

from msgspec import field

from protocol.body import Body, GatewaySecret, Id


class HelloReply(Body, frozen=True, omit_defaults=False):
    """What a client may know before login: ports of the events socket and of the one for chunks of files."""

    version: str
    protocol: int
    realm: str
    events_port: int
    bulk_port: int
    now: int
    services: list[str]
    """Services with at least one live worker."""
    limits: dict[str, int]


class PingReply(Body, frozen=True, omit_defaults=False):
    """``events_epoch``: when it differs from the last one heard, subscribe anew and catch up."""

    events_epoch: int
    now: int


class IntroduceGateway(Body, frozen=True):
    """Be trusted to say where those come from for whom this connection speaks.

    ``secret`` is in a file of the server's data folder. Fails with ``invalid_credentials``.
    """

    secret: GatewaySecret


class PresenceReport(Body, frozen=True):
    """Sent by a broker to the auth service, never by a client.

    ``broker`` is that broker's own name, the same at every start; ``restart`` says that it has just
    begun, so nobody it reported before is still online. Users by number. ``sessions``: numbers of those
    heard of just now, of which the store was last told some minutes ago.
    """

    broker: bytes
    online: list[Id] = field(default_factory=list)
    offline: list[Id] = field(default_factory=list)
    sessions: list[Id] = field(default_factory=list)
    restart: bool = False
