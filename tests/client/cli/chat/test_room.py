from __future__ import annotations

import itertools

import pytest

from client.cli.chat import lines
from client.cli.chat.room import TYPING_EVERY, TYPING_SHOWN, Room
from client.inbox import Event, Status
from protocol.commands import ConversationInfo, HistoryReply, Message
from protocol.events import MembershipEvent, MessageEvent, PresenceEvent, ReadEvent, TypingEvent

NOON = 1_700_000_000_000_000
DAY = 86_400_000_000
IDS = itertools.count(1)


def message(seq: int, sender: str, body: str, sent_at: int = NOON) -> Message:
    return Message(seq, sender, body, sent_at, next(IDS).to_bytes(16))


def page(conversation: int, read_seq: int, *messages: Message) -> HistoryReply:
    first, last = (messages[0].seq, messages[-1].seq) if messages else (1, 0)
    return HistoryReply(conversation, list(messages), first, last, last, read_seq)


def heard(conversation: int, seq: int, sender: str, to: str, body: str, at: int = NOON) -> MessageEvent:
    return MessageEvent(conversation, seq, sender, to, body, at, next(IDS).to_bytes(16))


def listed(id: int, name: str, last_seq: int, unread: int) -> ConversationInfo:
    kind = {"#": "group", "*": "broadcast"}.get(name[:1], "direct")
    return ConversationInfo(id, kind, name, b"", last_seq, last_seq - unread, unread, NOON)


def texts(shown: list[str]) -> list[str]:
    """Lines without times."""
    return [line.split(" ", 1)[1] if line[2:3] == ":" else line for line in shown]


@pytest.fixture
def room() -> Room:
    """Ani's, with budi's conversation open and a group beside it."""
    room = Room("ani")
    room.listed([listed(1, "budi", 0, 0), listed(2, "#ops", 5, 2)])
    room.opened("budi", page(1, 0))
    return room


# --- opening --------------------------------------------------------------------------------------


def test_opening_shows_days_and_a_mark_above_the_first_unread_message() -> None:
    room = Room("ani")
    shown = room.opened(
        "budi",
        page(
            1,
            2,
            message(1, "ani", "hi", NOON - DAY),
            message(2, "budi", "yes?"),
            message(3, "ani", "mine"),
            message(4, "budi", "one"),
            message(5, "budi", "two"),
        ),
    )
    assert texts(shown) == [
        "-- budi --",
        lines.day(NOON - DAY),
        "ani: hi",
        lines.day(NOON),
        "budi: yes?",
        "ani: mine",
        "-- new --",
        "budi: one",
        "budi: two",
    ]
    assert room.to_read == {1: 5}
    assert room.unread == []


def test_opening_what_was_read_shows_no_mark_and_moves_no_marker() -> None:
    room = Room("ani")
    assert lines.NEW not in room.opened("budi", page(1, 1, message(1, "budi", "hi")))
    assert room.to_read == {}


def test_a_conversation_that_does_not_exist_yet_can_be_opened() -> None:
    room = Room("ani")
    assert room.opened("budi", page(0, 0)) == ["-- budi, nothing said yet --"]
    assert (room.here, room.talk) == ("budi", None)
    assert texts(room.hear(heard(7, 1, "budi", "ani", "hi"), 0))[1:] == ["budi: hi"]
    assert room.talk is not None and room.talk.id == 7


def test_opening_says_when_more_is_unread_than_is_shown() -> None:
    shown = Room("ani").opened("budi", page(1, 2, message(10, "budi", "ten")))
    assert "-- 7 earlier messages are new; /history N --" in shown


def test_what_history_has_shown_is_not_shown_again_as_an_event(room: Room) -> None:
    room.hold()
    event = heard(1, 1, "budi", "ani", "hi")
    assert room.hear(event, 0) == []
    room.opened("budi", page(1, 0, message(1, "budi", "hi")))
    assert room.release(0) == []
    assert texts(room.hear(heard(1, 2, "budi", "ani", "more"), 0)) == ["budi: more"]


