"""How sessions on a trunk end, and what one of them may do to the others: nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from client.chat import Chat, Event, Status
from client.errors import Closed, LoggedOut
from client.trunk import Trunks
from protocol.commands import Body, convert
from protocol.events import MembershipEvent, MessageEvent, PresenceEvent, ReadEvent
from tests.client.fake_broker import FakeBroker
from tests.client.trunk.riders import PASSWORD, Visitor, trunks_to, until, visitors


async def test_closing_the_trunks_closes_every_chat_on_them(broker: FakeBroker) -> None:
    async with trunks_to(broker.address) as trunks:
        (ani,) = await visitors(trunks, "ani")
        broker.lock.acquire()
        try:
            asking = asyncio.create_task(ani.chat.whoami())
            await asyncio.sleep(0.05)
            trunks.close()
            with pytest.raises(Closed):
                await asking
        finally:
            broker.lock.release()
        trunks.close()
        await ani.chat.close()
        with pytest.raises(Closed):
            await Visitor(trunks, "budi").enter()


async def test_who_fails_over_an_event_harms_nobody_else(broker: FakeBroker) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
    async with trunks_to(broker.address) as trunks:

        def fail(event: Event) -> None:
            raise ValueError("of no use")

        chat = Chat.connect(broker.address, username="ani", password=PASSWORD, trunks=trunks, hear=fail)
        await chat.__aenter__()
        await chat.listen()
        (again,) = await visitors(trunks, "ani")
        await chat.send("ani", "to myself")
        await until(lambda: again.texts == ["to myself"] and len(faults) == 2)
        assert all(isinstance(fault["exception"], ValueError) for fault in faults)


async def test_a_mistake_of_ours_in_one_session_closes_that_one_alone(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
    monkeypatch.setattr("client.pings.PING", 0.2)

    def fail(*arguments: Any) -> None:
        raise KeyError("a mistake")

    async with trunks_to(broker.address) as trunks:
        everyone = await visitors(trunks, *["budi"] * 5)
        (ani,) = await visitors(trunks, "ani")
        broken = [one.chat._connection for one in everyone[:3]]
        monkeypatch.setattr(broken[0].session, "heard", fail)
        monkeypatch.setattr(broken[1].session, "wake_at", fail)
        monkeypatch.setattr(broken[2].session, "wake", fail)
        closed: list[bool] = []

        def noted(one: Visitor) -> Callable[[Event], None]:
            def hear(event: Event) -> None:
                one.heard.append(event)
                if isinstance(event, Status):
                    closed.append(one.chat.closed)

            return hear

        for one in everyone[:3]:
            monkeypatch.setattr(one.chat._connection, "_hear", noted(one))
        await ani.chat.send("budi", "hello")
        await until(lambda: all(one.texts == ["hello"] for one in everyone[3:]) and len(faults) == 3)
        for one in everyone[:3]:
            with pytest.raises(Closed):
                await one.chat.whoami()
            assert one.statuses == [True, False]
        assert closed == [True] * 3
        assert {type(fault["exception"]) for fault in faults} == {KeyError}
        for one in everyone[3:]:
            assert (await one.chat.whoami()).user == "budi" and not one.chat.closed


async def test_a_session_that_is_ended_elsewhere_is_told_so(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.pings.PING", 0.05)
    async with trunks_to(broker.address) as trunks:
        ani, budi = await visitors(trunks, "ani", "budi")
        with broker.lock:
            broker.model.end_session(ani.chat.token)
        await until(lambda: ani.statuses == [True, False])
        with pytest.raises(LoggedOut):
            await ani.chat.send("budi", "hello")
        await budi.chat.send("ani", "are you there?")
        assert ani.statuses == [True, False] and not ani.texts and budi.statuses == [True]
        await ani.chat.login("ani", PASSWORD)
        await ani.chat.logout()
        assert ani.statuses == [True, False, False]


async def test_a_program_that_takes_no_events_for_a_while_misses_nothing_and_stops_nobody(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.connection.EVENTS_MOST", 20)
    monkeypatch.setattr("client.connection.EVENTS_FEW", 5)
    async with trunks_to(broker.address) as trunks:
        ani, again = await visitors(trunks, "ani", "budi")
        async with Chat.connect(broker.address, username="budi", password=PASSWORD, trunks=trunks) as budi:
            await budi.listen()
            await asyncio.gather(*(ani.chat.send("budi", f"{n}") for n in range(200)))
            await until(lambda: len(again.texts) == 200)
            texts: list[str] = []
            async with asyncio.timeout(15):
                async for heard in budi.events():
                    if isinstance(heard, MessageEvent):
                        texts.append(heard.body)
                        if len(texts) == 200:
                            break
            assert texts == again.texts == [f"{n}" for n in range(200)]


async def test_what_many_hear_is_read_once_and_what_nobody_wants_is_not_read(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(fields: dict[str, Any], kind: type[Body]) -> Body:
        read.append(kind.__name__)
        return convert(fields, kind)

    monkeypatch.setattr("client.topics.convert", noted)
    async with trunks_to(broker.address) as trunks:
        everyone = await visitors(trunks, *["ani"] * 20)
        budi = (await visitors(trunks, "budi"))[0]
        read.clear()
        with broker.lock:
            for body in (
                PresenceEvent("citra", True, 0),
                MembershipEvent(9, "#ops", "citra", "joined"),
                ReadEvent(9, "citra", 1),
            ):
                broker.model.publish(everyone[0].chat.topic, body)
        await budi.chat.send("ani", "all of you")
        await until(lambda: all(one.texts == ["all of you"] for one in everyone))
        assert read.count("MessageEvent") == 1 and not {"PresenceEvent", "ReadEvent"} & {*read}
        assert not any(isinstance(heard, MembershipEvent) for one in everyone for heard in one.heard)


async def test_kinds_that_are_asked_for_are_handed_on(broker: FakeBroker) -> None:
    async with trunks_to(broker.address, kinds=("presence",)) as trunks:
        ani, budi = await visitors(trunks, "ani", "budi")
        with broker.lock:
            broker.model.publish(ani.chat.topic, PresenceEvent("citra", True, 0))
        await budi.chat.send("ani", "no matter")
        await until(lambda: PresenceEvent("citra", True, 0) in ani.heard)
        await until(lambda: ani.texts == ["no matter"])  # whatever was asked for


async def test_trunks_to_another_server_are_a_mistake(broker: FakeBroker) -> None:
    async with trunks_to(broker.address) as trunks:
        with pytest.raises(ValueError, match="another server"):
            Chat.connect("pesan://127.0.0.1:1", trunks=trunks)
    with pytest.raises(ValueError):
        Trunks("http://here")
