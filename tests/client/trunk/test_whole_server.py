"""Trunks and a whole server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from benchmarks.own_server import OwnServer
from client.chat import Chat
from config.keys import gateway_secret
from protocol.errors import Failure
from protocol.events import MessageEvent
from tests.client.trunk.riders import PASSWORD, Visitor, hear_all, trunks_to, until, visitors

TOPICS = 40
"""That a connection may have there."""


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with OwnServer(
        settings={"password_memory_kib": 8, "password_passes": 1, "topics_per_connection": TOPICS}
    ) as server:
        yield server


async def test_trunks_lead_to_a_whole_server_and_outlive_its_broker(server: OwnServer) -> None:
    refusals: list[Failure] = []
    secret = gateway_secret(server.home)
    async with trunks_to(server.connection, secret=secret, on_refusal=refusals.append) as trunks:
        for name in ("ani", "budi"):
            async with Chat.connect(server.connection, trunks=trunks, origin="192.0.2.7") as chat:
                await chat.register(name, PASSWORD)
        ani, budi, again = await visitors(trunks, "ani", "budi", "budi", origin="192.0.2.7")
        await ani.chat.create_group("ops")
        for one in (budi, again):
            await one.chat.join_group("ops")
        await asyncio.gather(*(ani.chat.send("#ops", f"{n}") for n in range(50)))
        await asyncio.to_thread(server.kill, "broker")
        sending = asyncio.gather(*(budi.chat.send("ani", f"{n}") for n in range(50)))
        await asyncio.to_thread(server.start_again, ["broker"])
        await sending
        await ani.chat.send("#ops", "50")
        await until(lambda: len(ani.texts) == 101 and len(again.texts) == 101 and len(budi.texts) == 101)
        for one in (ani, budi, again):
            group = [
                heard.body for heard in one.heard if isinstance(heard, MessageEvent) and heard.to == "#ops"
            ]
            assert group == [f"{n}" for n in range(51)]
            assert sorted(one.texts) == sorted([*group, *(f"{n}" for n in range(50))])
        assert not refusals and len(trunks) == 1


async def test_who_is_in_many_conversations_makes_nobody_deaf(server: OwnServer) -> None:
    """Not those who are on the same trunk, nor themselves, nor who comes later."""
    async with trunks_to(server.connection) as trunks:
        for name in ("citra", "dewi"):
            async with Chat.connect(server.connection, trunks=trunks) as chat:
                await chat.register(name, PASSWORD)
        names = ["citra", "dewi", "dewi"]
        everyone = [await Visitor(trunks, name).enter(listen=False) for name in names]
        citra, dewi, later = everyone
        groups = [f"{one.name}{n}" for n in range(TOPICS) for one in (citra, dewi)]
        for group in groups[: TOPICS // 2]:
            await (citra if group.startswith("citra") else dewi).chat.create_group(group)
        for one in everyone:
            await one.chat.listen()
        for group in groups[TOPICS // 2 :]:
            await (citra if group.startswith("citra") else dewi).chat.create_group(group)
        async with Chat.connect(server.connection, username="citra", password=PASSWORD) as native:
            theirs = [group for group in groups if group.startswith("dewi")]
            for group in theirs:
                await native.join_group(group)
            for text in (
                "once",
                "and again",
            ):  # what is not heard at once is found later, but not twice so soon
                for group in groups:
                    await native.send(f"#{group}", f"{group} {text}")
                everywhere, there = ({f"{group} {text}" for group in some} for some in (groups, theirs))
                await hear_all(citra, everywhere)
                await hear_all(dewi, there)
                await hear_all(later, there)
        trunk = trunks._trunks[0]
        assert len(trunks) == 1 and len(trunk._ears) > 1
        for one in everyone:
            await one.chat.close()
        assert len(trunk._ears) == 1
