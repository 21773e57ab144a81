"""What another realm may say of who comes and goes, and what is not believed."""

from __future__ import annotations

import pytest

from protocol import realms as language
from protocol.body import body_of
from protocol.envelope import pack_body
from protocol.errors import Forbidden, Invalid, Unavailable
from protocol.realms import PeerPresence, Presences
from services.realm.visitors import broker_of
from tests.realms import comings
from tests.realms.comings import online
from tests.realms.overheard import ask_as_peer, report
from tests.realms.town import Town


@pytest.fixture
def talking(town: Town) -> Town:
    return comings.talking(town)


def test_people_of_whom_nobody_here_has_heard_are_passed_over(talking: Town) -> None:
    said = Presences([PeerPresence("nobody", online=True, last_seen=1)], all=False)
    assert ask_as_peer(talking["a"], "b", "presence", said) == {}
    assert talking["a"].rows("select count(*) from users where realm = 'b'") == [(1,)]
    assert online(talking["a"]) == []


def test_a_realm_says_nothing_of_anybody_elses_users(talking: Town) -> None:
    for name in ("ani@a", "citra@c"):
        said = Presences([PeerPresence(name, online=True, last_seen=1)], all=True)
        with pytest.raises(Forbidden, match="only for its own users"):
            ask_as_peer(talking["a"], "b", "presence", said)
    assert talking["a"].logged("foreign sender")


def test_a_realm_cannot_make_users_of_ours_come_or_go(talking: Town) -> None:
    report(talking["a"], online=["ani"])
    said = Presences([PeerPresence("ani", online=False, last_seen=1)], all=True)
    ask_as_peer(talking["a"], "b", "presence", said)
    assert talking["a"].do("ani", "user.get", user="ani")["online"] is True


def test_somebody_named_twice_is_refused(talking: Town) -> None:
    twice = [PeerPresence("budi", online=True, last_seen=1), PeerPresence("Budi", online=False, last_seen=1)]
    with pytest.raises(Invalid, match="twice"):
        ask_as_peer(talking["a"], "b", "presence", Presences(twice, all=False))


def test_nobody_was_seen_in_a_time_to_come(talking: Town) -> None:
    come = PeerPresence("budi", online=True, last_seen=2**60)
    gone = PeerPresence("budi", online=False, last_seen=2**60)
    for said in (come, gone):
        ask_as_peer(talking["a"], "b", "presence", Presences([said], all=False))
    ((last_seen,),) = talking["a"].rows("select last_seen_at from users where name = 'budi@b'")
    assert 0 < last_seen <= talking.wall


def test_presence_is_not_taken_while_nobody_could_take_it_back(talking: Town) -> None:
    talking.network.cut("a", "b")
    talking.run(20)
    said = Presences([PeerPresence("budi", online=True, last_seen=1)], all=True)
    with pytest.raises(Unavailable):
        ask_as_peer(talking["a"], "b", "presence", said)
    assert online(talking["a"]) == []


def test_a_realm_that_we_do_not_reach_yet_is_in_no_log_for_what_it_says(
    talking: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = talking["a"]
    talking.network.cut("a", "b")
    talking.run(20)
    assert a.house is not None
    answers: list[bytes] = []
    monkeypatch.setattr(a.house.ports, "answer", lambda route, frame: answers.append(frame))
    said = pack_body(body_of(Presences([], all=True)))
    a.house.asked(a.row_of("b").key, None, language.pack(1, "presence", said))
    talking.run(5)
    assert [language.unpack(answer)[1] for answer in answers] == [Unavailable.code]
    assert a.logged("refused or dropped") == []


def test_no_broker_is_called_as_a_realms_word() -> None:
    assert broker_of("b").startswith(b"realm:")
