"""The library on real sockets, against a small broker in a thread: what only sockets can show."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from client.chat import Chat, Event, Status
from client.errors import Closed, LoggedOut, Offline, Timeout, WrongServerKey
from client.trunk import Trunks
from protocol.errors import (
    Conflict,
    Failure,
    Internal,
    InvalidCredentials,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from protocol.events import MessageEvent
from tests.client.fake_broker import FakeBroker

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse"


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as broker:
        yield broker


@contextlib.asynccontextmanager
async def logged_in(broker: FakeBroker, name: str, **options: float) -> AsyncIterator[Chat]:
    async with Chat.connect(broker.address, username=name, password=PASSWORD, **options) as chat:  # type: ignore[arg-type]
        yield chat


async def messages(chat: Chat, count: int) -> list[str]:
    """The next ``count`` messages heard."""
    texts: list[str] = []
    async with asyncio.timeout(15):
        async for event in chat.events():
            if isinstance(event, MessageEvent):
                texts.append(event.body)
                if len(texts) == count:
                    break
    return texts


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_two_people_talk(broker: FakeBroker) -> None:
    async with logged_in(broker, "ani") as ani, logged_in(broker, "budi") as budi:
        assert (ani.user, len(ani.token), ani.session, ani.topic[:1]) == ("ani", 16, 1, b"u")
        await budi.listen()
        replies = await asyncio.gather(*(ani.send("budi", f"{n}") for n in range(300)))
        assert [reply.seq for reply in replies] == list(range(1, 301))
        assert await messages(budi, 300) == [f"{n}" for n in range(300)]
        assert budi.cursors == {1: 300}
        assert [message.body async for message in ani.messages(1, after=298)] == ["298", "299"]


async def test_the_servers_no_is_raised_as_its_own_type(broker: FakeBroker) -> None:
    async with Chat.connect(broker.address) as chat:
        assert (chat.user, chat.token) == ("", b"")
        with pytest.raises(Unauthenticated):
            await chat.whoami()
        with pytest.raises(InvalidCredentials):
            await chat.login("ani", "wrong")
        with pytest.raises(Conflict):
            await chat.register("ani", PASSWORD)
        assert await chat.register("eka", PASSWORD) == "eka"
        await chat.login("eka", PASSWORD)
        assert chat.user == "eka"
        with pytest.raises(NotFound):
            await chat.send("nobody", "hello")


async def test_a_token_goes_on_without_a_password_and_logout_ends_it(broker: FakeBroker) -> None:
    async with logged_in(broker, "ani") as ani:
        token = ani.token
    with broker.lock:
        broker.model.restart()
    async with Chat.connect(broker.address, token=token) as ani:
        assert (await ani.whoami()).user == ani.user == "ani"
        await ani.logout()
        assert ani.token == b""
        with pytest.raises(LoggedOut):
            await ani.send("budi", "hello")
    async with Chat.connect(broker.address, token=token) as ani:
        with pytest.raises(LoggedOut):
            await ani.whoami()
        await ani.logout()


async def test_a_wrong_key_is_noticed_long_before_the_timeout(broker: FakeBroker) -> None:
    for key in (bytes(range(32)), b""):
        async with asyncio.timeout(15), Chat.connect(broker.address_with(key), timeout=60.0) as chat:
            with pytest.raises(WrongServerKey):
                await chat.hello()


async def test_a_server_that_is_not_there_is_offline_after_the_timeout() -> None:
    started = time.monotonic()
    async with asyncio.timeout(15), Chat.connect(f"pesan://127.0.0.1:{free_port()}", timeout=0.5) as chat:
        with pytest.raises(Offline):
            await chat.hello()
        with pytest.raises(Offline):
            await chat.listen()
    assert time.monotonic() - started > 0.9


@pytest.mark.parametrize("on_trunk", [False, True], ids=["own sockets", "a trunk"])
@pytest.mark.parametrize("refusal", [Unavailable("Later.", retry_after=0.05), Internal("A fault.")])
async def test_who_could_not_listen_in_time_hears_all_the_same_a_little_later(
    broker: FakeBroker, refusal: Failure, on_trunk: bool
) -> None:
    hellos, refusing = 0, True

    def refuse(command: str, request: object) -> Failure | None:
        nonlocal hellos
        hellos += command == "server.hello"
        return refusal if command == "server.hello" and refusing else None

    broker.model.refuse = refuse
    trunks = Trunks(broker.address) if on_trunk else None
    heard: list[Event] = []
    options: Any = {"trunks": trunks, "hear": heard.append, "timeout": 0.3, "password": PASSWORD}
    try:
        async with Chat.connect(broker.address, username="budi", **options) as budi:
            for _ in range(2):
                with pytest.raises(Timeout):
                    await budi.listen()
            refusing = False
            async with logged_in(broker, "ani") as ani, asyncio.timeout(15):
                await ani.send("budi", "hello")
                while [one.body for one in heard if isinstance(one, MessageEvent)] != ["hello"]:
                    await asyncio.sleep(0.01)
            await budi.listen()
        assert hellos < 40
    finally:
        if trunks is not None:
            trunks.close()


async def test_a_server_that_never_answers_is_no_key_problem() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        async with Chat.connect(f"pesan://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3) as chat:
            with pytest.raises(Offline):
                await chat.hello()


async def test_a_server_too_busy_to_shake_hands_is_no_key_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.sockets.REFUSED_WITHIN", 0.1)
    dropped = 0

    async def drop_each_late(listener: socket.socket) -> None:
        nonlocal dropped
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            with connection:
                await asyncio.sleep(0.2)
                dropped += 1

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        dropping = asyncio.create_task(drop_each_late(listener))
        async with Chat.connect(f"pesan://127.0.0.1:{listener.getsockname()[1]}", timeout=2.5) as chat:
            with pytest.raises(Offline):
                await chat.hello()
        dropping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await dropping
    assert dropped >= 2


async def test_a_restarted_server_is_gone_on_with(broker: FakeBroker) -> None:
    async with logged_in(broker, "ani", timeout=20.0) as ani, logged_in(broker, "budi", timeout=20.0) as budi:
        await budi.listen()
        await ani.send("budi", "one")
        await asyncio.to_thread(broker.stop)
        sending = [asyncio.create_task(ani.send("budi", text)) for text in ("two", "three")]
        await asyncio.sleep(0.1)
        broker.start()
        await asyncio.gather(*sending)
        assert await messages(budi, 3) == ["one", "two", "three"]
        assert [message.body for message in broker.model.rooms[1].messages] == ["one", "two", "three"]


async def test_the_program_is_told_when_the_line_breaks_and_when_it_is_mended(broker: FakeBroker) -> None:
    async with logged_in(broker, "ani") as ani:
        heard: list[Event] = []

        @ani.on(Status)
        async def note(status: Status) -> None:
            heard.append(status)

        running = asyncio.create_task(ani.run_forever())
        await ani.listen()
        await asyncio.to_thread(broker.stop)
        broker.start()
        async with asyncio.timeout(15):
            while len(heard) < 3:
                await asyncio.sleep(0.02)
        assert [status.connected for status in heard if isinstance(status, Status)] == [True, False, True]
        assert isinstance(heard[1], Status) and heard[1].reason.endswith(".")
        assert not running.done()
    await running


async def test_a_session_ended_elsewhere_ends_the_events(broker: FakeBroker) -> None:
    async with logged_in(broker, "ani") as ani:
        await ani.listen()
        with broker.lock:
            broker.model.end_session(ani.token)
        with pytest.raises(LoggedOut):
            await ani.whoami()
        with pytest.raises(LoggedOut):
            async for _ in ani.events():
                pass


async def test_an_answer_that_does_not_come_is_a_timeout(broker: FakeBroker) -> None:
    async with logged_in(broker, "ani", timeout=0.4) as ani:
        broker.lock.acquire()
        try:
            with pytest.raises(Timeout):
                await ani.whoami()
        finally:
            broker.lock.release()


async def test_closing_ends_what_is_under_way(broker: FakeBroker) -> None:
    async with logged_in(broker, "ani") as ani:
        broker.lock.acquire()
        try:
            asking = asyncio.create_task(ani.whoami())
            await asyncio.sleep(0.05)
            await ani.close()
            with pytest.raises(Closed):
                await asking
        finally:
            broker.lock.release()
    with pytest.raises(Closed):
        await ani.hello()


async def test_a_program_that_stops_listening_for_a_while_misses_nothing(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.connection.EVENTS_MOST", 20)
    monkeypatch.setattr("client.connection.EVENTS_FEW", 5)
    async with logged_in(broker, "ani") as ani, logged_in(broker, "budi") as budi:
        await budi.listen()
        await asyncio.gather(*(ani.send("budi", f"{n}") for n in range(200)))
        await asyncio.sleep(0.1)
        assert await messages(budi, 200) == [f"{n}" for n in range(200)]


async def test_a_host_that_cannot_be_one_is_said_so_at_once() -> None:
    for server in ("pesan://no_such host:1", "pesan://1.2.3.4.5.6.:7700", "http://here", "pesan://here"):
        with pytest.raises((ValueError, Offline)):
            async with Chat.connect(server, timeout=0.2) as chat:
                await chat.hello()


def run_example(name: str, broker: FakeBroker, user: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PESAN_SERVER": broker.address,
        "PESAN_USER": user,
        "PESAN_PASSWORD": PASSWORD,
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / name), *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_the_echo_bot_answers(broker: FakeBroker) -> None:
    with run_example("echo_bot.py", broker, "budi") as bot:
        try:
            assert bot.stdout is not None
            assert await asyncio.to_thread(bot.stdout.readline) == "budi answers\n"
            async with logged_in(broker, "ani") as ani:
                await ani.listen()
                await ani.send("budi", "is anybody there?")
                assert await messages(ani, 2) == ["is anybody there?"] * 2
        finally:
            bot.kill()


async def test_lines_of_a_pipe_arrive_in_the_group_in_order(broker: FakeBroker) -> None:
    text = "".join(f"line {n}\n\n" for n in range(250))
    for _ in range(2):  # the second time the group is there already
        with run_example("log_to_group.py", broker, "ani", "#ops") as pipe:
            await asyncio.to_thread(pipe.communicate, text, 30)
            assert pipe.returncode == 0
    room = next(room for room in broker.model.rooms.values() if room.name == "#ops")
    assert [message.body for message in room.messages] == [f"line {n}" for n in range(250)] * 2


def test_importing_the_library_loads_no_more_than_it_needs() -> None:
    program = "import sys, client.chat; print(*sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    assert not {"click", "prompt_toolkit", "structlog", "apsw", "psycopg", "broker", "services"} & set(
        modules
    )
    assert not {"zmq.asyncio", "client.files.api", "concurrent.futures.thread"} & set(modules)
