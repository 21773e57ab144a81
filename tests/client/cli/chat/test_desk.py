from __future__ import annotations

import asyncio
from typing import Any

import pytest

from client.cli.chat import outgoing as module
from client.cli.exits import AUTH, NOT_FOUND, OTHER, TIMEOUT, USAGE
from client.errors import Offline, Timeout, WrongServerKey
from client.inbox import Status
from protocol.errors import Busy, Conflict, Forbidden, InvalidCredentials, NotFound, TooLarge
from protocol.events import MessageEvent
from tests.client.cli.chat.pretended import NOON, seated, until

ORDERS: list[tuple[str, tuple[Any, ...], list[str]]] = [
    ("hello", ("send", "budi", "hello"), []),
    ("//hello", ("send", "budi", "/hello"), []),
    ("/msg citra hi there", ("send", "citra", "hi there"), []),
    ("/broadcast hi", ("send", "*", "hi"), []),
    ("/to #ops", ("history", "#ops", 20), ["-- #ops --"]),
    ("/to DEWI", ("history", "dewi", 20), ["-- dewi, nothing said yet --"]),
    ("/history 3", ("history", "budi", 3), ["budi: earlier"]),
    ("/history", ("history", "budi", 50), ["budi: earlier"]),
    ("/inbox", ("conversations",), ["budi", "#ops", "2 unread"]),
    ("/unread", ("conversations",), ["#ops", "2 unread"]),
    ("/read", ("read", "budi", None), ["-- everything in budi is read --"]),
    ("/read #ops", ("read", "#ops", None), ["-- everything in #ops is read --"]),
    ("/who", ("online",), ["-- online: ani, dewi --"]),
    ("/groups", ("groups",), ["#ops  3 members, password, joined", "#lab  1 member"]),
    ("/join ops", ("join_group", "ops", ""), ["-- #ops --"]),
    ("/create lab", ("create_group", "lab", ""), ["-- #lab, nothing said yet --"]),
    ("/leave ops", ("leave_group", "ops"), ["-- you left #ops --"]),
    ("/members ops", ("group_members", "ops"), ["budi  creator, online", "ani  offline"]),
]


@pytest.mark.parametrize(("line", "call", "shown"), ORDERS, ids=[row[0] for row in ORDERS])
async def test_a_line_does_what_it_says(line: str, call: tuple[Any, ...], shown: list[str]) -> None:
    chat, front, desk = await seated()
    assert await desk.obey(line)
    await desk.outgoing.drained()
    assert call in chat.calls
    assert all(any(one in seen for seen in front.shown) for one in shown), front.shown
    assert front.complaints == []
    await desk.close()


async def test_whoami_typing_help_and_quit_need_no_server() -> None:
    chat, front, desk = await seated()
    assert await desk.obey("/whoami") and await desk.obey("/typing off") and await desk.obey("/help to")
    assert front.shown[:2] == [
        "-- ani on desk, session 7 --",
        "-- others are not told when you are typing --",
    ]
    assert front.shown[2].startswith("/to WHO: ")
    assert not await desk.obey("/quit")
    assert chat.calls == []


async def test_in_a_group_its_name_need_not_be_said() -> None:
    chat, _, desk = await seated("#ops")
    for line in ("/remove citra", "/members", "/leave"):
        await desk.obey(line)
    assert chat.asked("remove_member") == [("ops", "citra")]
    assert chat.asked("group_members") == [("ops",)]
    assert chat.asked("leave_group") == [("ops",)]
    assert desk.room.here == ""


REFUSED = [
    ("/leave", "No group is open; it is typed /leave [GROUP].", USAGE),
    ("/remove citra", "Open the group first: /to #GROUP.", USAGE),
    ("/nope", "There is no command /nope; /help lists them, //nope says it.", USAGE),
]


@pytest.mark.parametrize(("line", "sentence", "code"), REFUSED)
async def test_what_cannot_be_done_gets_one_sentence(line: str, sentence: str, code: int) -> None:
    chat, front, desk = await seated()
    assert await desk.obey(line)
    assert front.complaints == [(sentence, code)]
    assert chat.calls == []


