"""What a client makes of other realms: posts that get their number there, copies that are being filled."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.inbox import SetBack
from client.record import Record
from client.recording import Recording
from protocol.commands import GroupReply, JoinGroup, Message, Send, SendReply
from protocol.errors import Conflict
from protocol.events import DeliveredEvent, MessageEvent, UndeliveredEvent
from tests.client.model import ModelServer, Room
from tests.client.wire import Client, World, answer

TEAM = "#team@b"


class Copy:
    """Realm b's group at ani's server: ``home`` are its messages there, those of the room are here."""

    def __init__(self, server: ModelServer, said: int = 0) -> None:
        self._server = server
        topic = server.topic(b"c")
        self.room = server.rooms[1] = Room(1, "group", TEAM, topic, {"ani": 0})
        self.home = [Message(seq, "budi@b", f"old {seq}", 0, bytes([seq] * 16)) for seq in range(1, said + 1)]
        self._posts: list[Message] = []
        server._message_send = self._send  # type: ignore[method-assign]
        server._group_join = self._join  # type: ignore[method-assign]

    def _join(self, asked: object, user: str, request: JoinGroup) -> GroupReply:
        assert request.group == TEAM[1:]
        self.room.members[user] = len(self.home)
        return GroupReply(1, self.room.topic, len(self.home))

    def _send(self, asked: object, user: str, request: Send) -> SendReply:
        post = Message(0, user, request.body, 0, request.id)
        if request.after not in (None, *(one.id for one in (*self._posts, *self.home))):
            raise Conflict("The message before it is not here.", missing=request.after)
        stored = next((one for one in self.room.messages if one.id == post.id), None)
        if stored is not None:
            return SendReply(1, stored.seq, 0, True)
        doubled = post.id in [one.id for one in self._posts]
        if not doubled:
            self._posts.append(post)
        return SendReply(1, 0, 0, doubled, queued=True)

    def arrive(self) -> None:
        """What was posted here gets its numbers at home."""
        for post in self._posts:
            self.home.append(Message(len(self.home) + 1, post.sender, post.body, 0, post.id))
        self._posts.clear()

    def pushed(self, most: int = 1000) -> None:
        """The next messages come from home."""
        have = len(self.room.messages)
        for message in self.home[have : have + most]:
            self.room.messages.append(message)
            self._server._tell(self.room, message)


def member(said: int = 0, seen: int = 0) -> tuple[World, Copy, Client]:
    """Ani, who listens, and is a member of a group of which ``said`` was said and ``seen`` is here."""
    world = World()
    copy = Copy(world.server, said)
    copy.pushed(seen)
    copy.room.members["ani"] = said
    ani = world.client("ani").login()
    ani.listen()
    world.run(2.0)
    return world, copy, ani


def heard(client: Client) -> list[tuple[int, str]]:
    return [(event.seq, event.body) for event in client.events if isinstance(event, MessageEvent)]


# --- posts ----------------------------------------------------------------------------------------


def test_a_post_to_another_realms_group_is_heard_once_when_it_comes_back_with_its_number() -> None:
    world, copy, ani = member(said=3, seen=3)
    reply = answer(ani, ani.send(TEAM, "mine"))
    assert reply == SendReply(1, 0, 0, False, queued=True)
    world.run(200.0)  # however often it looks meanwhile
    assert heard(ani) == []
    copy.home.append(Message(4, "budi@b", "his", 0, b"4" * 16))
    copy.arrive()
    copy.pushed()
    world.deliver_events()
    world.run(2.0)
    assert heard(ani) == [(4, "his"), (5, "mine")]


def test_posts_without_numbers_leave_the_cursor_where_it_was() -> None:
    world, copy, ani = member(said=2, seen=2)
    for number in range(100):
        ani.send(TEAM, str(number))
    world.run(5.0)
    known = ani.session.listening.inbox.conversations[1]
    assert (known.cursor.seq, known.cursor.hole()) == (2, None)
    copy.arrive()
    copy.pushed(50)
    world.server.published.clear()  # those events are lost
    copy.pushed(50)
    world.deliver_events()
    world.run(2.0)
    assert heard(ani) == [(3 + number, str(number)) for number in range(100)]


def test_a_post_that_is_repeated_after_it_came_back_is_no_second_message() -> None:
    world, copy, ani = member()
    id = b"i" * 16
    answer(ani, ani.send(TEAM, "mine", id))
    assert answer(ani, ani.send(TEAM, "mine", id)) == SendReply(1, 0, 0, True, queued=True)
    copy.arrive()
    copy.pushed()
    world.deliver_events()
    assert answer(ani, ani.send(TEAM, "mine", id)) == SendReply(1, 1, 0, True)
    world.run(2.0)
    assert heard(ani) == [(1, "mine")]


def test_what_has_no_number_leaves_no_mark(tmp_path: Path) -> None:
    record = Record(tmp_path / "seen", "server", "ani")
    recording = Recording(record)
    for duplicate in (False, True):
        recording.sent(TEAM, "mine", b"i" * 16, SendReply(1, 0, 5, duplicate, queued=True))
    recording.write()
    assert record.extents() == {}
    assert record.names() == {}


# --- copies that are being filled -----------------------------------------------------------------


@pytest.mark.parametrize("seen", [0, 2])
def test_who_joins_a_group_hears_nothing_of_what_was_said_before_while_it_comes(seen: int) -> None:
    world = World()
    copy = Copy(world.server, said=5)
    del copy.room.members["ani"]
    ani = world.client("ani").login()
    ani.listen()
    world.run(2.0)
    copy.pushed(seen)
    answer(ani, ani.ask("group.join", JoinGroup(TEAM[1:])))
    world.run(200.0)  # lists that know less than was joined at
    copy.pushed(2)
    world.deliver_events()
    world.run(100.0)
    copy.home.append(Message(6, "budi@b", "new", 0, b"6" * 16))
    copy.pushed()
    world.deliver_events()
    world.run(2.0)
    assert heard(ani) == [(6, "new")]
    assert not [event for event in ani.events if isinstance(event, SetBack)]


def test_who_begins_while_a_copy_is_filled_hears_only_what_is_new() -> None:
    world, copy, ani = member(said=5, seen=2)
    copy.home.append(Message(6, "budi@b", "new", 0, b"6" * 16))
    copy.pushed()
    world.deliver_events()
    world.run(2.0)
    assert heard(ani) == [(6, "new")]


def test_a_run_that_goes_on_from_its_cursors_is_not_told_that_a_filling_copy_was_set_back() -> None:
    world = World()
    copy = Copy(world.server, said=5)
    copy.room.members["ani"] = 5
    ani = world.client("ani", cursors={1: 5}).login()
    ani.listen()
    world.run(2.0)
    assert ani.events[:1] and not [event for event in ani.events if isinstance(event, SetBack)]
    copy.home.append(Message(6, "budi@b", "new", 0, b"6" * 16))
    copy.pushed()
    world.deliver_events()
    world.run(2.0)
    assert heard(ani) == [(6, "new")]


# --- what became of a message -----------------------------------------------------------------------


def test_what_arrived_in_another_realm_and_what_was_refused_there_is_told_as_typed_events() -> None:
    world, _, ani = member()
    news = [
        DeliveredEvent(7, 3),
        DeliveredEvent(7, 4),
        UndeliveredEvent(7, 5, b"i" * 16, "not_found", "There is no user eka."),
    ]
    for event in news:
        world.server.publish(world.server.users["ani"].topic, event)
    world.deliver_events()
    world.run(1.0)
    assert [event for event in ani.events if isinstance(event, (DeliveredEvent, UndeliveredEvent))] == news
