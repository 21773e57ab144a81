"""People and groups of other realms in pesan chat: what is shown of them, and of what waits for them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from client.cli import realms
from client.cli.chat.desk import Desk
from client.cli.chat.journeys import KNOWN_MOST
from client.cli.chat.room import Room
from client.cli.exits import NOT_FOUND, TIMEOUT
from client.cli.realms import moment
from client.inbox import Status
from protocol.commands import ConversationInfo, HistoryReply, Message, SendReply, UserInfo
from protocol.errors import Failure, NotFound, Unavailable
from protocol.events import DeliveredEvent, MessageEvent, UndeliveredEvent
from tests.client.cli.chat.pretended import NOON, Notebook, PretendedChat, until

REFUSED = UndeliveredEvent(3, 2, b"i" * 16, "not_found", "There is no user eka.")


class AbroadChat(PretendedChat):
    """Ani's, who has talked with budi@b, and is in #team@cabang; that realm is away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = {"cabang"}
        self.rows += [
            ConversationInfo(3, "direct", "budi@b", b"", 1, 1, 0, NOON),
            ConversationInfo(4, "group", "#team@cabang", b"", 1, 1, 0, NOON),
        ]

    async def get_user(self, name: str) -> UserInfo:
        self._note("get_user", name)
        return UserInfo(f"{name.capitalize()}", True, NOON)

    async def send(self, to: str, body: str, *, id: bytes) -> SendReply:
        await super().send(to, body, id=id)
        realm = to.partition("@")[2]
        group = to.startswith("#")
        return SendReply(4 if group else 3, 0 if group else 2, NOON, False, bool(realm), realm in self.away)


async def seated(address: str) -> tuple[AbroadChat, Notebook, Desk]:
    chat, front = AbroadChat(), Notebook()
    desk = Desk(chat.chat, Room("ani"), front)
    await desk.begin(address)
    chat.calls.clear()
    front.shown.clear()
    return chat, front, desk


AWAY = f"-- queued: realm cabang has been away since {moment(NOON)} --"


# --- opening ----------------------------------------------------------------------------------------


async def test_whom_we_have_met_is_opened_without_asking_their_realm() -> None:
    chat, front, desk = await seated("")
    await desk.obey("/to BUDI@b")
    assert (desk.room.here, chat.asked("get_user"), front.complaints) == ("budi@b", [], [])
    await desk.close()


async def test_whom_we_have_not_met_is_asked_for_and_properly_written() -> None:
    chat, front, desk = await seated("")
    await desk.obey("/to eka@b")
    assert (desk.room.here, chat.asked("get_user")) == ("Eka@b", [("eka@b",)])
    assert front.shown[-1] == "-- Eka@b, nothing said yet --"
    await desk.close()


@pytest.mark.parametrize(
    ("address", "error", "here", "code"),
    [
        ("eka@b", Unavailable("Realm b does not answer."), "eka@b", None),
        ("eka@b", NotFound("There is no user eka@b."), "", NOT_FOUND),
        ("eka", Unavailable("Nobody does this at present."), "", TIMEOUT),
    ],
)
async def test_of_a_realm_that_is_away_whoever_is_named_is_opened(
    address: str, error: Failure, here: str, code: int | None
) -> None:
    chat, front, desk = await seated("")
    chat.fails["get_user"] = [error]
    await desk.obey(f"/to {address}")
    assert desk.room.here == here
    assert [said for _, said in front.complaints] == ([] if code is None else [code])
    await desk.close()


async def test_a_group_of_another_realm_is_joined_opened_and_left_by_address() -> None:
    chat, front, desk = await seated("")
    await desk.obey("/join #team@cabang")
    assert desk.room.here == "#team@cabang"
    await desk.obey("/leave")
    assert chat.asked("join_group") == [("team@cabang", "")]
    assert chat.asked("leave_group") == [("team@cabang",)]
    assert front.shown[-1] == "-- you left #team@cabang --"
    await desk.close()


async def test_our_groups_of_other_realms_stand_below_those_of_ours() -> None:
    _, front, desk = await seated("")
    await desk.obey("/groups")
    assert front.shown[-2:] == ["#lab  1 member", "#team@cabang  joined"]
    await desk.close()


async def test_a_realm_that_says_nothing_for_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realms, "PATIENCE", 0.01)
    chat, front, desk = await seated("")
    monkeypatch.setattr(chat, "get_user", lambda name: asyncio.sleep(60))
    await desk.obey("/to eka@b")
    assert (desk.room.here, front.complaints) == ("eka@b", [])
    await desk.close()


async def test_realms_are_listed_and_known_to_tab() -> None:
    _, front, desk = await seated("")
    await desk.obey("/realms")
    assert front.shown == ["b       there", f"cabang  away since {moment(NOON)}, 3 waiting"]
    assert desk.room.realms == {"b", "cabang"}
    await desk.close()


async def test_realms_are_asked_for_once_when_somebody_begins_to_type_one() -> None:
    chat, _, desk = await seated("budi@b")
    for text in ("me@home", "/to eka", "/to eka@", "/to eka@b"):
        assert chat.asked("realms") == []
        desk.typed(text)
    await until(lambda: desk.room.realms)
    assert (desk.room.realms, len(chat.asked("realms"))) == ({"b", "cabang"}, 1)
    await desk.close()


# --- what waits -------------------------------------------------------------------------------------


async def test_that_a_realm_is_away_is_said_once_each_time_it_goes() -> None:
    chat, front, desk = await seated("#team@cabang")
    for line in ("one", "two", "/msg budi@b hi"):
        await desk.obey(line)
    await desk.outgoing.drained()
    assert front.shown == [AWAY]
    chat.away.clear()
    await desk.obey("three")
    await desk.outgoing.drained()
    assert front.shown == [AWAY]
    chat.away.add("cabang")
    await desk.obey("four")
    await desk.outgoing.drained()
    assert front.shown == [AWAY, AWAY]
    await desk.close()