async def test_without_an_open_conversation_nothing_is_said() -> None:
    chat, front, desk = await seated("")
    await desk.obey("hello")
    assert front.complaints == [("No conversation is open; /to NAME opens one.", USAGE)]
    assert chat.asked("send") == []


FAILURES = [
    ("/join x", "join_group", NotFound("There is no group #x."), "There is no group #x.", NOT_FOUND),
    ("/create x", "create_group", Conflict("There is one."), "There is one.", OTHER),
    ("/who", "online", Timeout("No answer in time."), "No answer in time.", TIMEOUT),
    ("/to #x", "history", Forbidden("You are not a member of #x."), "(/join GROUP)", AUTH),
]


@pytest.mark.parametrize(
    ("line", "call", "error", "sentence", "code"), FAILURES, ids=[r[0] for r in FAILURES]
)
async def test_what_the_server_refuses_is_said(
    line: str, call: str, error: Exception, sentence: str, code: int
) -> None:
    chat, front, desk = await seated()
    chat.fails[call] = [error]
    assert await desk.obey(line)
    [(said, meaning)] = front.complaints
    assert sentence in said and meaning == code
    assert desk.room.here == "budi"


# --- messages on their way ------------------------------------------------------------------------


async def test_a_message_without_an_answer_is_sent_again_under_the_same_id_before_the_next() -> None:
    chat, front, desk = await seated()
    chat.fails["send"] = [Timeout("…"), Offline("…"), Busy("…", retry_after=0.01)]
    await desk.obey("one")
    await desk.obey("two")
    await desk.outgoing.drained()
    assert chat.asked("send") == [("budi", "one")] * 4 + [("budi", "two")]
    assert len(set(chat.ids)) == 2 and len(set(chat.ids[:4])) == 1
    assert front.shown == ["-- not sent yet, waits for the server: one --", "-- sent: one --"]
    await desk.close()


async def test_a_message_typed_while_the_line_is_down_is_said_to_wait_and_then_to_be_sent() -> None:
    chat, front, desk = await seated()
    listening = asyncio.ensure_future(desk.listen())
    chat.gate.clear()
    chat.news.put_nowait(Status(False, "Gone."))
    await until(lambda: not desk.room.connected)
    await desk.obey("one")
    assert front.shown[1:] == ["-- not sent yet, waits for the server: one --"]
    assert len(desk.outgoing) == 1
    chat.gate.set()
    await desk.outgoing.drained()
    assert front.shown[2:] == ["-- sent: one --"]
    listening.cancel()
    await desk.close()


async def test_a_slow_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOW", 0.01)
    chat, front, desk = await seated()
    chat.gate.clear()
    await desk.obey("one")
    await until(lambda: front.shown)
    assert front.shown == ["-- not sent yet, waits for the server: one --"]
    chat.gate.set()
    await desk.outgoing.drained()
    await desk.close()


@pytest.mark.parametrize("error", [TooLarge("Too long.", limit=3), WrongServerKey("Too long.")])
async def test_a_refused_message_is_told_and_the_next_one_goes(error: Exception) -> None:
    chat, front, desk = await seated()
    chat.fails["send"] = [error]
    await desk.obey("one")
    await desk.obey("two")
    await desk.outgoing.drained()
    [(sentence, _)] = front.complaints
    assert sentence == "Not sent to budi: Too long."
    assert chat.asked("send") == [("budi", "one"), ("budi", "two")]
    await desk.close()


async def test_very_many_waiting_messages_slow_the_typist_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_MOST", 2)
    chat, _, desk = await seated()
    chat.gate.clear()
    await desk.obey("one")
    await desk.obey("two")
    third = asyncio.ensure_future(desk.obey("three"))
    await until(lambda: len(desk.outgoing) == 3)
    assert not third.done()
    chat.gate.set()
    assert await third
    await desk.outgoing.drained()
    assert [body for _, body in chat.asked("send")] == ["one", "two", "three"]
    await desk.close()


# --- questions ------------------------------------------------------------------------------------