# --- messages -------------------------------------------------------------------------------------

MESSAGES = [
    ("in full where it is open", heard(1, 1, "budi", "ani", "hi"), ["budi: hi"], 2),
    ("our other device's too", heard(1, 1, "ani", "budi", "hi"), ["ani: hi"], 2),
    ("a notice from a group", heard(2, 6, "citra", "#ops", "hi"), ["[#ops] citra: hi"], 3),
    ("a notice from a person", heard(3, 1, "citra", "ani", "hi"), ["[citra] hi"], 3),
    ("a notice to everyone", heard(4, 1, "citra", "*", "hi"), ["[*] citra: hi"], 3),
    ("our other device elsewhere", heard(2, 6, "ani", "#ops", "hi"), ["[#ops] ani: hi"], 2),
    ("what the list has counted", heard(2, 5, "citra", "#ops", "hi"), ["[#ops] citra: hi"], 2),
]


@pytest.mark.parametrize(
    ("event", "shown", "unread"), [row[1:] for row in MESSAGES], ids=[r[0] for r in MESSAGES]
)
def test_a_message_is_shown_and_counted(room: Room, event: Event, shown: list[str], unread: int) -> None:
    assert [line for line in texts(room.hear(event, 0)) if line != lines.day(NOON)] == shown
    assert sum(talk.unread for talk in room.unread) == unread


def test_what_was_typed_here_is_not_repeated_but_read(room: Room) -> None:
    event = heard(1, 1, "ani", "budi", "hi")
    room.sent.add(event.id)
    assert room.hear(event, 0) == []
    assert room.to_read == {1: 1}
    assert room.sent == set()


def test_a_new_day_gets_a_line(room: Room) -> None:
    assert room.hear(heard(1, 1, "budi", "ani", "hi"), 0)[0] == lines.day(NOON)
    assert len(room.hear(heard(1, 2, "budi", "ani", "hi"), 0)) == 1
    assert room.hear(heard(1, 3, "budi", "ani", "hi", NOON + DAY), 0)[0] == lines.day(NOON + DAY)


def test_text_of_others_can_neither_drive_the_terminal_nor_pose_as_a_line(room: Room) -> None:
    body = "a\x1b[2J\x07\x9b\u202eb\r\nani: lie\nbudi: lie\u2028x"
    shown = [*room.hear(heard(1, 1, "budi", "ani", body), 0), *room.hear(heard(2, 6, "c", "#ops", body), 0)]
    for line in shown:
        assert all(c.isprintable() or c == "\n" for c in line)
        assert all(part.startswith("    ") for part in line.split("\n")[1:])


def test_what_is_held_back_comes_in_order_when_released(room: Room) -> None:
    room.hold()
    events: list[Event] = [heard(1, 1, "budi", "ani", "one"), heard(2, 6, "citra", "#ops", "two")]
    assert [room.hear(event, 0) for event in events] == [[], []]
    assert texts(room.release(0))[-2:] == ["budi: one", "[#ops] citra: two"]
    assert room.release(0) == []


# --- other events ---------------------------------------------------------------------------------

EVENTS = [
    (Status(False, "The server hung up."), ["-- connection lost: The server hung up; trying again --"]),
    (Status(True), []),
    (PresenceEvent("budi", True, 0), ["-- budi is online --"]),
    (PresenceEvent("budi", False, 0), ["-- budi is offline --"]),
    (PresenceEvent("citra", True, 0), []),
    (MembershipEvent(2, "ops", "citra", "joined"), []),
    (MembershipEvent(2, "ops", "ani", "removed", "budi"), ["-- you were removed from #ops by budi --"]),
    (MembershipEvent(2, "ops", "ani", "left"), ["-- you left #ops --"]),
    (MembershipEvent(9, "lab", "ani", "joined"), []),
    (ReadEvent(1, "budi", 1), []),
    (TypingEvent(1, "budi"), []),
]


@pytest.mark.parametrize(("event", "shown"), EVENTS, ids=[repr(row[0]) for row in EVENTS])
def test_other_events_are_told_where_they_matter(room: Room, event: Event, shown: list[str]) -> None:
    assert room.hear(event, 0) == shown


