"""What can be wrong before a connection is one: greetings, mechanisms, versions, handshake commands."""

from __future__ import annotations

import asyncio

from tests.fuzz.zmtp import wire
from tests.fuzz.zmtp.line import Door

VERSIONS = [(0, 0), (1, 0), (2, 0), (2, 1), (3, 0), (3, 2), (4, 0), (255, 255)]
MECHANISMS = [b"NULL", b"PLAIN", b"CURVE", b"GSSAPI", b"CURVE\xff", b"", b"A" * 20, b"\0CURVE", b"curve"]
CURVE_SIZES = {b"HELLO": 194, b"INITIATE": 257, b"WELCOME": 160, b"READY": 30, b"MESSAGE": 33, b"ERROR": 3}
"""Bytes behind the name of each command that has the right size."""


async def noise(door: Door) -> None:
    """Random bytes from the first one on."""
    async with door.line() as line:
        await line.say(door.rng.randbytes(door.rng.choice([1, 10, 11, 64, 200, 4000])))
        await line.hear(0.05)


async def greetings(door: Door) -> None:
    """A greeting with something wrong: version, mechanism, side, filler, signature, a bit."""
    rng = door.rng
    whole = wire.greeting(
        version=rng.choice([(3, 1), (3, 1), *VERSIONS]),
        mechanism=rng.choice([door.mechanism, *MECHANISMS]),
        as_server=rng.choice([0, 0, 1, 255]),
        filler=rng.choice([bytes(31), rng.randbytes(31)]),
        signature=rng.choice([wire.SIGNATURE, wire.SIGNATURE, b"\xff" + rng.randbytes(8) + b"\x7f"]),
    )
    if rng.random() < 0.3:
        place = rng.randrange(64)
        whole = whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :]
    async with door.line() as line:
        await line.say(whole)
        await line.hear(0.05)
        await line.say(wire.ready(door.socket_type) + rng.randbytes(rng.choice([0, 50])))
        await line.hear(0.05)


async def halves(door: Door) -> None:
    """A handshake that stops somewhere, and a connection that just stays for a while."""
    rng = door.rng
    whole = wire.greeting(mechanism=door.mechanism) + wire.ready(door.socket_type)
    async with door.line() as line:
        await line.say(whole[: rng.randrange(len(whole))])
        await asyncio.sleep(rng.choice([0.0, 0.1, 1.0]))


async def old_versions(door: Door) -> None:
    """ZMTP 1.0 and 2.0, which know no encryption: must not be a way round it."""
    rng = door.rng
    kind = b"\x02" if door.events else b"\x05"
    first = rng.choice(
        [
            b"\x01\x00",  # 1.0: an anonymous identity and nothing else
            b"\x06\x00ident",
            wire.SIGNATURE + b"\x00" + kind + b"\x00\x00",  # 1.0 in 2.0's clothes
            wire.SIGNATURE + b"\x01" + kind + b"\x00\x00",  # 2.0
            wire.SIGNATURE + b"\x01" + kind + b"\x00\xff" + rng.randbytes(20),
            b"\xff" + (1).to_bytes(8, "big") + b"\x00",
            b"\xff" + (2**64 - 1).to_bytes(8, "big") + b"\x00",
        ]
    )
    hello = b"\x95\x01\x07\xc4\x00\xacserver.hello\xc4\x00"
    async with door.line() as line:
        await line.say(first)
        await line.hear(0.05)
        await line.say(bytes([len(hello) + 1, 0]) + hello + wire.frame(hello) + b"\x02\x00\x01")
        await line.hear(0.05)


async def properties(door: Door) -> None:
    """A READY whose properties lie about their lengths, or are absurd."""
    rng = door.rng
    odd = [
        wire.entry(b"Socket-Type", rng.choice([b"", b"PUB", b"XPUB", b"PAIR", b"\0", b"D" * 300, b"dealer"])),
        wire.entry(b"Socket-Type", b"DEALER", value_length=rng.choice([0, 5, 7, 2**31, 2**32 - 1])),
        wire.entry(b"Socket-Type", b"DEALER", name_length=rng.choice([0, 1, 12, 255])),
        wire.entry(b"Identity", rng.randbytes(rng.choice([1, 5, 254, 255, 256, 300, 5000]))),
        wire.entry(b"Identity", b"\0" + rng.randbytes(rng.choice([0, 3, 4, 5]))),
        wire.entry(b"X" * 255, rng.randbytes(9000)),
        wire.entry(b"", b""),
        wire.entry(b"Resource", b"\xff" * 40),
        wire.entry(b"X", b"x") * 2000,
        rng.randbytes(30),
    ]
    data = b"".join(rng.choices([*odd, wire.entry(b"Socket-Type", door.socket_type)], k=rng.randrange(5)))
    name = rng.choice([b"READY", b"READY", b"READY", b"ERROR", b"", b"ready", b"R" * 255])
    async with door.line() as line:
        await line.say(wire.greeting(mechanism=door.mechanism))
        await line.hear(0.05)
        await line.say(wire.command(name, data, rng.choice([None, None, None, 0, 4, 6, 255])))
        await line.hear(0.05)
        await line.say(wire.frame(b"x"))


async def ciphers(door: Door) -> None:
    """CURVE's commands in the wrong order, of the wrong or the right size, filled with noise."""
    rng = door.rng
    async with door.line() as line:
        await line.say(wire.greeting(mechanism=b"CURVE"))
        await line.hear(0.05)
        for _ in range(rng.randrange(1, 4)):
            name = rng.choice([b"HELLO", b"HELLO", b"INITIATE", b"MESSAGE", b"WELCOME", b"READY", b"ERROR"])
            size = max(0, CURVE_SIZES[name] + rng.choice([0, 0, 0, -1, 1, 1000]))
            head = b"\x01\x00" if rng.random() < 0.7 else rng.randbytes(2)
            await line.say(wire.command(name, (head + rng.randbytes(size))[:size]))
            await line.hear(0.05)


KINDS = {each.__name__: each for each in (noise, greetings, halves, old_versions, properties, ciphers)}
