"""``pesan verify`` against a server that forgets and changes what it said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from client.cli import profiles
from client.record import Record
from protocol.addresses import TopicKind
from protocol.commands import Message
from tests.client.cli.shell import Shell
from tests.client.fake_broker import FakeBroker
from tests.client.model import Room


class Town:
    """A server, ani at a shell of her own, and one group ``#ops`` (conversation 1) of hers and budi's."""

    def __init__(self, shell: Shell, broker: FakeBroker) -> None:
        self.shell = shell
        self.broker = broker
        self.model = broker.model
        token = self.model.topic(b"t")
        self.model.sessions[token] = (1, "ani")
        profiles.save_login("default", profiles.Login(broker.address, "ani", token, 1))
        topic = self.model.topic(TopicKind.CONVERSATION)
        self.ops = self.model.rooms[1] = Room(1, "group", "#ops", topic, {"ani": 0, "budi": 0})

    def says(self, count: int) -> None:
        """Budi says something more, so many times."""
        with self.broker.lock:
            for _ in range(count):
                seq = len(self.ops.messages) + 1
                message = Message(seq, "budi", f"this is {seq}", seq, seq.to_bytes(16, "big"))
                self.ops.messages.append(message)

    def verify(self, *words: str) -> tuple[int, str]:
        """(exit code, what is printed)."""
        ended = self.shell.run("verify", *words)
        assert ended.err == ""
        return ended.code, ended.out

    def record(self, *words: str) -> Any:
        """The one object of ``verify --json``."""
        return json.loads(self.shell.run("verify", "--json", *words).out)


@pytest.fixture
def town(shell: Shell) -> Iterator[Town]:
    with FakeBroker() as broker:
        yield Town(shell, broker)


def test_what_was_seen_and_is_still_there_is_complete(town: Town) -> None:
    town.says(30)
    assert town.verify() == (0, "#ops: complete 1..30\n")
    town.says(5)
    assert town.verify("#ops") == (0, "#ops: complete 1..35\n")
    record = town.record()
    assert (record["complete"], record["seen"], record["lost"], record["changed"]) == (True, 35, [], [])


def test_a_server_that_was_set_back_has_lost_what_was_seen(town: Town) -> None:
    town.says(30)
    town.verify()
    del town.ops.messages[19:]
    lost = "#ops: lost 20..30: seen here, gone on the server\n"
    assert town.verify() == (1, lost)
    assert town.verify("#ops") == (1, lost)
    record = town.record()
    assert (record["complete"], record["last_seq"], record["lost"]) == (False, 19, [[20, 30]])


def test_what_is_said_anew_after_a_set_back_is_changed(town: Town) -> None:
    town.says(30)
    town.verify()
    del town.ops.messages[19:]
    with town.broker.lock:
        for seq in (20, 21):
            town.ops.messages.append(Message(seq, "budi", "something else", 1, seq.to_bytes(16, "big")))
    line = "#ops: lost 22..30: seen here, gone on the server; changed 20..21: not what was seen here\n"
    assert town.verify() == (1, line)


@pytest.mark.parametrize(
    "change", [{"body": "forged"}, {"sender": "ani"}, {"sent_at": 77}, {"id": bytes(16)}], ids=str
)
def test_a_message_that_changed_is_named(town: Town, change: dict[str, Any]) -> None:
    town.says(9)
    town.verify()
    town.ops.messages[3] = msgspec.structs.replace(town.ops.messages[3], **change)
    assert town.verify() == (1, "#ops: changed 4: not what was seen here\n")


def test_a_message_that_vanished_is_missing_and_counts_as_lost(town: Town) -> None:
    town.says(9)
    town.verify()
    del town.ops.messages[3]
    assert town.verify() == (1, "#ops: missing 4\n")
    record = town.record()
    assert (record["missing"], record["lost"]) == ([[4, 4]], [[4, 4]])


