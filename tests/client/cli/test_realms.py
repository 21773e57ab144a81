"""Other realms at the shell: addresses, what waits and since when, what became of a message."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import click
import pytest

from client.cli import names, realms, sending
from client.cli.context import Context
from client.inbox import Status
from protocol.commands import (
    ConversationInfo,
    GroupInfo,
    GroupReply,
    HistoryReply,
    Message,
    RealmInfo,
    RefusedPost,
    SendReply,
    UserInfo,
)
from protocol.errors import Busy, Failure, Forbidden, NotFound, Unavailable
from protocol.events import DeliveredEvent, UndeliveredEvent
from tests.client.cli.shell import Ended, Pretended, Shell

NOON = 1_700_000_000_000_000


def today_at(clock: str) -> int:
    """This moment of today, in microseconds."""
    hour, minute = map(int, clock.split(":"))
    now = time.localtime()
    return int(time.mktime((*now[:3], hour, minute, 0, 0, 0, -1))) * 1_000_000


class Abroad(Pretended):
    """Ani's, in a realm that is paired with b and with c, which is away."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.away_since = today_at("14:03")
        self.fails: Failure | None = None
        self.deaf = False
        """Whether the realms cannot be asked about."""

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.fails is not None:
            raise self.fails

    async def realms(self) -> list[RealmInfo]:
        if self.deaf:
            raise Unavailable("Nobody does this at present.")
        return [
            RealmInfo("b", "paired", 0, 0),
            RealmInfo("cabang", "paired", self.away_since, 12),
            RealmInfo("dunia", "blocked", 0, 3),
        ]

    async def send(self, to: str, body: str, *, id: bytes) -> SendReply:
        self._note("send", to, body)
        away = to.endswith("@cabang")
        return SendReply(5, 0 if to.startswith("#") else len(self.calls), NOON, False, "@" in to, away)

    async def get_user(self, name: str) -> UserInfo:
        self._note("get_user", name)
        return UserInfo("Budi@b", False, NOON)

    async def join_group(self, name: str, password: str = "") -> GroupReply:
        self._note("join_group", name, password)
        return GroupReply(6, b"c" * 16, 41)

    async def users(self) -> list[UserInfo]:
        return [UserInfo("ani", True, NOON)]

    async def groups(self) -> list[GroupInfo]:
        return [GroupInfo("ops", 2, True, False)]

    async def leave_group(self, name: str) -> None:
        self._note("leave_group", name)

    async def conversations(self) -> list[ConversationInfo]:
        return [
            ConversationInfo(5, "direct", "budi@b", b"", 5, 5, 0, NOON),
            ConversationInfo(6, "direct", "dewi", b"", 5, 4, 1, NOON),
            ConversationInfo(9, "direct", "dewi@a.example", b"", 0, 0, 0, 0),
            ConversationInfo(7, "group", "#team@b", b"", 0, 0, 0, 0),
            ConversationInfo(8, "group", "#ops", b"", 0, 0, 0, 0),
        ]

    async def history(self, target: str | int, **_: Any) -> HistoryReply:
        self._note("history", target)
        number = {"budi@b": 5, 5: 5}.get(target, 6)
        refused = "There is no user eka." if number == 5 else ""
        said = [Message(seq, "ani", f"m{seq}", NOON, bytes(16)) for seq in (1, 2, 3)]
        said.append(Message(4, "ani", "m4", NOON, bytes(16), undelivered=refused))
        said.append(Message(5, "budi@b" if number == 5 else "dewi", "m5", NOON, bytes(16)))
        return HistoryReply(number, said, 1, 5, 5, 4, 2, 1)

    async def events(self) -> Any:
        yield Status(True)
        yield DeliveredEvent(5, 2)
        yield UndeliveredEvent(5, 4, bytes(16), "not_found", "There is no user eka.")
        yield UndeliveredEvent(5, 0, bytes(16), "forbidden", "You are not a member.")


@pytest.fixture
def chat(shell: Shell) -> Abroad:
    found = Abroad()
    shell.log_in()
    shell.pretend(found)
    return found


# --- sending ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["budi@b", "#team@b", "budi"])
def test_what_goes_its_way_is_sent_without_a_word(shell: Shell, chat: Abroad, to: str) -> None:
    assert shell.run("send", to, "hi") == Ended(0, "", "")
    assert chat.calls == [("send", to, "hi")]


