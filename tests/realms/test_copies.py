"""What a home may say of its groups, and what we make of it: gaps, doubles, others' names, nonsense."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as fuzzed
from hypothesis import strategies as st

from protocol.errors import Failure, Invalid
from protocol.files import FileInfo
from protocol.realms import GroupMessage, Push, PushReply
from services.realm.groups.copying import CUT
from services.realm.groups.names import here, there
from services.storage import foreigners
from services.storage.engine import Transaction
from tests.realms.circle import heard, inbox, join, said, team
from tests.realms.conftest import Found
from tests.realms.overheard import ask_as_peer
from tests.realms.town import Realm, Town


@pytest.fixture
def town(founded: Found) -> Town:
    """Ani of a is in #team of b, which says nothing by itself any more."""
    town = team(founded("a", "b"), ("a", "ani"))
    town.network.cut("a", "b")
    return town


def message(seq: int, sender: str = "budi", body: str = "", **fields: Any) -> GroupMessage:
    """One that says which one it is."""
    id = fields.pop("id", seq.to_bytes(16, "big"))
    return GroupMessage(seq, sender, body or f"pesan {seq}", 1_000 + seq, id, **fields)


def push(town: Town, *messages: GroupMessage, after: int | None = None, **fields: Any) -> PushReply:
    """What b says of #Team, and what a answers."""
    begin = messages[0].seq - 1 if after is None and messages else after or 0
    last = fields.pop("last_seq", messages[-1].seq if messages else 0)
    group = fields.pop("group", "Team")
    answer = ask_as_peer(
        town["a"], "b", "push", Push(group, begin, list(messages), last, town.wall, **fields)
    )
    return PushReply(**answer)


def waiting(realm: Realm) -> list[tuple[Any, ...]]:
    """What stands in the outbox."""
    return realm.rows("select kind, state from outbox order by n")


# --- numbers ------------------------------------------------------------------------------------


def test_a_push_is_stored_under_the_homes_numbers_and_published(town: Town) -> None:
    assert push(town, message(1), message(2)).have == 2
    assert said(town["a"], "ani") == [(1, "budi@b", "pesan 1"), (2, "budi@b", "pesan 2")]
    assert [each["seq"] for each in heard(town["a"], "team@b")] == [1, 2]
    assert town["a"].messages("ani", "#team@b")[0]["sent_at"] == 1_001


def test_what_leaves_a_gap_is_not_taken(town: Town) -> None:
    push(town, message(1))
    assert push(town, message(3), message(4)).have == 1
    assert len(said(town["a"], "ani")) == 1


def test_what_is_known_already_is_passed_over(town: Town) -> None:
    push(town, message(1), message(2))
    assert push(town, message(1, body="lain"), message(2), message(3)).have == 3
    assert [text for _, _, text in said(town["a"], "ani")] == ["pesan 1", "pesan 2", "pesan 3"]
    assert [each["seq"] for each in heard(town["a"], "team@b")] == [1, 2, 3]


def test_nothing_is_stored_of_a_group_in_which_nobody_of_us_is(town: Town) -> None:
    assert push(town, message(1), group="lain").have == 0
    assert town["a"].rows("select count(*) from messages") == [(0,)]


def test_a_message_of_a_time_to_come_is_of_now(town: Town) -> None:
    late = GroupMessage(1, "budi", "halo", town.wall + 10_000_000, b"1" * 16)
    push(town, late)
    assert town["a"].messages("ani", "#team@b")[0]["sent_at"] <= town.wall


def test_the_group_is_called_as_its_home_writes_it(town: Town) -> None:
    push(town, message(1), group="TEAM")
    assert "#TEAM@b" in inbox(town["a"], "ani")
    assert heard(town["a"], "team@b")[0]["to"] == "#TEAM@b"


