"""The worker process, seen from a broker's socket: beats, work, probes, and how it ends."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from broker.up.notices import Notice, Notices
from config.folders import socket_folder
from config.log import open_log
from config.settings import Settings
from protocol import backend
from protocol.backend import Call
from protocol.envelope import pack_body, unpack_body
from services import __main__ as program
from services.batch import Done
from services.group import SERVICE
from services.loop import FRAME_BYTES, frames
from services.storage.engine import Store, StoreBusy
from services.worker import Worker
from tests.services.world import World, message_id

ROOT = Path(__file__).parents[2]
SECONDS = 20.0


class Broker:
    """A broker's backend socket, and one worker process at a time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.worker = b""
        self._context = zmq.Context()
        self._stack = contextlib.ExitStack()
        self.bind()

    def bind(self) -> None:
        """Open the socket (again)."""
        self.socket = self._context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(f"ipc://{socket_folder(self.settings.home) / 'backend.sock'}")

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """``python -m services …`` on this broker's data folder."""
        process = subprocess.Popen(
            [sys.executable, "-m", "services", *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "PESAN_HOME": str(self.settings.home),
                "PESAN_DATABASE": self.settings.database,
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._stack.callback(process.communicate)
        self._stack.callback(process.kill)
        return process

    def hear(self, kind: str, seconds: float = SECONDS) -> tuple[Any, ...]:
        """The fields of the next message of this kind; others are passed over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.socket.poll(int(1000 * (deadline - time.monotonic()))):
                self.worker, frame = self.socket.recv_multipart()
                found, *fields = backend.unpack(frame)
                if found == kind:
                    return tuple(fields)
        raise TimeoutError(kind)

    def say(self, frame: bytes) -> None:
        """To the worker heard last."""
        self.socket.send_multipart([self.worker, frame])

    def close(self) -> None:
        self._stack.close()
        self.socket.close()
        self._context.term()


@pytest.fixture
def broker(settings: Settings, store: Store) -> Iterator[Broker]:
    broker = Broker(settings)
    yield broker
    broker.close()


def sends(world: World, count: int, first: int = 1) -> bytes:
    user = world.people["ani"].user_id
    calls = [
        Call(
            n,
            "message.send",
            user,
            "ani",
            1,
            False,
            pack_body({"to": "budi", "body": "halo", "id": message_id(n)}),
        )
        for n in range(first, first + count)
    ]
    return backend.pack_work(calls)


def test_a_worker_registers_works_and_stops_when_told(broker: Broker, world: World) -> None:
    process = broker.start("messaging")
    service, name, capacity = broker.hear(backend.BEAT)
    assert (service, name, capacity) == (
        "messaging",
        f"messaging-{process.pid}",
        broker.settings.worker_capacity,
    )
    broker.say(sends(world, 20))
    replies, events, effects = broker.hear(backend.DONE)
    assert [(handle, status) for handle, status, _ in replies] == [(n, "ok") for n in range(1, 21)]
    assert [unpack_body(body)["seq"] for _, _, body in replies] == list(range(1, 21))
    assert (len(events), effects) == (20, ())
    assert len(world.stored()) == 20

    process.send_signal(signal.SIGTERM)
    while broker.hear(backend.BEAT)[2] != 0:
        pass
    broker.say(sends(world, 5, first=21))
    broker.say(backend.pack_signal(backend.STOP))
    assert len(broker.hear(backend.DONE)[0]) == 5
    out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_probe_is_answered_and_beats_go_on_by_themselves(broker: Broker) -> None:
    broker.start("file")
    broker.hear(backend.BEAT)
    begun = time.monotonic()
    for _ in range(10):
        broker.say(backend.pack_signal(backend.PROBE))
        broker.hear(backend.BEAT)
    assert time.monotonic() - begun < 9 * broker.settings.worker_heartbeat  # sooner than ten by themselves
    for _ in range(2):
        broker.hear(backend.BEAT, seconds=4 * broker.settings.worker_heartbeat)


def test_junk_from_the_backend_is_passed_over(broker: Broker, world: World) -> None:
    broker.start("messaging")
    broker.hear(backend.BEAT)
    for junk in (b"", b"\xc1", b"\x93\x01\x02\x03", b"\x92\x01\xa4work", b"\x93\x01\xa4work\x91\x91\x01"):
        broker.say(junk)
    broker.say(sends(world, 1))
    assert broker.hear(backend.DONE)[0][0][1] == "ok"


def test_a_broker_that_comes_back_is_told_at_once(broker: Broker) -> None:
    broker.start("messaging")
    broker.hear(backend.BEAT)
    broker.socket.close()
    broker.bind()
    assert broker.hear(backend.BEAT, seconds=5)[0] == "messaging"


def test_without_a_broker_a_worker_stops_after_the_drain_time(broker: Broker) -> None:
    process = broker.start("messaging")
    broker.hear(backend.BEAT)
    broker.socket.close()
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(SECONDS)
    assert process.returncode == 0
    assert time.monotonic() - begun >= broker.settings.drain_timeout
    broker.bind()


def test_a_second_signal_ends_the_process_at_once(broker: Broker) -> None:
    process = broker.start("messaging")
    broker.hear(backend.BEAT)
    process.send_signal(signal.SIGTERM)
    while broker.hear(backend.BEAT)[2] != 0:
        pass
    process.send_signal(signal.SIGTERM)
    process.wait(SECONDS)
    assert process.returncode == 128 + signal.SIGTERM  # and not 0, as after the drain time


def test_a_tick_reaches_the_broker(broker: Broker, world: World) -> None:
    with world.store.write() as tx:
        ended = tx.row(
            "insert into sessions (user_id, token_hash, device, created_at, seen_at, ended_at)"
            " values (1, $1, '', 0, 0, $2) returning id",
            (b"x", time.time_ns() // 1000),
        )
    assert ended is not None
    broker.start("auth")
    replies, events, effects = broker.hear(backend.DONE)
    assert (replies, events, effects) == ((), (), ((backend.CLOSE, ended[0]),))


def test_actions_are_in_the_log_and_no_body_is(broker: Broker, world: World) -> None:
    broker.start("messaging")
    broker.hear(backend.BEAT)
    broker.say(sends(world, 3))
    broker.hear(backend.DONE)
    broker.say(backend.pack_signal(backend.PROBE))
    broker.hear(backend.BEAT)
    text = (broker.settings.home / "log" / "server.jsonl").read_text()
    assert text.count('"command":"message.send"') == 3
    assert "halo" not in text


# --- starting -----------------------------------------------------------------------------------


def ended(broker: Broker, *arguments: str, **variables: str) -> tuple[int, str]:
    process = broker.start(*arguments, **variables)
    out, err = process.communicate(timeout=SECONDS)
    assert out == ""
    return process.returncode, err


@pytest.mark.parametrize("arguments", [[], ["gossip"], ["auth", "group"]])
def test_an_unknown_service_is_a_wrong_use(broker: Broker, arguments: list[str]) -> None:
    code, err = ended(broker, *arguments)
    assert code == 2
    assert "auth, file, group, messaging" in err and err.count("\n") == 1


def test_a_file_worker_whose_storage_makes_no_sense_says_so_in_a_sentence(broker: Broker) -> None:
    code, err = ended(broker, "file", PESAN_FILES="a bucket")
    assert code == 78
    assert err.startswith("The file service could not start: ") and "s3://BUCKET/PREFIX" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"PESAN_PORT_BASE": "many"}, "PESAN_PORT_BASE"),
        ({"PESAN_DATABASE": "postgresql://nobody@127.0.0.1:1/none"}, "PostgreSQL"),
        ({"PESAN_HOME": "/proc/nowhere", "PESAN_DATABASE": ""}, "/proc/nowhere"),
    ],
)
def test_a_worker_that_cannot_start_says_why_in_a_sentence(
    broker: Broker, variables: dict[str, str], reason: str
) -> None:
    code, err = ended(broker, "messaging", **variables)
    assert code == 78
    assert err.startswith("The messaging service could not start: ") and reason in err
    assert err.count("\n") == 1


def test_a_database_that_is_only_busy_is_worth_another_try(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def busy(*anything: object) -> Worker:
        raise StoreBusy("SQLite: locked")

    monkeypatch.setattr(program, "_started", busy)
    assert program.main(["messaging"]) == 75
    assert capsys.readouterr().err == "The messaging service could not start: SQLite: locked\n"


def test_a_worker_says_that_it_serves_once_the_broker_has_answered_it(broker: Broker, tmp_path: Path) -> None:
    with contextlib.closing(Notices(tmp_path / "up.sock")) as notices:
        process = broker.start("messaging", NOTIFY_SOCKET=notices.address)
        broker.hear(backend.BEAT)
        broker.hear(backend.BEAT)
        assert notices.heard() == []
        broker.say(backend.pack_signal(backend.PROBE))
        waits = select.poll()
        waits.register(notices, select.POLLIN)
        assert waits.poll(1000 * SECONDS)
        assert notices.heard() == [Notice(process.pid, serves=True)]
        broker.say(backend.pack_signal(backend.PROBE))
        broker.hear(backend.BEAT)
        assert notices.heard() == []


# --- frames -------------------------------------------------------------------------------------


def test_a_batch_with_much_to_say_is_sent_in_several_frames_in_order() -> None:
    done = Done()
    done.replies = [(n, "ok", b"r" * 200_000) for n in range(100)]
    done.events = [bytes([n]) * 100_000 for n in range(100)]
    done.effects = [("open", b"token", 1, 1, "ani")]
    sent = frames(done)
    assert len(sent) > 4 and max(map(len, sent)) < FRAME_BYTES + 300_000
    parts = [backend.unpack(frame)[1:] for frame in sent]
    assert parts[0][2] == (("open", b"token", 1, 1, "ani"),)
    assert [reply for part in parts for reply in part[0]] == done.replies
    assert [event for part in parts for event in part[1]] == done.events


def test_a_usual_batch_is_one_frame_and_nothing_is_none() -> None:
    done = Done()
    assert frames(done) == []
    done.replies = [(n, "ok", b"") for n in range(512)]
    assert len(frames(done)) == 1


# --- beside the loop ----------------------------------------------------------------------------


class Hung:
    """Something beside the loop that begins, hangs from then on, and ends when it is told to."""

    def __init__(self, settings: Settings) -> None:
        self.done: list[str] = []

    def start(self) -> None:
        self.done.append("started")

    def lives(self, now: float) -> bool:
        self.done.append("asked")
        return False

    def close(self) -> None:
        self.done.append("closed")


def test_a_worker_gives_no_sign_of_life_while_what_is_beside_its_loop_hangs(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[float] = []
    monkeypatch.setattr("services.worker.Pulse.beat", lambda self, now: beats.append(now))
    log = open_log(settings, "group")
    hung = Hung(settings)
    service = SERVICE._replace(beside=lambda settings: hung)
    worker = Worker(service, store, settings, log, [f"ipc://{settings.home}/nobody"])
    monkeypatch.setattr(worker, "_listen_to_signals", lambda: None)
    worker._stop = True
    worker.run()
    log.close()
    assert beats == []
    assert (hung.done[0], hung.done[-1]) == ("started", "closed") and "asked" in hung.done
