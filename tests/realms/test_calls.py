"""Our users ask other realms, and theirs ask us: what is answered, and what nobody can ask."""

from __future__ import annotations

import pytest

from protocol.commands import COMMANDS
from protocol.envelope import pack_body
from protocol.errors import (
    Busy,
    Failure,
    Forbidden,
    Internal,
    Invalid,
    InvalidCredentials,
    NotFound,
    RateLimited,
    TooLarge,
    Unavailable,
)
from protocol.realms import PeerCall
from services.batch import Done
from services.realm import behalf, calls
from services.realm.line import LOST, Answer
from services.storage.realms import State
from tests.realms.conftest import Found
from tests.realms.overheard import Overheard, ask_as_peer, call_as_peer, report
from tests.realms.town import Town


@pytest.fixture
def up(town: Town) -> Town:
    """A town whose lines are up."""
    for one, other in (("a", "b"), ("b", "a")):
        town.until(lambda one=one, other=other: _up(town, one, other))  # type: ignore[misc]
    return town


def _up(town: Town, one: str, other: str) -> bool:
    house = town[one].house
    return house is not None and other in house.peers and house.peers[other].line.up


# --- user.get -----------------------------------------------------------------------------------


def test_a_user_of_another_realm_is_found_by_their_address(up: Town) -> None:
    assert up["a"].do("ani", "user.get", user="BUDI@b") == {"user": "budi@b", "online": False, "last_seen": 0}


def test_a_user_of_our_own_is_found_with_our_own_realm_behind_the_name(up: Town) -> None:
    assert up["a"].do("ani", "user.get", user="ani@a")["user"] == "ani"


def test_nobody_in_another_realm_is_not_found_and_it_says_so(up: Town) -> None:
    with pytest.raises(NotFound, match="b: There is no user nobody"):
        up["a"].do("ani", "user.get", user="nobody@b")


def test_a_group_of_another_realm_is_no_user(up: Town) -> None:
    with pytest.raises(Invalid):
        up["a"].do("ani", "user.get", user="#team@b")


def test_a_realm_of_which_nobody_has_heard_is_not_found(up: Town) -> None:
    with pytest.raises(NotFound, match="no realm c here"):
        up["a"].do("ani", "user.get", user="budi@c")


def test_a_realm_that_was_removed_is_not_there_any_more(up: Town) -> None:
    up.set_state("a", "b", State.REMOVED)
    up.run(2)
    with pytest.raises(NotFound, match="no realm b here"):
        up["a"].do("ani", "user.get", user="budi@b")


def test_a_blocked_realm_is_not_asked(up: Town) -> None:
    up.set_state("a", "b", State.BLOCKED)
    up.run(2)
    with pytest.raises(Forbidden, match="b is blocked here"):
        up["a"].do("ani", "user.get", user="budi@b")


def test_of_a_realm_that_is_away_one_hears_since_when(up: Town) -> None:
    up.network.cut("a", "b")
    up.run(20)
    with pytest.raises(Unavailable, match=r"b does not answer since 20\d\d-\d\d-\d\d \d\d:\d\d UTC"):
        up["a"].do("ani", "user.get", user="budi@b")


def test_a_question_that_was_under_way_when_the_line_was_cut_is_answered_all_the_same(up: Town) -> None:
    up.network.cut("a", "b")
    with pytest.raises(Unavailable, match="b does not answer") as refusal:
        up["a"].do("ani", "user.get", user="budi@b")
    assert refusal.value.fields["uncertain"] is True
    assert refusal.value.retry_after == calls.SOON, "it may be back in a moment"


def test_strangers_learn_that_somebody_is_there_and_nothing_else(up: Town) -> None:
    report(up["b"], online=["budi"])
    assert up["a"].do("ani", "user.get", user="budi@b") == {"user": "budi@b", "online": False, "last_seen": 0}


def test_who_shares_a_conversation_sees_whether_they_are_online(up: Town) -> None:
    up["a"].say("ani", "budi@b")
    up.settle()
    report(up["b"], online=["budi"])
    found = up["a"].do("ani", "user.get", user="budi@b")
    assert found["online"] and found["last_seen"] > 0