def test_in_the_open_group_its_members_come_and_go(room: Room) -> None:
    room.opened("#OPS", page(2, 0, message(1, "citra", "hi")))
    assert room.here == "#ops"
    shown = [
        room.hear(MembershipEvent(2, "ops", "dewi", change, "budi"), 0) for change in ("joined", "removed")
    ]
    assert shown == [["-- dewi joined #ops --"], ["-- dewi was removed from #ops by budi --"]]
    room.hear(MembershipEvent(2, "ops", "ani", "removed", "budi"), 0)
    assert room.here == ""
    assert room.stale


def test_a_connection_that_is_back_is_told_and_the_list_asked_for(room: Room) -> None:
    room.hear(Status(False), 0)
    assert not room.connected
    assert room.hear(Status(True), 0) == ["-- connected again --"]
    assert room.stale


def test_reading_elsewhere_clears_the_count_and_reading_in_part_asks_the_server(room: Room) -> None:
    room.hear(ReadEvent(2, "ani", 4), 0)
    assert room.stale and [talk.unread for talk in room.unread] == [2]
    room.hear(ReadEvent(2, "ani", 5), 0)
    assert room.unread == []


def test_a_list_older_than_what_was_heard_changes_no_count(room: Room) -> None:
    room.hear(heard(2, 6, "citra", "#ops", "hi"), 0)
    room.listed([listed(1, "budi", 0, 0), listed(2, "#ops", 5, 0)])
    assert [talk.unread for talk in room.unread] == [3]
    room.listed([listed(1, "budi", 0, 0), listed(2, "#ops", 6, 1)])
    assert [talk.unread for talk in room.unread] == [1]


def test_a_group_that_is_no_longer_listed_is_left(room: Room) -> None:
    room.opened("#ops", page(2, 0, message(1, "citra", "hi")))
    room.listed([listed(1, "budi", 0, 0)])
    assert (room.here, room.named("#ops")) == ("", None)


def test_who_types_is_known_for_a_while_or_until_they_have_said_it(room: Room) -> None:
    room.hear(TypingEvent(1, "budi"), 10)
    room.hear(TypingEvent(1, "ani"), 10)
    assert room.typists(10) == ["budi"]
    assert room.typists(10 + TYPING_SHOWN) == []
    room.hear(TypingEvent(1, "budi"), 20)
    room.hear(heard(1, 1, "budi", "ani", "hi"), 21)
    assert room.typists(21) == []


# --- our own typing -------------------------------------------------------------------------------


def test_others_are_told_that_we_type_now_and_then(room: Room) -> None:
    told = [room.typed("hello", now) for now in (0, 1, TYPING_EVERY, TYPING_EVERY + 1)]
    assert told == ["budi", "", "budi", ""]


@pytest.mark.parametrize(
    ("text", "told"), [("h", "budi"), ("//h", "budi"), ("/msg", ""), (" ", ""), ("", "")]
)
def test_only_what_will_be_said_counts_as_typing(room: Room, text: str, told: str) -> None:
    assert room.typed(text, 0) == told


def test_nobody_is_told_where_it_was_switched_off_or_the_line_is_down_or_everyone_is_meant(
    room: Room,
) -> None:
    room.tell_typing = False
    assert room.typed("h", 0) == ""
    room.tell_typing, room.connected = True, False
    assert room.typed("h", 0) == ""
    room.connected = True
    room.opened("*", page(3, 0, message(1, "budi", "hi")))
    assert room.typed("h", 0) == ""


def test_names_are_learned_from_everything_that_is_heard(room: Room) -> None:
    room.hear(heard(2, 6, "citra", "#ops", "hi"), 0)
    room.hear(PresenceEvent("dewi", True, 0), 0)
    room.learn(people=["eka", "ani"], groups=["lab"])
    assert room.people == {"budi", "citra", "dewi", "eka"}
    assert room.groups == {"ops", "lab"}
