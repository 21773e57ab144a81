"""Many sessions over few sockets, against a small broker in a thread, and once against a whole server."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import zmq

from benchmarks.own_server import OwnServer
from client.chat import Chat, Event, Status
from client.errors import Closed, LoggedOut, Offline, WrongServerKey
from client.sockets import REFUSED_FINALLY, Link
from client.trunk import LANES_MOST, Trunk, Trunks
from config.keys import gateway_secret
from protocol.commands import Body, convert
from protocol.errors import Failure, InvalidCredentials, RateLimited
from protocol.events import MembershipEvent, MessageEvent, PresenceEvent, ReadEvent, TopicsEvent
from tests.client.fake_broker import FakeBroker

PASSWORD = "correct horse"
SECRET = b"g" * 32
TOPICS = 40
"""That a connection may have, of the whole server."""


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as broker:
        yield broker


@contextlib.asynccontextmanager
async def trunks_to(address: str, **options: Any) -> AsyncIterator[Trunks]:
    trunks = Trunks(address, **options)
    try:
        yield trunks
    finally:
        trunks.close()


class Visitor:
    """One session on trunks, and what it heard."""

    def __init__(self, trunks: Trunks, name: str, **options: Any) -> None:
        self.heard: list[Event] = []
        self.name = name
        self.chat = Chat.connect(
            trunks.text, username=name, password=PASSWORD, trunks=trunks, hear=self.heard.append, **options
        )

    @property
    def texts(self) -> list[str]:
        return [one.body for one in self.heard if isinstance(one, MessageEvent)]

    @property
    def statuses(self) -> list[bool]:
        return [one.connected for one in self.heard if isinstance(one, Status)]

    async def enter(self, listen: bool = True) -> Visitor:
        await self.chat.__aenter__()
        if listen:
            await self.chat.listen()
        return self


async def visitors(trunks: Trunks, *names: str, **options: Any) -> list[Visitor]:
    """Logged in, and listening, one after the other."""
    return [await Visitor(trunks, name, **options).enter() for name in names]


async def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


async def hear_all(one: Visitor, texts: set[str]) -> None:
    await until(lambda: texts <= {*one.texts})


def subscriptions(broker: FakeBroker, topic: bytes) -> list[int]:
    """What the broker was told of a topic: 1 for each subscription, 0 for each end."""
    return [frame[0] for frame in broker.subscribed if frame[1:] == topic]


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


async def test_a_gateway_says_who_it_is_before_it_says_for_whom_it_speaks(broker: FakeBroker) -> None:
    async with trunks_to(broker.address, secret=SECRET) as trunks:
        ani = await Visitor(trunks, "ani", origin="192.0.2.7").enter(listen=False)
        budi = await Visitor(trunks, "budi").enter(listen=False)
        await ani.chat.send("budi", "hello")
        assert broker.model.origins == [
            ("gateway.introduce", ""),
            ("auth.login", "192.0.2.7"),
            ("auth.login", ""),
            ("message.send", "192.0.2.7"),
        ]
        await asyncio.to_thread(broker.stop)
        broker.model.origins.clear()
        broker.start()
        await ani.chat.whoami()
        await budi.chat.whoami()
        assert broker.model.origins[0] == ("gateway.introduce", "")
        assert {("auth.resume", "192.0.2.7"), ("auth.resume", "")} <= set(broker.model.origins)


async def test_a_wrong_secret_is_told_and_the_sessions_go_on_as_an_ordinary_clients(
    broker: FakeBroker,
) -> None:
    refusals: list[Failure] = []
    async with trunks_to(broker.address, secret=b"w" * 32, on_refusal=refusals.append) as trunks:
        ani, budi = await visitors(trunks, "ani", "budi", origin="192.0.2.7")
        await ani.chat.send("budi", "hello")
        await until(lambda: budi.texts == ["hello"])
    assert [type(refusal) for refusal in refusals] == [InvalidCredentials]
    assert {origin for _, origin in broker.model.origins} == {""}


async def test_nobody_speaks_before_the_introduction_was_answered(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.trunk.INTRODUCTION_PATIENCE", 0.1)
    broker.lock.acquire()
    try:
        async with trunks_to(broker.address, secret=SECRET) as trunks:
            with pytest.raises(Offline):
                await Visitor(trunks, "ani", timeout=0.5).enter()
            broker.lock.release()
            await Visitor(trunks, "ani", origin="192.0.2.7").enter()
    finally:
        with contextlib.suppress(RuntimeError):
            broker.lock.release()
    said = [command for command, _ in broker.model.origins]
    introductions = said.count("gateway.introduce")
    assert introductions > 2 and said[:introductions] == ["gateway.introduce"] * introductions
    assert ("auth.login", "192.0.2.7") in broker.model.origins


async def test_a_gateway_introduces_itself_now_and_then_and_nobody_notices(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker forgets who is silent for long, and a gateway without visitors has nothing else to say."""
    monkeypatch.setattr("client.trunk.INTRODUCTION_EVERY", 0.02)
    async with trunks_to(broker.address, secret=SECRET) as trunks:
        (ani,) = await visitors(trunks, "ani", origin="192.0.2.7")
        await until(lambda: len([1 for command, _ in broker.model.origins if "introduce" in command]) > 5)
        await ani.chat.send("budi", "hello")
        assert broker.model.origins.count(("message.send", "192.0.2.7")) == 1
        assert ani.statuses == [True]