def test_only_so_many_questions_wait_for_one_realm(founded: Found) -> None:
    town = founded(realm_open_requests=3)
    town.until(lambda: _up(town, "a", "b"))
    realm = town["a"]
    house = realm.house
    assert house is not None
    call = realm.call("ani", "user.get", user="budi@b")
    answers: list[str] = []
    request = COMMANDS["user.get"].request(user="budi@b")
    for _ in range(house.settings.realm_open_requests + 2):
        house.pass_on(call, request, lambda status, body: answers.append(status))
    assert set(answers) == {"busy"} and len(answers) >= 2
    town.run(1)
    assert answers.count("ok") + answers.count("busy") == house.settings.realm_open_requests + 2


def test_who_asks_to_join_where_there_is_no_room_for_the_question_leaves_nothing_behind(
    founded: Found,
) -> None:
    town = founded(realm_open_requests=1)
    town.until(lambda: _up(town, "a", "b"))
    town["b"].do("budi", "group.create", group="team")
    realm = town["a"]
    assert realm.house is not None
    answers: list[str] = []
    for command, fields in (("user.get", {"user": "budi@b"}), ("group.join", {"group": "#team@b"})):
        call, request = realm.call("ani", command, **fields), COMMANDS[command].request(**fields)
        realm.house.pass_on(call, request, lambda status, body: answers.append(status))
    assert answers[-1] == "busy"
    assert realm.rows("select * from joinings") == []


