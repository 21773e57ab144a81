"""Many sessions over few sockets: whose is what, and when the server comes and goes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import zmq

from client.chat import Chat
from client.errors import Closed
from client.sockets import Link
from client.trunk import LANES_MOST, Trunks
from protocol.events import MessageEvent, TopicsEvent
from tests.client.fake_broker import FakeBroker
from tests.client.trunk.riders import PASSWORD, SECRET, Visitor, subscriptions, trunks_to, until, visitors


async def test_sessions_on_one_trunk_hear_each_what_is_theirs_once_and_in_order(broker: FakeBroker) -> None:
    async with trunks_to(broker.address) as trunks:
        ani, budi, citra, again = await visitors(trunks, "ani", "budi", "citra", "budi")
        assert len(trunks) == 1 and budi.chat.session != again.chat.session
        await asyncio.gather(*(ani.chat.send("budi", f"{n}") for n in range(300)))
        await asyncio.gather(*(citra.chat.send("ani", f"{n}") for n in range(50)))
        await until(lambda: len(budi.texts) >= 300 and len(again.texts) >= 300)
        await until(lambda: len(ani.texts) >= 350 and len(citra.texts) >= 50)
        assert budi.texts == again.texts == [f"{n}" for n in range(300)]
        assert citra.texts == [f"{n}" for n in range(50)]
        assert ani.chat.cursors == {1: 300, 2: 50} and budi.chat.cursors == {1: 300}
        assert budi.statuses == [True]
        with broker.lock:
            assert broker.model.stored("ani") == [f"{n}" for n in range(300)]


async def test_events_may_be_taken_from_a_queue_as_well(broker: FakeBroker) -> None:
    async with trunks_to(broker.address) as trunks:
        (ani,) = await visitors(trunks, "ani")
        chat = Chat.connect(broker.address, username="budi", password=PASSWORD, trunks=trunks)
        async with chat as budi, asyncio.timeout(15):
            await budi.listen()
            await ani.chat.send("budi", "hello")
            async for heard in budi.events():
                if isinstance(heard, MessageEvent):
                    assert heard.body == "hello"
                    break


async def test_who_does_not_listen_costs_no_subscription(broker: FakeBroker) -> None:
    async with trunks_to(broker.address) as trunks:
        ani = await Visitor(trunks, "ani").enter(listen=False)
        await ani.chat.send("budi", "hello")
        with broker.lock:
            assert not broker.subscribed
        await ani.chat.close()


async def test_many_who_come_at_once_share_two_sockets(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    links: list[int] = []

    class Counted(Link):
        def __init__(self, server: Any, port: int, kind: int, *arguments: Any) -> None:
            links.append(kind)
            super().__init__(server, port, kind, *arguments)

    for module in ("trunk", "ears"):
        monkeypatch.setattr(f"client.{module}.Link", Counted)
    async with trunks_to(broker.address) as trunks:
        names = ["ani", "budi", "citra", "dewi"] * 10
        everyone = await asyncio.gather(*(Visitor(trunks, name).enter() for name in names))
        await everyone[0].chat.send("budi", "who is here?")
        await until(lambda: all(one.texts == ["who is here?"] for one in everyone if one.name == "budi"))
        assert sorted(links) == sorted([zmq.DEALER, zmq.SUB])


async def test_the_numbers_of_lanes_begin_anew_after_four_billion(broker: FakeBroker) -> None:
    async with trunks_to(broker.address) as trunks:
        trunks._numbers = LANES_MOST - 1
        ani, budi = await visitors(trunks, "ani", "budi")
        await ani.chat.send("budi", "hello")
        await until(lambda: budi.texts == ["hello"])
        assert trunks.number() == 2


async def test_more_sessions_than_one_trunk_takes_go_over_another(broker: FakeBroker) -> None:
    async with trunks_to(broker.address, sessions_per_trunk=2) as trunks:
        everyone = await visitors(trunks, "ani", "budi", "citra", "dewi", "ani")
        assert len(trunks) == 3
        await everyone[0].chat.send("dewi", "over the fence")
        await until(lambda: everyone[3].texts and everyone[0].texts)
        await everyone[0].chat.close()
        await visitors(trunks, "budi")
        assert len(trunks) == 3  # where there is room again


async def test_a_topic_is_subscribed_to_once_and_until_the_last_holder_has_gone(broker: FakeBroker) -> None:
    async with trunks_to(broker.address) as trunks:
        ani, budi, again = await visitors(trunks, "ani", "budi", "budi")
        topic = budi.chat.topic
        assert subscriptions(broker, topic) == [1]
        await again.chat.close()
        await again.chat.close()
        await ani.chat.send("budi", "one")
        await until(lambda: budi.texts == ["one"])
        assert not again.texts and subscriptions(broker, topic) == [1]
        await budi.chat.logout()
        await until(lambda: subscriptions(broker, topic) == [1, 0])
        await budi.chat.login("budi", PASSWORD)
        await budi.chat.listen()
        assert subscriptions(broker, topic) == [1, 0, 1]
        for gone in (budi, ani):
            await gone.chat.close()
        await until(lambda: subscriptions(broker, topic) == [1, 0, 1, 0])
        held: dict[bytes, int] = {}
        for frame in broker.subscribed:
            held[frame[1:]] = held.get(frame[1:], 0) + (1 if frame[0] else -1)
        assert not any(held.values())  # fences too


async def test_answers_to_one_who_left_find_nobody_and_the_others_go_on(broker: FakeBroker) -> None:
    async with trunks_to(broker.address) as trunks:
        ani, budi = await visitors(trunks, "ani", "budi")
        broker.lock.acquire()
        try:
            asking = [asyncio.create_task(ani.chat.send("budi", f"{n}")) for n in range(5)]
            staying = asyncio.create_task(budi.chat.whoami())
            await asyncio.sleep(0.05)
            await ani.chat.close()
            for task in asking:
                with pytest.raises(Closed):
                    await task
        finally:
            broker.lock.release()
        assert (await staying).user == "budi"
        await until(lambda: len(budi.texts) == 5)
        (citra,) = await visitors(trunks, "citra")  # and its number is another one
        assert citra.chat.user == "citra" and not ani.texts
        with pytest.raises(Closed):
            await ani.chat.hello()


@pytest.mark.parametrize("topics", [5_000, 8], ids=["one ear", "several"])
async def test_a_server_that_is_killed_and_comes_back_costs_nobody_a_message(
    broker: FakeBroker, topics: int
) -> None:
    broker.model.limits["topics_per_connection"] = topics
    async with trunks_to(broker.address, secret=SECRET) as trunks:
        everyone = await visitors(trunks, "ani", "budi", "citra", "budi", origin="192.0.2.7")
        ani, budi, citra, again = everyone
        sending = asyncio.gather(*(ani.chat.send("budi", f"{n}") for n in range(200)))
        await asyncio.to_thread(broker.stop)
        before = len(broker.subscribed)
        broker.start()
        async with Chat.connect(broker.address, username="dewi", password=PASSWORD) as dewi:
            await dewi.send("citra", "while you were away")
            replies = await sending
        assert [reply.seq for reply in replies] == list(range(1, 201))
        await until(lambda: len(budi.texts) >= 200 and len(again.texts) >= 200 and citra.texts)
        await until(lambda: all(one.statuses == [True, False, True] for one in everyone))
        assert budi.texts == again.texts == [f"{n}" for n in range(200)]
        assert citra.texts == ["while you were away"]
        with broker.lock:
            assert broker.model.stored("ani") == [f"{n}" for n in range(200)]
        if topics < 5_000:
            return
        # libzmq says it once, and what the epoch made necessary, once: not once for each of the two.
        assert [frame[0] for frame in broker.subscribed[before:] if frame[1:] == budi.chat.topic] in (
            [1, 0, 1],
            [1],
        )


async def test_a_new_epoch_renews_each_topic_once(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.pings.PING", 0.1)
    async with trunks_to(broker.address) as trunks:
        everyone = await visitors(trunks, "ani", "budi", "ani", "ani")
        ani = everyone[0]
        broker.subscribed.clear()
        with broker.lock:
            broker.model.epoch += 1
        await until(
            lambda: subscriptions(broker, ani.chat.topic) and subscriptions(broker, everyone[1].chat.topic)
        )
        asked = len(broker.model.asked)
        await until(lambda: len(broker.model.asked) > asked + 8)  # everybody has heard of it by then
        assert subscriptions(broker, ani.chat.topic) == [0, 1]
        await everyone[1].chat.send("ani", "still there?")
        await until(lambda: all(one.texts == ["still there?"] for one in everyone))


async def test_what_all_are_made_to_ask_they_ask_one_after_the_other(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.trunk.ROUNDS_A_SECOND", 50)

    async def rounds(trunks: Trunks, count: int, topic: bytes) -> float:
        """Seconds until so many have asked, after a word that topics were replaced."""
        loop = asyncio.get_running_loop()
        began, asked = loop.time(), len(broker.model.asked)
        with broker.lock:
            broker.model.publish(topic, TopicsEvent())
        await probe.chat.send("budi", "well?")  # has the broker send what it has published
        await until(
            lambda: [a[:2] for a in broker.model.asked[asked:]].count(("ani", "user.whoami")) == count
        )
        return loop.time() - began

    async with trunks_to(broker.address) as trunks:
        (probe,) = await visitors(trunks, "budi")
        (alone,) = await visitors(trunks, "ani")
        assert await rounds(trunks, 1, alone.chat.topic) < 1.0
        await visitors(trunks, *["ani"] * 29)
        assert 0.5 < await rounds(trunks, 30, alone.chat.topic) < 3.0
