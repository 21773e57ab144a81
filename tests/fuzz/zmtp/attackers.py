"""``python -m tests.fuzz.zmtp.attackers pesan://… --seconds N``: everything at once, at random, from a seed.

A process of its own, so that the pair's latencies are the server's and not the attackers'. Prints what was
tried as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from protocol import connection_string
from protocol.connection_string import ConnectionString
from tests.fuzz.zmtp import ciphered, floods, frames, handshakes
from tests.fuzz.zmtp.line import Door, Tally

AT_ONCE: Final = 8
"""Attackers at each door, each doing one thing after the other."""

Attack = Callable[[Door], Awaitable[None]]
ANYWHERE: Final[dict[str, Attack]] = {**handshakes.KINDS, **floods.KINDS}
OPEN: Final[dict[str, Attack]] = {**frames.KINDS, **floods.OPEN_KINDS}
EVENTS: Final = 1
BULK: Final = 2
"""How far these doors are beyond that of commands."""
SLOWLORIS: Final = "slowloris"
ENDLESS: Final = "endless"
"""Done by one attacker alone at each door: more would be a test of the machine's memory."""
WEAKNESSES: Final = ("torrent",)
"""Known to disturb a server without encryption (docs/PROTOCOL.md): done only when named."""
ALL: Final = tuple(name for name in (*ANYWHERE, *OPEN, SLOWLORIS, *ciphered.KINDS) if name not in WEAKNESSES)


async def attack(server: ConnectionString, seconds: float, seed: int, kinds: set[str]) -> Tally:
    """Attack every door of a server; what was tried."""
    tally = Tally()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    curve = bool(server.key)
    doors = [
        Door(server.port + beyond, beyond == EVENTS, curve, random.Random(seed + beyond), tally)
        for beyond in (0, EVENTS, BULK)
    ]
    table = {name: each for name, each in {**ANYWHERE, **({} if curve else OPEN)}.items() if name in kinds}

    async def one(door: Door, names: list[str]) -> None:
        while names and loop.time() < end:
            name = door.rng.choice(names)
            tally.inputs[name] += 1
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(table[name](door), 20)

    async def slowly(door: Door) -> None:
        with suppress(OSError, TimeoutError):
            await floods.slowloris(door, seconds)

    inside = sorted(kinds & set(ciphered.KINDS))
    await asyncio.gather(
        asyncio.to_thread(ciphered.intrude, server, seconds, seed, tally, inside),
        *(one(door, sorted(set(table) - {ENDLESS})) for door in doors for _ in range(AT_ONCE)),
        *(one(door, sorted(set(table) & {ENDLESS})) for door in doors),
        *(slowly(door) for door in doors if SLOWLORIS in kinds),
    )
    return tally


def main() -> int:
    """Attack, then tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.zmtp.attackers")
    parser.add_argument("server")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(ALL))
    options = parser.parse_args()
    server = connection_string.parse(options.server)
    tally = asyncio.run(attack(server, options.seconds, options.seed, set(options.kinds.split(","))))
    json.dump(
        {
            "connections": tally.connections,
            "bytes": tally.bytes,
            "inputs": dict(sorted(tally.inputs.items())),
        },
        sys.stdout,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