def test_what_another_realm_answered_is_in_the_log_as_what_our_own_services_answer(
    up: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    realm = up["a"]
    logged: list[tuple[str, str, str]] = []
    publish = realm._publish

    def kept(done: Done) -> None:
        logged.extend((action.user, action.command, action.outcome) for action in done.actions)
        publish(done)

    monkeypatch.setattr(realm, "_publish", kept)
    realm.do("ani", "user.get", user="budi@b")
    with pytest.raises(NotFound):
        realm.do("ani", "user.get", user="nobody@b")
    assert [line for line in logged if line[2] != "elsewhere"] == [
        ("ani", "user.get", "ok"),
        ("ani", "user.get", "not_found"),
    ]


# --- the first message to somebody --------------------------------------------------------------


def test_the_first_message_to_somebody_asks_whether_they_are_there(up: Town) -> None:
    with pytest.raises(NotFound, match="no user nobody@b"):
        up["a"].say("ani", "nobody@b")
    assert up["a"].rows("select count(*) from users where realm = 'b'") == [(0,)]


def test_somebody_written_to_for_the_first_time_is_known_by_the_name_they_chose(up: Town) -> None:
    up["b"].person("Dewi")
    up["a"].say("ani", "dEWI@b", "halo")
    up.settle()
    assert up["a"].history("ani", "dewi@b") == ["halo"] == up["b"].history("Dewi", "ani@a")
    assert up["a"].rows("select name from users where realm = 'b'") == [("Dewi@b",)]


def test_a_first_message_to_a_realm_that_is_away_waits_for_it(up: Town) -> None:
    up.network.cut("a", "b")
    up.run(20)
    up["a"].say("ani", "budi@b", "nanti")
    up.network.heal("a", "b")
    up.settle()
    assert up["b"].history("budi", "ani@a") == ["nanti"]


def test_a_first_message_whose_question_is_lost_is_sent_all_the_same(up: Town) -> None:
    up.network.cut("a", "b")
    up["a"].say("ani", "budi@b", "nanti")
    up.network.heal("a", "b")
    up.settle()
    assert up["b"].history("budi", "ani@a") == ["nanti"]


# --- what peers answer --------------------------------------------------------------------------


def judged(town: Town, status: str, **body: object) -> Failure:
    house = town["a"].house
    assert house is not None
    found = calls._judged(house, "b", Answer(status, pack_body(body)))
    assert isinstance(found, Failure)
    return found


def test_a_peers_refusal_is_shown_with_its_name(up: Town) -> None:
    for kind in calls.SAID:
        refusal = judged(up, kind.code, message="No.")
        assert type(refusal) is kind and refusal.message == "b: No."


def test_no_other_refusal_comes_through(up: Town) -> None:
    for status in ("unauthenticated", "version", "internal", "elsewhere", "lost", "", "okay"):
        assert type(judged(up, status, message="Log in again.")) is Internal


def test_a_peers_sentence_does_nothing_to_a_terminal_and_has_an_end(up: Town) -> None:
    refusal = judged(up, "not_found", message="\x1b[2J\n\u202e" + "x" * 5000)
    assert refusal.message.isprintable() and len(refusal.message) < 400


def test_of_a_peers_fields_only_numbers_that_make_sense_come_through(up: Town) -> None:
    assert judged(up, "busy", message="x", retry_after=1e9, secret="y").fields == {"retry_after": 3600.0}
    assert judged(up, "busy", message="x", retry_after=float("nan")).fields == {"retry_after": 0.1}
    assert judged(up, "too_large", message="x", limit="much").fields == {}
    assert judged(up, "conflict", message="x", missing=b"i" * 16).fields == {}


def test_what_is_no_answer_is_the_peers_fault(up: Town) -> None:
    house = up["a"].house
    assert house is not None
    assert isinstance(calls._judged(house, "b", Answer("not_found", b"\xc1")), Internal)
    for body in (b"", b"\xc1", pack_body({"user": 7}), pack_body({"user": "citra", "online": True})):
        with pytest.raises(Internal, match="b does not answer as it should"):
            calls._told_user(house, calls.foreign_user(house, "budi@b"), body)


def test_a_peer_cannot_answer_about_somebody_else(up: Town) -> None:
    house = up["a"].house
    assert house is not None
    body = pack_body({"user": "citra", "online": True, "last_seen": 1})
    with pytest.raises(Internal):
        calls._told_user(house, calls.foreign_user(house, "budi@b"), body)


def test_a_peer_that_is_lost_may_have_done_it(up: Town) -> None:
    house = up["a"].house
    assert house is not None
    found = calls._judged(house, "b", LOST)
    assert isinstance(found, Unavailable) and found.fields["uncertain"] is True


# --- what their users may ask us ----------------------------------------------------------------


def test_a_foreigner_can_ask_nothing_that_is_not_on_the_list(up: Town) -> None:
    house = up["b"].house
    assert house is not None
    house.engines = {}  # whatever would be carried out fails
    for command in [*sorted(COMMANDS.keys() - behalf.ALLOWED.keys()), "no.such", ""]:
        with pytest.raises(NotFound, match="for users of other realms"):
            call_as_peer(up["b"], "a", "ani", command)


def test_the_list_is_as_short_as_the_document_says(up: Town) -> None:
    assert set(behalf.ALLOWED) == {"user.get", "group.join", "group.members", "group.remove"}


@pytest.mark.parametrize("command", sorted(behalf.ALLOWED))
def test_a_realm_that_speaks_for_somebody_elses_user_is_refused_and_noted(up: Town, command: str) -> None:
    with pytest.raises(Forbidden, match="only for its own users"):
        call_as_peer(up["b"], "a", "citra@c", command, user="budi", group="team")
    assert up["b"].logged("foreign sender")[-1]["realm"] == "a"
    assert up["b"].rows("select count(*) from users where realm <> ''") == [(0,)]


@pytest.mark.parametrize("command", sorted(behalf.ALLOWED))
def test_what_is_no_name_and_what_is_no_request_asks_nothing(up: Town, command: str) -> None:
    for user in ("a b", "#team", "*", "\x1b", "x" * 31 + "\n"):
        with pytest.raises(Invalid):
            call_as_peer(up["b"], "a", user, command, user="budi", group="team")
    for body in (b"\xc1", b"\x93\x01\x02\x03", b""):
        with pytest.raises(Invalid):
            ask_as_peer(up["b"], "a", "call", PeerCall("ani", command, body))
    with pytest.raises(TooLarge):
        ask_as_peer(up["b"], "a", "call", PeerCall("ani", command, b"\x80" * (COMMANDS[command].limit + 1)))


def test_who_only_looks_somebody_up_is_not_known_afterwards(up: Town) -> None:
    assert call_as_peer(up["b"], "a", "ani", "user.get", user="budi")["user"] == "budi"
    assert up["b"].rows("select count(*) from users where realm = 'a'") == [(0,)]


def test_nobody_is_asked_about_a_third_realm(up: Town) -> None:
    with pytest.raises(Invalid):
        call_as_peer(up["b"], "a", "ani", "user.get", user="citra@c")
    with pytest.raises(Invalid):
        call_as_peer(up["b"], "a", "ani", "group.join", group="#team@c")


def test_a_foreigner_is_told_no_topic_and_no_number_of_ours(up: Town) -> None:
    up["b"].do("budi", "group.create", group="team")
    assert call_as_peer(up["b"], "a", "ani", "group.join", group="team") == {
        "conversation": 0,
        "topic": b"",
        "last_seq": 0,
    }


def test_a_foreigner_needs_the_password_like_everybody(up: Town) -> None:
    up["b"].do("budi", "group.create", group="team", password="rahasia")
    with pytest.raises(InvalidCredentials):
        call_as_peer(up["b"], "a", "ani", "group.join", group="team", password="salah")
    assert call_as_peer(up["b"], "a", "ani", "group.join", group="team", password="rahasia")


def test_guesses_of_one_realm_do_not_slow_those_of_another(founded: Found) -> None:
    town = founded("a", "b", "c", group_password_tries=1000)
    town.until(lambda: _up(town, "b", "a") and _up(town, "b", "c"))
    town["b"].do("budi", "group.create", group="team", password="rahasia")
    with pytest.raises(RateLimited):
        for number in range(200):
            with pytest.raises(InvalidCredentials):
                call_as_peer(town["b"], "a", f"ani{number}", "group.join", group="team", password="salah")
    assert call_as_peer(town["b"], "c", "citra", "group.join", group="team", password="rahasia")


def test_a_foreigner_who_is_no_member_learns_nothing_of_a_group(up: Town) -> None:
    up["b"].do("budi", "group.create", group="team")
    with pytest.raises(Forbidden):
        call_as_peer(up["b"], "a", "ani", "group.members", group="team")
    with pytest.raises(Forbidden):
        call_as_peer(up["b"], "a", "ani", "group.remove", group="team", user="budi")


def test_a_foreigner_sees_the_members_and_removes_nobody(up: Town) -> None:
    up["b"].do("budi", "group.create", group="team")
    call_as_peer(up["b"], "a", "ani", "group.join", group="team")
    members = call_as_peer(up["b"], "a", "ani", "group.members", group="team")["members"]
    assert [member["user"] for member in members] == ["budi", "ani@a"]
    with pytest.raises(Forbidden, match="Only budi"):
        call_as_peer(up["b"], "a", "ani", "group.remove", group="team", user="budi")


def test_only_so_many_of_a_realm_may_come_to_be_known(founded: Found) -> None:
    town = founded(realm_users=2)
    town.until(lambda: _up(town, "b", "a"))
    town["b"].do("budi", "group.create", group="team")
    for name in ("ani", "dewi"):
        call_as_peer(town["b"], "a", name, "group.join", group="team")
    with pytest.raises(Forbidden, match="2 users of a"):
        call_as_peer(town["b"], "a", "citra", "group.join", group="team")


class Stuck:
    """An engine that never answers."""

    ready = False

    def take(self, calls: object, now: int) -> Done:
        """And says nothing."""
        return Done()


def test_what_takes_too_long_is_answered_before_we_are_taken_for_away(up: Town) -> None:
    house = up["b"].house
    assert house is not None
    house.engines = {**house.engines, "group": Stuck()}  # type: ignore[dict-item]
    with pytest.raises(Busy, match="takes too long"):
        up["a"].do("ani", "group.join", group="#team@b")
    assert _up(up, "a", "b")


def test_only_so_much_of_one_realm_waits_to_be_done(founded: Found) -> None:
    town = founded("a", "b", "c", realm_open_requests=3)
    town.until(lambda: _up(town, "b", "a") and _up(town, "b", "c"))
    house = town["b"].house
    assert house is not None
    house.engines = {**house.engines, "group": Stuck()}  # type: ignore[dict-item]
    body = PeerCall("ani", "group.join", pack_body({"group": "team"}))
    for _ in range(3):
        behalf.call(house, house.peers["a"], body, lambda status, body: None)
    with pytest.raises(Busy, match="3 requests of yours"):
        behalf.call(house, house.peers["a"], body, lambda status, body: None)
    behalf.call(house, house.peers["c"], body, lambda status, body: None)


def test_what_is_asked_of_a_peer_names_its_user_bare(up: Town) -> None:
    heard = Overheard(up["b"])
    up["a"].do("ani", "user.get", user="budi@b")
    (said,) = heard.of(PeerCall)
    assert (said.user, said.command, said.body) == ("ani", "user.get", pack_body({"user": "budi"}))
