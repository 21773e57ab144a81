"""Too much of something: connections, pings, stray messages, frames without end, or too little at a time."""

from __future__ import annotations

import asyncio
from typing import Final

import msgpack

from tests.fuzz.zmtp import wire
from tests.fuzz.zmtp.line import Door

MULTIPART_BYTES: Final = 50 << 20
"""Of one unfinished message. Nothing but the process's memory limit would stop it."""
SLOW: Final = 150
"""Connections that a slowloris holds open at each door."""


async def churn(door: Door) -> None:
    """Connections that end as soon as they are there."""
    for _ in range(20):
        async with door.line():
            pass


async def pings(door: Door) -> None:
    """Heartbeats by the thousand, with contexts that are too long, and answers that nobody asked for."""
    rng = door.rng
    async with door.line() as line:
        if not await door.enter(line):
            return
        many = b"".join(
            wire.ping(rng.randbytes(rng.choice([0, 16, 17, 200])), rng.randrange(65_536)) for _ in range(500)
        )
        for _ in range(4):
            if not await line.say(many + wire.command(b"PONG", rng.randbytes(300))):
                return
            await line.hear(0.01)


async def strays(door: Door) -> None:
    """Messages upstream on the events door, whose first byte says that they are no subscription."""
    rng = door.rng
    async with door.line() as line:
        if not await door.enter(line):
            return
        many = b"".join(wire.frame(bytes([rng.randrange(2, 256)]) + rng.randbytes(20)) for _ in range(50))
        await line.say(wire.command(b"SUBSCRIBE", b"u" + rng.randbytes(15)) + many)
        await line.hear(0.05)


async def endless(door: Door) -> None:
    """One message that never ends, up to a bound of ours, and then the connection does."""
    async with door.line() as line:
        if not await door.enter(line):
            return
        size = 1000 if door.events else 100_000
        part = wire.frame(bytes(size), wire.MORE) * (1 if size > 50_000 else 100)
        for _ in range(MULTIPART_BYTES // len(part)):
            if not await line.say(part):
                return


async def deaf(door: Door) -> None:
    """Asks a thousand things and reads no answer."""
    async with door.line() as line:
        if not await door.enter(line):
            return
        many = b"".join(
            wire.frame(msgpack.packb([1, number, b"", "server.hello", b""])) for number in range(250)
        )
        for _ in range(8):
            if not await line.say(many):
                return
        await asyncio.sleep(0.5)


async def torrent(door: Door) -> None:
    """Small frames that mean nothing, as fast as the server takes them, for a second."""
    loop = asyncio.get_running_loop()
    async with door.line() as line:
        if not await door.enter(line):
            return
        first = door.rng.choice([0, 1, 2, 255])
        many = wire.frame(bytes([first]) + door.rng.randbytes(door.rng.choice([0, 16]))) * 20_000
        end = loop.time() + 1.0
        while loop.time() < end and await line.say(many):
            pass


async def slowloris(door: Door, seconds: float) -> None:
    """Hundreds of connections that say a byte a second for as long as they are let."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    whole = wire.greeting(mechanism=door.mechanism) + wire.ready(door.socket_type) + wire.frame(bytes(200))

    async def one() -> None:
        while loop.time() < end:
            async with door.line() as line:
                door.tally.inputs["slowloris"] += 1
                for place in range(len(whole)):
                    if loop.time() > end or not await line.say(whole[place : place + 1]):
                        break
                    await asyncio.sleep(1)

    await asyncio.gather(*(one() for _ in range(SLOW)))


OPEN_KINDS = {each.__name__: each for each in (pings, strays, endless, deaf, torrent)}
"""Behind the handshake, so for a door without encryption."""
KINDS = {churn.__name__: churn}