@pytest.mark.parametrize(
    "messages",
    [
        [message(1), message(3)],
        [message(2), message(1)],
        [message(1), message(1)],
        [message(1, body="a\0b")],
        [GroupMessage(1, "budi", "", 1, b"1" * 16)],
        [message(1, "#ops")],
        [message(1, "*")],
        [message(1, "budi@c@d")],
        [message(1, "bu di")],
    ],
    ids=["hole", "backwards", "double", "nul", "empty", "group", "everyone", "two realms", "no name"],
)
def test_what_no_home_in_its_senses_says_is_refused_as_a_whole(
    town: Town, messages: list[GroupMessage]
) -> None:
    with pytest.raises(Invalid):
        push(town, *messages, after=0)
    assert town["a"].rows("select count(*) from messages") == [(0,)]


@pytest.mark.parametrize("fields", [{"group": "team@c"}, {"group": "#team"}, {"last_seq": 0}])
def test_so_is_a_push_about_no_group_of_its_own(town: Town, fields: dict[str, Any]) -> None:
    with pytest.raises(Failure):
        push(town, message(1), **fields)


# --- who said it --------------------------------------------------------------------------------


def test_a_post_of_ours_is_ours_and_leaves_the_outbox(town: Town) -> None:
    a = town["a"]
    a.say("ani", "#team@b", "dari ani", id=b"x" * 16)
    assert waiting(a) == [("post", "waiting")]
    push(town, message(1, "ani@a", "dari ani", id=b"x" * 16))
    assert said(a, "ani") == [(1, "ani", "dari ani")]
    assert (waiting(a), a.waiting()) == ([], 0)
    assert inbox(a, "ani")["#Team@b"]["unread"] == 0


@pytest.mark.parametrize(("body", "id"), [("lain", b"x" * 16), ("dari ani", b"y" * 16)])
def test_nobody_of_ours_said_what_is_not_in_the_outbox_word_for_word(
    town: Town, body: str, id: bytes
) -> None:
    a = town["a"]
    a.say("ani", "#team@b", "dari ani", id=b"x" * 16)
    push(town, message(1, "ani@a", body, id=id))
    assert said(a, "ani") == [(1, "ani@a", body)]
    assert waiting(a) == [("post", "waiting")]
    assert inbox(a, "ani")["#Team@b"]["unread"] == 1


def test_a_post_to_another_group_proves_nothing(town: Town) -> None:
    a, b = town["a"], town["b"]
    town.network.heal("a", "b")
    town.run(60)
    b.do("budi", "group.create", group="lain")
    join(a, "ani", "lain@b")
    town.run(1)
    town.network.cut("a", "b")
    a.say("ani", "#lain@b", "dari ani", id=b"x" * 16)
    push(town, message(1, "ani@a", "dari ani", id=b"x" * 16))
    assert said(a, "ani") == [(1, "ani@a", "dari ani")]


def test_members_of_third_realms_are_met_by_the_homes_word(town: Town) -> None:
    push(town, message(1, "citra@c"), message(2, "budi"), message(3, "Budi@b"))
    assert [sender for _, sender, _ in said(town["a"], "ani")] == ["citra@c", "budi@b", "budi@b"]
    rows = town["a"].rows("select name, realm from users where realm <> '' order by name")
    assert [tuple(row) for row in rows] == [("budi@b", "b"), ("citra@c", "c")]


def test_a_home_that_names_too_many_people_fills_no_other_realms_room(founded: Found) -> None:
    town = team(founded("a", "b", realm_users=4), ("a", "ani"))
    town.network.cut("a", "b")
    strangers = [message(seq, f"orang{seq}@c") for seq in range(1, 5)]
    own = [message(seq, f"orang{seq}") for seq in range(5, 10)]
    assert push(town, *strangers, *own).have == 9
    senders = [sender for _, sender, _ in said(town["a"], "ani")]
    assert senders[:2] == ["orang1@c", "orang2@c"]
    assert set(senders[2:4]) == {"?@b"}
    assert senders[-1] == "?@b"
    assert town["a"].rows("select count(*) from users where realm = 'c'") == [(2,)]


# --- ids and texts ------------------------------------------------------------------------------