def test_one_that_was_never_seen_is_missing_and_not_lost(town: Town) -> None:
    town.says(9)
    del town.ops.messages[3]
    assert town.verify() == (1, "#ops: missing 4\n")
    assert town.record()["lost"] == []


def test_holes_and_a_set_back_are_told_in_one_line(town: Town) -> None:
    town.says(9)
    town.verify()
    del town.ops.messages[7:], town.ops.messages[1]
    assert town.verify() == (1, "#ops: missing 2; lost 8..9: seen here, gone on the server\n")
    assert town.record()["lost"] == [[2, 2], [8, 9]]


def test_what_was_only_sent_is_held_against_the_server_too(town: Town) -> None:
    assert town.shell.run("send", "#ops", "hello").code == 0
    assert town.shell.run("send", "budi", "hello").code == 0
    assert town.verify() == (0, "#ops: complete 1..1\nbudi: complete 1..1\n")
    town.ops.messages[0] = msgspec.structs.replace(town.ops.messages[0], body="goodbye")
    assert town.verify("#ops") == (1, "#ops: changed 1: not what was seen here\n")
    del town.ops.messages[:]
    assert town.verify("#ops") == (1, "#ops: lost 1: seen here, gone on the server\n")


def test_a_whole_conversation_that_is_gone_is_lost(town: Town) -> None:
    town.shell.run("send", "budi", "hello")
    town.says(3)
    town.verify()
    del town.model.rooms[1], town.model.rooms[2]
    lost = "#ops: lost 1..3: seen here, gone on the server\nbudi: lost 1: seen here, gone on the server\n"
    assert town.verify() == (1, lost)
    assert town.verify("#ops") == (1, lost.partition("\n")[0] + "\n")


def test_a_group_that_was_left_needs_no_proof(town: Town) -> None:
    town.says(3)
    town.verify()
    assert town.shell.run("group", "leave", "ops").code == 0
    assert town.verify() == (0, "")


def test_what_is_gone_for_good_is_told_until_it_is_accepted(town: Town) -> None:
    town.says(9)
    town.verify()
    del town.ops.messages[7:]
    town.ops.messages[0] = msgspec.structs.replace(town.ops.messages[0], body="forged")
    for words in ((), (), ("--accept",)):
        code, line = town.verify(*words)
        assert code == 1
        assert "lost 8..9" in line
        assert "changed 1" in line
    assert town.verify() == (0, "#ops: complete 1..7\n")
    town.ops.messages[0] = msgspec.structs.replace(town.ops.messages[0], body="forged again")
    assert town.verify() == (1, "#ops: changed 1: not what was seen here\n")


def test_another_profile_has_seen_nothing(town: Town) -> None:
    town.says(9)
    town.verify()
    del town.ops.messages[5:]
    profiles.save_login("other", profiles.load_login("default") or pytest.fail("not logged in"))
    assert town.verify("--profile", "other") == (0, "#ops: complete 1..5\n")


def test_a_record_that_cannot_be_read_stops_verify_and_nothing_else(town: Town) -> None:
    town.says(3)
    profiles.record_file("default").write_bytes(b"no record " * 100)
    ended = town.shell.run("verify")
    assert (ended.code, ended.out) == (1, "")
    assert "the record of what was seen: file is not a database" in ended.err
    ended = town.shell.run("history", "#ops")
    assert (ended.code, ended.out.count("\n")) == (0, 3)
    assert "cannot write down what was seen" in ended.err


def test_nothing_that_was_said_is_in_the_record(town: Town) -> None:
    town.says(30)
    town.verify()
    file = profiles.record_file("default")
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"this is" not in file.read_bytes()
    key = profiles.load_login("default")
    assert key is not None
    assert sum(extent.messages for extent in opened(town).extents().values()) == 30


def opened(town: Town) -> Record:
    """The record as the command opens it."""
    from client.cli import places

    login = profiles.load_login("default")
    assert login is not None
    place = places.find(town.broker.address, profiles.Profile(), login)
    return Record(profiles.record_file("default"), place.server.key.hex(), "ani")
