"""A trunk and the server: introductions, wrong keys, and something else that listens there."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from client.errors import Offline, WrongServerKey
from client.sockets import REFUSED_FINALLY
from client.trunk import Trunk
from protocol.errors import Failure, InvalidCredentials, RateLimited
from tests.client.fake_broker import FakeBroker
from tests.client.trunk.riders import SECRET, Visitor, trunks_to, until, visitors


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
        async with asyncio.timeout(15), trunks_to(broker.address_with(key)) as trunks:
            ani, budi, late = (Visitor(trunks, name, timeout=60.0) for name in ("ani", "budi", "citra"))
            answers = await asyncio.gather(ani.enter(), budi.enter(), return_exceptions=True)
            assert [type(answer) for answer in answers] == [WrongServerKey] * 2
            with pytest.raises(WrongServerKey):
                await late.enter()


async def test_a_server_that_was_something_else_for_a_while_is_found_again(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway lives longer than an operator's mistake."""
    monkeypatch.setattr("client.sockets.REFUSED_PAUSE", 0.1)
    refused: list[int] = []
    started = time.monotonic()
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
                # It is tried again, but not in a circle: two or three such events a try, ten tries a second.
                assert len(refused) < 40 * (1 + time.monotonic() - started)
        assert (await ani.chat.whoami()).user == "ani"
        await until(lambda: ani.statuses == [True, False, True])