def test_however_many_strangers_a_push_names_their_realm_is_counted_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    count = foreigners.count

    def counting(tx: Transaction, realm: str) -> int:
        counted.append(realm)
        return count(tx, realm)

    monkeypatch.setattr(foreigners, "count", counting)
    push(town, *[message(seq, f"user{seq}", f"number {seq}") for seq in range(1, 20)])
    assert {sender for _, sender, _ in said(town["a"], "ani")} == {f"user{seq}@b" for seq in range(1, 20)}
    assert counted == ["b"]


def test_an_id_that_the_sender_has_used_before_stops_no_copy(town: Town) -> None:
    a = town["a"]
    push(town, message(1, id=b"x" * 16), message(2, id=b"x" * 16))
    push(town, message(3, id=b"x" * 16), message(4))
    found = a.messages("ani", "#team@b")
    assert [each["body"] for each in found] == [f"pesan {seq}" for seq in range(1, 5)]
    assert found[0]["id"] == b"x" * 16
    assert len({each["id"] for each in found}) == 4


def test_a_longer_text_than_we_take_is_cut_and_says_so(founded: Found) -> None:
    town = team(founded("a", "b", message_max_bytes=1024), ("a", "ani"))
    town.network.cut("a", "b")
    push(town, message(1, body="é" * 600), message(2, body="a" * 1024))
    first, second = (text for _, _, text in said(town["a"], "ani"))
    assert first.endswith(CUT)
    assert len(first.encode()) <= 1024
    assert second == "a" * 1024


def test_a_file_is_shown_with_its_message(town: Town) -> None:
    file = FileInfo(7, "peta.png", 3, "image/png", b"s" * 32)
    push(town, message(1, file=file))
    [shown] = town["a"].messages("ani", "#team@b")
    assert (shown["file"]["name"], shown["file"]["size"]) == ("peta.png", 3)
    assert heard(town["a"], "team@b")[0]["file"] == shown["file"]


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said_there", "said_here"),
    [("budi", "budi@b"), ("ani@a", "ani"), ("citra@c", "citra@c"), ("x@b", "x@b")],
)
def test_a_name_said_there_is_the_same_persons_here(said_there: str, said_here: str) -> None:
    assert here(said_there, "a", "b") == said_here
    assert here(there(said_here, "a"), "a", "b") == said_here


# --- anything at all ----------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["budi", "ani@a", "citra@c", "#ops", "*", "a\0b", "x y", "@", "", "ani@", "ü"]
) | st.text(max_size=40)
MESSAGES = st.builds(
    GroupMessage,
    st.integers(1, 9),
    NAMES.filter(bool),
    st.text(max_size=20),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=16, max_size=16) | st.just(b"x" * 16),
    st.none() | st.builds(FileInfo, st.integers(), NAMES, st.integers(), NAMES, st.binary(max_size=40)),
)
PUSHES = st.builds(
    Push,
    st.sampled_from(["Team", "team", "lain"]) | NAMES.filter(bool),
    st.integers(0, 9) | st.integers(0, 2**63 - 1),
    st.lists(MESSAGES, max_size=4)
    | st.integers(1, 6).map(lambda many: [message(n + 1) for n in range(many)]),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.none() | st.lists(NAMES.filter(bool), max_size=4).map(lambda names: ["ani", *names]),
)


@given(pushes=st.lists(PUSHES, min_size=1, max_size=6))
@fuzzed(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_home_says_is_refused_or_leaves_a_complete_copy(town: Town, pushes: list[Push]) -> None:
    a = town["a"]
    for each in pushes:
        try:
            answer = ask_as_peer(a, "b", "push", each)
        except Failure as refusal:
            assert refusal.code in ("invalid", "busy"), refusal
        else:
            assert answer["have"] >= 0
    checked = a.do("ani", "conversation.verify", **{"with": "#team@b"})
    assert checked["complete"]
    assert inbox(a, "ani")[next(name for name in inbox(a, "ani") if name.lower() == "#team@b")]["unread"] >= 0
    assert not a.logged("fault")
