"""Five people in one group by three kinds of client: the command, the library, and a raw ZeroMQ program."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.own_server import ROOT, OwnServer
from client import Chat, MessageEvent

PASSWORD = "a password of the tests"
PATIENCE = 30.0
SAYINGS = {name: f"{name} is here" for name in ("ani", "budi", "citra", "dewi", "eka")}


@contextmanager
def program(server: OwnServer, *arguments: str, file: Path) -> Iterator[subprocess.Popen[str]]:
    """A client process whose output goes to ``file``; ended with the block."""
    environment = server.environment | {
        "PESAN_PASSWORD": PASSWORD,
        "XDG_STATE_HOME": str(server.home / "state"),
        "XDG_CONFIG_HOME": str(server.home / "config"),
        "PYTHONUNBUFFERED": "1",
    }
    with file.open("w") as output:
        process = subprocess.Popen(
            arguments, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=output, text=True
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
        if process.stdin is not None:
            process.stdin.close()


def pesan(name: str, *words: str) -> list[str]:
    """The command line of ``pesan`` for one of us."""
    return [str(Path(sys.executable).with_name("pesan")), "--profile", name, *words]


def raw(server: OwnServer, name: str) -> list[str]:
    """The command line of the program that was written from the document."""
    return [sys.executable, str(ROOT / "examples" / "raw_member.py"), server.connection, name, "ops"]


async def shows(file: Path, *wanted: str) -> None:
    """Wait until ``file`` holds each of ``wanted`` once."""
    for _ in range(int(PATIENCE * 20)):
        text = file.read_text()
        if all(text.count(one) == 1 for one in wanted):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{wanted} not in:\n{file.read_text()}")


async def run(server: OwnServer, file: Path, *arguments: str) -> None:
    """Run a client process to its end."""
    with program(server, *arguments, file=file) as process:
        assert await asyncio.to_thread(process.wait, PATIENCE) == 0, file.read_text()


async def test_everyone_hears_everyone_once_whatever_they_speak_with(tmp_path: Path) -> None:
    with OwnServer() as server:
        out = {name: tmp_path / name for name in (*SAYINGS, "once")}
        await run(server, out["once"], *pesan("ani", "register", "ani"))
        await run(server, out["once"], *pesan("ani", "group", "create", "ops"))
        async with Chat.connect(server.connection) as anyone:
            for name in ("budi", "citra"):
                await anyone.register(name, PASSWORD)
        with (
            program(server, *pesan("ani", "tail", "#ops"), file=out["ani"]),
            program(server, *raw(server, "dewi"), file=out["dewi"]) as dewi,
            program(server, *raw(server, "eka"), file=out["eka"]) as eka,
        ):
            for name in ("ani", "dewi", "eka"):
                await shows(out[name], "listening")
            async with (
                Chat.connect(server.connection, username="budi", password=PASSWORD) as budi,
                Chat.connect(server.connection, username="citra", password=PASSWORD) as citra,
            ):
                for chat in (budi, citra):
                    await chat.join_group("ops")
                    await chat.listen()
                await run(server, out["once"], *pesan("ani", "send", "#ops", SAYINGS["ani"]))
                for chat in (budi, citra):
                    await chat.send("#ops", SAYINGS[chat.user])
                for one, name in ((dewi, "dewi"), (eka, "eka")):
                    assert one.stdin is not None
                    one.stdin.write(SAYINGS[name] + "\n")
                    one.stdin.flush()
                for name in ("ani", "dewi", "eka"):
                    await shows(out[name], *SAYINGS.values())
                for chat in (budi, citra):
                    assert await heard(chat) == sorted(SAYINGS.values())
                complete = await budi.verify("#ops")
        assert (complete.complete, complete.count) == (True, 5)


async def heard(chat: Chat) -> list[str]:
    """What five messages of the group say, sorted."""
    bodies: list[str] = []
    async with asyncio.timeout(PATIENCE):
        async for event in chat.events():
            if isinstance(event, MessageEvent):
                bodies.append(event.body)
                if len(bodies) == len(SAYINGS):
                    break
    return sorted(bodies)


def test_the_raw_program_knows_nothing_of_pesan_and_is_short() -> None:
    text = (ROOT / "examples" / "raw_member.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    for package in ("protocol", "client", "config", "broker", "services"):
        assert f"import {package}" not in text
        assert f"from {package}" not in text