async def test_joining_asks_for_a_password_only_where_one_is_needed() -> None:
    chat, front, desk = await seated()
    chat.fails["join_group"] = [InvalidCredentials("#ops needs a password.")]
    front.answers = ["open sesame"]
    await desk.obey("/join ops")
    assert front.questions == ["Password of #ops: "]
    assert chat.asked("join_group") == [("ops", ""), ("ops", "open sesame")]
    assert desk.room.here == "#ops"


async def test_what_is_heard_while_a_question_is_open_is_shown_after_the_answer() -> None:
    chat, front, desk = await seated()
    chat.fails["join_group"] = [InvalidCredentials("#ops needs a password.")]
    event = MessageEvent(3, 1, "citra", "ani", "psst", NOON, bytes(16))

    def hear() -> None:
        front.show(desk.room.hear(event, 0))
        assert front.shown == []

    front.while_asking = hear
    front.answers = ["open sesame"]
    await desk.obey("/join ops")
    assert front.shown[0] == "[citra] psst"
    assert "-- #ops --" in front.shown


async def test_no_answer_means_that_nothing_is_done() -> None:
    chat, front, desk = await seated()
    chat.fails["join_group"] = [InvalidCredentials("#ops needs a password.")]
    front.answers = [None]
    assert await desk.obey("/join ops")
    assert front.shown == ["-- nothing was done --"]
    assert len(chat.asked("join_group")) == 1
    assert desk.room.here == "budi"


async def test_a_new_groups_password_is_asked_twice() -> None:
    chat, front, desk = await seated()
    front.answers = ["one secret", "other secret", "one secret", "one secret"]
    await desk.obey("/create lab password")
    assert front.complaints == [("The two passwords differ; nothing was done.", USAGE)]
    await desk.obey("/create lab password")
    assert chat.asked("create_group") == [("lab", "one secret")]


# --- what is heard --------------------------------------------------------------------------------


async def test_what_is_read_is_marked_and_again_when_the_line_is_back() -> None:
    chat, front, desk = await seated()
    listening = asyncio.ensure_future(desk.listen())
    chat.fails["read"] = [Offline("…")]
    chat.news.put_nowait(MessageEvent(1, 2, "budi", "ani", "hi", NOON, bytes(16)))
    await until(lambda: chat.asked("read") and desk.room.to_read)
    chat.news.put_nowait(Status(False, "Gone."))
    chat.news.put_nowait(Status(True))
    await until(lambda: len(chat.asked("read")) == 2)
    assert chat.asked("read") == [(1, 2)] * 2
    assert chat.asked("conversations"), "counts are asked for again"
    assert front.shown[-2:] == ["-- connection lost: Gone; trying again --", "-- connected again --"]
    listening.cancel()
    await desk.close()


async def test_typing_is_told_to_the_open_conversation() -> None:
    chat, _, desk = await seated()
    desk.typed("h")
    desk.typed("he")
    await until(lambda: chat.asked("typing"))
    assert chat.asked("typing") == [("budi",)]
    await desk.close()


@pytest.mark.parametrize("line", ["/to citra!", "/too citra", "/join"])
async def test_in_a_pipe_nothing_is_said_to_the_old_conversation_when_another_could_not_be_opened(
    line: str,
) -> None:
    chat, front, desk = await seated("budi")
    front.seen = False
    await desk.obey("for budi")
    await desk.outgoing.drained()
    await desk.obey(line)
    await desk.obey("for citra alone")
    await desk.outgoing.drained()
    assert [call[:2] for call in chat.asked("send")] == [("budi", "for budi")]
    assert [code for _, code in front.complaints] == [USAGE, USAGE]
    await desk.obey("/to budi")
    await desk.obey("for budi again")
    await desk.outgoing.drained()
    assert chat.asked("send")[-1][:2] == ("budi", "for budi again")
    await desk.close()


async def test_at_a_terminal_a_conversation_stays_open_when_another_could_not_be() -> None:
    chat, front, desk = await seated("budi")
    await desk.obey("/too citra")
    await desk.obey("for budi")
    await desk.outgoing.drained()
    assert chat.asked("send")[-1][:2] == ("budi", "for budi")
    assert [code for _, code in front.complaints] == [USAGE]
    await desk.close()