async def test_an_introduction_that_is_refused_for_now_is_made_again(broker: FakeBroker) -> None:
    refusals: list[Failure] = []
    answers: list[Failure | None] = [RateLimited("Too often.", retry_after=0.05), None]
    broker.model.refuse = lambda command, request: answers.pop(0) if command == "gateway.introduce" else None
    async with trunks_to(broker.address, secret=SECRET, on_refusal=refusals.append) as trunks:
        await Visitor(trunks, "ani", origin="192.0.2.7").enter(listen=False)
    assert not refusals and not answers
    assert broker.model.origins[2:] == [("auth.login", "192.0.2.7")]


async def test_a_wrong_key_is_told_to_everyone_soon_and_to_who_comes_later(broker: FakeBroker) -> None:
    for key in (bytes(range(32)), b""):
        async with trunks_to(broker.address_with(key)) as trunks:
            started = time.monotonic()
            ani, budi, late = (Visitor(trunks, name, timeout=20.0) for name in ("ani", "budi", "citra"))
            answers = await asyncio.gather(ani.enter(), budi.enter(), return_exceptions=True)
            assert [type(answer) for answer in answers] == [WrongServerKey] * 2
            with pytest.raises(WrongServerKey):
                await late.enter()
            assert time.monotonic() - started < 5


async def test_a_server_that_was_something_else_for_a_while_is_found_again(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway lives longer than an operator's mistake."""
    monkeypatch.setattr("client.sockets.REFUSED_PAUSE", 0.1)
    refused: list[int] = []
    changed = Trunk._commands_changed

    def noted(trunk: Trunk, change: int) -> None:
        refused.append(change)
        changed(trunk, change)

    monkeypatch.setattr(Trunk, "_commands_changed", noted)
    async with trunks_to(broker.address) as trunks:
        (ani,) = await visitors(trunks, "ani")
        for curve in (False, True):
            await asyncio.to_thread(broker.stop)
            broker.curve = curve
            broker.start()
            if not curve:
                await until(lambda: any(change & REFUSED_FINALLY for change in refused))
                with pytest.raises(Offline):  # and not: a wrong key
                    await Visitor(trunks, "budi", timeout=0.3).enter()
                assert len(refused) < 40  # it is tried again, but not in a circle
        assert (await ani.chat.whoami()).user == "ani"
        await until(lambda: ani.statuses == [True, False, True])


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