@pytest.mark.parametrize("to", ["budi@cabang", "#team@cabang"])
def test_what_waits_for_a_realm_is_sent_and_said_since_when_that_is_away(
    shell: Shell, chat: Abroad, to: str
) -> None:
    ended = shell.run("send", to, "hi")
    assert ended == Ended(0, "", "queued: realm cabang has been away since 14:03\n")
    chat.away_since = NOON
    ended = shell.run("send", to, "hi")
    assert f"since {time.strftime('%Y-%m-%d %H:%M', time.localtime(NOON // 1_000_000))}\n" in ended.err
    chat.deaf = True
    assert shell.run("send", to, "hi") == Ended(0, "", "queued: realm cabang has not answered yet\n")


def test_lines_that_wait_are_said_to_wait_once(
    shell: Shell, chat: Abroad, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lines() -> AsyncIterator[bytes]:
        for line in (b"one", b"two", b"three"):
            yield line

    monkeypatch.setattr(sending, "stdin_lines", lines)
    ended = shell.run("send", "budi@cabang", "-")
    assert ended == Ended(0, "", "queued: realm cabang has been away since 14:03\n")
    assert len(chat.calls) == 3


def test_a_program_is_told_in_the_reply(shell: Shell, chat: Abroad) -> None:
    there = json.loads(shell.run("send", "--json", "#team@b", "hi").out)
    assert (there["seq"], there["queued"], there.get("away")) == (0, True, None)
    away = json.loads(shell.run("send", "--json", "budi@cabang", "hi").out)
    assert (away["to"], away["queued"], away["away"]) == ("budi@cabang", True, True)


REFUSALS = [
    (NotFound("There is no realm x here; this is a."), 4, "(pesan realms shows the realms)"),
    (NotFound("There is no user eka@b."), 4, "There is no user eka@b"),
    (Forbidden("Realm dunia is blocked."), 3, "Realm dunia is blocked."),
    (NotFound("b: There is no group #nope."), 4, "pesan: b: There is no group #nope.\n"),
    (Forbidden("b: You are not a member of #team."), 3, "(pesan group join team@b)"),
    (Forbidden("You are not a member of #team@b.example."), 3, "(pesan group join team@b.example)"),
    (Busy("The messages for realm c would be more than wait for one.", limit=9), 5, "more than wait"),
]


@pytest.mark.parametrize(("refusal", "code", "said"), REFUSALS, ids=[row[2] for row in REFUSALS])
def test_a_refusal_has_its_code_and_a_sentence(
    shell: Shell, chat: Abroad, refusal: Failure, code: int, said: str
) -> None:
    chat.fails = refusal
    ended = shell.run("send", "eka@x", "hi")
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


# --- looking ----------------------------------------------------------------------------------------


def test_realms_are_listed_with_what_they_are(shell: Shell, chat: Abroad) -> None:
    assert shell.run("realms").out.splitlines() == [
        "b       there",
        "cabang  away since 14:03, 12 waiting",
        "dunia   blocked, 3 waiting",
    ]
    rows = [json.loads(line) for line in shell.run("realms", "--json").out.splitlines()]
    assert [(row["realm"], row["state"], row["waiting"]) for row in rows] == [
        ("b", "paired", 0),
        ("cabang", "paired", 12),
        ("dunia", "blocked", 3),
    ]
    assert realms.lines([]) == []


def test_somebody_of_another_realm_can_be_asked_about(shell: Shell, chat: Abroad) -> None:
    assert shell.run("user", "budi@b").out.startswith("Budi@b offline, last seen 20")
    assert json.loads(shell.run("user", "--json", "budi@b").out)["online"] is False
    assert set(chat.calls) == {("get_user", "budi@b")}


def test_history_says_of_ours_what_waits_and_what_was_refused(shell: Shell, chat: Abroad) -> None:
    lines = shell.run("history", "budi@b").out.splitlines()
    assert [line.split(": ", 1)[1] for line in lines] == [
        "m1",
        "m2",
        "m3 (waits for realm b)",
        "m4 (refused there: There is no user eka.)",
        "m5",
    ]
    rows = [json.loads(line) for line in shell.run("history", "--json", "budi@b").out.splitlines()]
    states = [row.get("delivery") for row in rows]
    assert states == ["read", "delivered", "waiting", "undelivered", None]


def test_between_people_of_one_realm_there_is_nothing_to_say(shell: Shell, chat: Abroad) -> None:
    assert "waits" not in shell.run("history", "dewi").out
    assert "delivery" not in shell.run("history", "--json", "dewi").out


def test_our_own_realm_behind_a_name_changes_nothing(shell: Shell, chat: Abroad) -> None:
    assert shell.run("unread", "dewi@a").out == "dewi 1\n"


def test_tail_tells_of_delivery_among_the_other_events(shell: Shell, chat: Abroad) -> None:
    assert shell.run("tail", "--events").out.splitlines() == [
        "-- delivered to budi@b up to 2",
        "-- message 4 to budi@b was refused there: There is no user eka.",
        "-- a message to budi@b was refused there: You are not a member.",
    ]
    assert shell.run("tail").out == ""
    kinds = [json.loads(line)["event"] for line in shell.run("tail", "--events", "--json").out.splitlines()]
    assert kinds == ["delivered", "undelivered", "undelivered"]


@pytest.mark.parametrize(
    ("kind", "begun", "offered"),
    [
        (names.ADDRESS, "", ["ani", "#ops", "budi@b", "dewi@a.example", "#team@b"]),
        (names.ADDRESS, "bu", ["budi@b"]),
        (names.ADDRESS, "#T", ["#team@b"]),
        (names.PERSON, "", ["ani", "budi@b", "dewi@a.example"]),
        (names.GROUP, "", ["ops", "team@b"]),
    ],
)
def test_tab_offers_whom_we_have_met_elsewhere(
    chat: Abroad, kind: names.Named, begun: str, offered: list[str]
) -> None:
    ctx = click.Context(click.Command("send"), obj=Context())
    found = kind.shell_complete(ctx, click.Argument(["to"]), begun)
    assert [item.value for item in found] == offered


# --- groups -----------------------------------------------------------------------------------------


class Refused(Abroad):
    """A group of realm b has two messages, a page for each, and refused one of ani's."""

    async def history(self, target: str | int, *, after: int | None = None, **_: Any) -> HistoryReply:
        seq = 2 if after is None else after + 1
        said = [Message(seq, "ani", f"m{seq}", NOON, bytes(16))]
        post = RefusedPost(b"r" * 16, "m3", NOON, "forbidden", "You are not\na member.")
        return HistoryReply(7, said, seq, seq, 2, 0, refused=[post] if seq == 2 else [])


@pytest.mark.parametrize("how", [["-n", "1"], ["--after", "0"]])
def test_what_a_group_there_refused_of_ours_comes_last_and_is_marked(shell: Shell, how: list[str]) -> None:
    shell.log_in()
    shell.pretend(Refused())
    *_, second, last = shell.run("history", "#team@b", *how).out.splitlines()
    assert second.endswith("ani: m2")
    assert last.endswith("ani: m3 (refused there: You are not a member.)")
    record = json.loads(shell.run("history", "--json", "#team@b", *how).out.splitlines()[-1])
    assert (record["seq"], record["delivery"], record["id"]) == (0, "undelivered", (b"r" * 16).hex())


def test_what_was_refused_is_not_shown_before_the_newest_message_is(shell: Shell) -> None:
    shell.log_in()
    shell.pretend(Refused())
    (only,) = shell.run("history", "#team@b", "--after", "0", "-n", "1").out.splitlines()
    assert only.endswith("ani: m1")


@pytest.mark.parametrize("name", ["team@b", "#team@b"])
def test_a_group_of_another_realm_is_joined_and_left_by_address(
    shell: Shell, chat: Abroad, name: str
) -> None:
    joined = json.loads(shell.run("group", "join", "--json", name).out)
    assert (joined["group"], joined["last_seq"]) == ("#team@b", 41)
    assert json.loads(shell.run("group", "leave", "--json", name).out)["group"] == "#team@b"
    assert chat.calls == [("join_group", name, ""), ("leave_group", name)]


def test_groups_of_other_realms_are_listed_where_we_are_in_them(shell: Shell, chat: Abroad) -> None:
    assert shell.run("group", "list").out.splitlines() == [
        "#ops     2 members          password",
        "#team@b             joined",
    ]
    rows = [json.loads(line) for line in shell.run("group", "list", "--json").out.splitlines()]
    assert [(row["group"], row["member"]) for row in rows] == [("#ops", False), ("#team@b", True)]
