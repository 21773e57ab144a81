"""One timer of the loop, and who is woken by it."""

from __future__ import annotations

import asyncio
import weakref

from client.alarms import GRAIN, Alarms
from client.timers import NEVER


class Sleeper:
    """Notes when it was woken."""

    def __init__(self, alarms: Alarms) -> None:
        self.alarm_at = NEVER
        self.alarms = alarms
        self.rang: list[float] = []
        self.again = NEVER

    def ring(self) -> None:
        self.rang.append(asyncio.get_running_loop().time())
        self.alarms.set(self, self.again)


async def test_each_is_woken_once_when_its_moment_has_come() -> None:
    loop = asyncio.get_running_loop()
    alarms = Alarms(loop)
    sleepers = [Sleeper(alarms) for _ in range(4)]
    start = loop.time()
    for sleeper, delay in zip(sleepers, (0.15, 0.05, 0.1, NEVER), strict=True):
        alarms.set(sleeper, start + delay)
    alarms.set(sleepers[0], start + 0.2)  # later than is known: changes nothing
    alarms.set(sleepers[0], start + 0.02)  # sooner
    alarms.drop(sleepers[2])
    await asyncio.sleep(0.15 + 2 * GRAIN)
    assert [len(sleeper.rang) for sleeper in sleepers] == [1, 1, 0, 0]
    assert sleepers[0].rang[0] - start >= 0.02 and sleepers[1].rang[0] - start >= 0.05
    alarms.close()


async def test_who_asks_again_while_being_woken_is_woken_again() -> None:
    loop = asyncio.get_running_loop()
    alarms = Alarms(loop)
    sleeper = Sleeper(alarms)
    sleeper.again = loop.time() + 0.05
    alarms.set(sleeper, loop.time() + 0.01)
    async with asyncio.timeout(5):
        while len(sleeper.rang) < 2:
            await asyncio.sleep(0.01)
    alarms.set(sleeper, loop.time())
    alarms.close()
    await asyncio.sleep(2 * GRAIN)
    rang = len(sleeper.rang)
    await asyncio.sleep(2 * GRAIN)
    assert len(sleeper.rang) == rang


async def test_who_asks_for_a_late_moment_while_being_woken_delays_nobody() -> None:
    loop = asyncio.get_running_loop()
    alarms = Alarms(loop)
    one, other = Sleeper(alarms), Sleeper(alarms)
    one.again = loop.time() + 60
    alarms.set(one, loop.time() + 0.01)
    alarms.set(other, loop.time() + 0.02 + 2 * GRAIN)
    async with asyncio.timeout(5):
        while not other.rang:
            await asyncio.sleep(0.01)
    alarms.close()


async def test_those_who_come_and_go_are_not_kept() -> None:
    loop = asyncio.get_running_loop()
    alarms = Alarms(loop)
    stays, gone = Sleeper(alarms), Sleeper(alarms)
    alarms.set(stays, loop.time() + 0.05)
    for _ in range(100):
        leaves = Sleeper(alarms)
        kept = weakref.ref(leaves)
        alarms.set(leaves, loop.time() + 60)
        alarms.drop(leaves)
        alarms.drop(gone)  # who never asked for anything
    del leaves
    assert kept() is None
    async with asyncio.timeout(5):
        while not stays.rang:
            await asyncio.sleep(0.01)
    assert not gone.rang
    alarms.close()