async def test_a_post_is_counted_until_it_comes_back_and_not_shown_again_then() -> None:
    chat, front, desk = await seated("#team@cabang")
    listening = asyncio.ensure_future(desk.listen())
    await desk.obey("one")
    await desk.outgoing.drained()
    room = desk.room
    assert room.journeys.waiting("#team@cabang") == 1
    front.shown.clear()
    chat.news.put_nowait(MessageEvent(4, 2, "ani", "#team@cabang", "one", NOON, chat.ids[0]))
    await until(lambda: not room.journeys.waiting("#team@cabang"))
    assert front.shown == []
    assert room.sent == set()
    listening.cancel()
    await desk.close()


async def test_a_post_that_came_back_before_the_answer_does_not_wait() -> None:
    chat, _, desk = await seated("#team@cabang")
    listening = asyncio.ensure_future(desk.listen())
    chat.gate.clear()
    await desk.obey("one")
    await until(lambda: chat.ids)
    chat.news.put_nowait(MessageEvent(4, 2, "ani", "#team@cabang", "one", NOON, chat.ids[0]))
    await until(lambda: not desk.room.sent)
    chat.gate.set()
    await desk.outgoing.drained()
    assert desk.room.journeys.waiting("#team@cabang") == 0
    listening.cancel()
    await desk.close()


def test_of_very_many_on_their_way_the_latest_are_remembered() -> None:
    room = Room("ani")
    for number in range(KNOWN_MOST + 5):
        room.sent.add(number.to_bytes(16))
        room.passed_on(number.to_bytes(16), "#team@b", "hi")
    assert room.journeys.waiting("#TEAM@b") == KNOWN_MOST
    assert (5).to_bytes(16) in room.journeys and (4).to_bytes(16) not in room.journeys


async def test_a_file_waits_like_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.pdf").write_bytes(b"ten bytes!")
    chat, _, desk = await seated("#team@cabang")
    await desk.obey("/file plan.pdf")
    await until(lambda: not desk.transfers)
    assert desk.room.journeys.waiting("#team@cabang") == 1
    (id,) = chat.files.uploads_begun
    desk.room.hear(MessageEvent(4, 2, "ani", "#team@cabang", "plan.pdf", NOON, id), 0)
    assert desk.room.journeys.waiting("#team@cabang") == 0
    await desk.close()


# --- what became of it ------------------------------------------------------------------------------


def met() -> Room:
    """Ani's room, who has said something to budi@b."""
    room = Room("ani")
    room.listed([ConversationInfo(3, "direct", "budi@b", b"", 2, 2, 0, NOON)])
    room.sent.add(REFUSED.id)
    room.passed_on(REFUSED.id, "budi@b", "see you at\nnoon")
    return room


def test_what_was_refused_is_said_with_its_beginning() -> None:
    said = "-- not delivered to budi@b (see you at noon): There is no user eka --"
    assert met().hear(REFUSED, 0) == [said]


def test_what_another_device_said_is_refused_to_somebody_at_least() -> None:
    room = met()
    room.journeys.ended(REFUSED.id)
    assert room.hear(REFUSED, 0) == ["-- not delivered to budi@b: There is no user eka --"]
    unknown = UndeliveredEvent(9, 1, bytes(16), "forbidden", "No.")
    assert room.hear(unknown, 0) == ["-- not delivered to another realm: No --"]


def test_what_arrived_is_remembered_no_longer() -> None:
    room = met()
    room.hear(MessageEvent(3, 2, "ani", "budi@b", "see you at\nnoon", NOON, REFUSED.id), 0)
    assert room.hear(DeliveredEvent(3, 1), 0) == [] and REFUSED.id in room.journeys
    assert room.hear(DeliveredEvent(3, 2), 0) == [] and REFUSED.id not in room.journeys


def test_what_arrived_faster_than_the_answer_to_the_first_message_counts() -> None:
    room = Room("ani")
    room.hear(DeliveredEvent(7, 1), 0)
    room.stored(7, "eka@b")
    talk = room.named("eka@b")
    assert talk is not None and talk.delivered == 1


def test_opening_shows_how_far_our_last_message_has_come() -> None:
    room = Room("ani")
    said = [Message(seq, "ani", "hi", NOON, bytes(16)) for seq in (1, 2)]
    room.opened("budi@b", HistoryReply(3, said, 1, 2, 2, 2, 1, 1))
    talk = room.talk
    assert talk is not None and (talk.ours, talk.delivered, talk.seen) == (2, 1, 1)


def test_opening_shows_what_was_refused() -> None:
    room = Room("ani")
    said = Message(1, "ani", "hi", NOON, bytes(16), undelivered="There is no user\neka.")
    shown = room.opened("eka@b", HistoryReply(3, [said], 1, 1, 1, 1, 1, 0))
    assert shown[-1].endswith(" ani: hi (refused there: There is no user eka.)")
    talk = room.talk
    assert talk is not None and talk.refused == talk.ours == 1


async def test_after_a_break_it_is_looked_how_far_things_have_come() -> None:
    chat, _, desk = await seated("budi@b")
    listening = asyncio.ensure_future(desk.listen())
    chat.news.put_nowait(Status(False, "Gone."))
    chat.news.put_nowait(Status(True))
    await until(lambda: chat.asked("history"))
    assert chat.asked("history") == [("budi@b", 1)]
    listening.cancel()
    await desk.close()
