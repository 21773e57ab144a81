"""What can be wrong once hands are shaken without encryption: flags, lengths, commands, contents."""

from __future__ import annotations

import msgpack

from protocol.commands import COMMANDS
from tests.fuzz.zmtp import wire
from tests.fuzz.zmtp.line import Door

LENGTHS = [
    0,
    1,
    16,
    17,
    255,
    256,
    1024,
    1025,
    131_072,
    131_073,
    2**20,
    2**31,
    2**32,
    2**63 - 1,
    2**63,
    2**64 - 1,
]


async def lies(door: Door) -> None:
    """A frame of a length that it has not, of any flags, and then the end or something else."""
    rng = door.rng
    async with door.line() as line:
        if await door.enter(line):
            flags = rng.choice([0, 1, 2, 3, 4, 6, 5, 7, 8, 16, 128, 255])
            body = rng.randbytes(rng.choice([0, 1, 17, 100, 5000]))
            await line.say(wire.frame(body, flags, rng.choice(LENGTHS)))
            await line.hear(0.05)


async def commands(door: Door) -> None:
    """Commands that ZMTP knows or not, of absurd names and lengths."""
    rng = door.rng
    async with door.line() as line:
        if not await door.enter(line):
            return
        for _ in range(rng.randrange(1, 30)):
            name = rng.choice(
                [b"PING", b"PONG", b"SUBSCRIBE", b"CANCEL", b"JOIN", b"READY", b"ERROR", b"", b"?"]
            )
            data = rng.randbytes(rng.choice([0, 1, 2, 3, 16, 17, 18, 250, 1000, 1100, 9000]))
            if not await line.say(wire.command(name, data, rng.choice([None, None, None, 0, 1, 255]))):
                return
        await line.hear(0.05)


async def subscriptions(door: Door) -> None:
    """SUBSCRIBE and CANCEL of any length, as commands and as the messages of older versions."""
    rng = door.rng
    async with door.line() as line:
        if not await door.enter(line):
            return
        topics = [
            rng.choice([b"u", b"c", b""]) + rng.randbytes(rng.choice([0, 15, 15, 15, 16, 1007]))
            for _ in range(4)
        ]
        for _ in range(rng.randrange(1, 200)):
            topic = rng.choice(topics) if rng.random() < 0.7 else b"u" + rng.randbytes(15)
            begin = rng.random() < 0.6
            if rng.random() < 0.5:
                data = wire.command(b"SUBSCRIBE" if begin else b"CANCEL", topic)
            else:
                data = wire.frame(bytes([begin]) + topic, rng.choice([0, 0, 0, wire.MORE]))
            if not await line.say(data):
                return
        await line.hear(0.05)


async def requests(door: Door) -> None:
    """Requests spoilt by a few bits, of no form, or of several frames; they go to the events door as well."""
    rng = door.rng
    async with door.line() as line:
        if not await door.enter(line):
            return
        for number in range(rng.randrange(1, 40)):
            body = msgpack.packb({"username": "ani", "password": "x" * 9, "token": bytes(16), "to": "budi"})
            name = rng.choice(sorted(COMMANDS))
            data = bytearray(msgpack.packb([1, number, rng.choice([b"", rng.randbytes(16)]), name, body]))
            for _ in range(rng.randrange(4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            flags = rng.choice([0, 0, 0, 0, wire.MORE])
            empty = wire.frame(b"", wire.MORE) if rng.random() < 0.1 else b""
            if not await line.say(empty + wire.frame(bytes(data), flags)):
                return
        await line.hear(0.05)


async def identities(door: Door) -> None:
    """Many connections that all claim the same routing id."""
    rng = door.rng
    identity = rng.choice([b"me", b"\0" + rng.randbytes(4), b"x" * 255, b"x" * 256])
    async with door.line() as first, door.line() as second, door.line() as third:
        for line in (first, second, third):
            await door.enter(line, identity)
            await line.say(wire.frame(msgpack.packb([1, 7, b"", "server.hello", b""])))
        await first.hear(0.05)


KINDS = {each.__name__: each for each in (lies, commands, subscriptions, requests, identities)}
"""Behind the handshake, so for a door without encryption."""
