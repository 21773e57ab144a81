"""Who hears what another realm brings about: every topic on which it is said, and no other.

As the table of ``tests/authorisation/hearing.py`` says it of what happens within one realm; its kinds of
``ACROSS`` are here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from protocol.envelope import pack_body
from tests.authorisation.hearing import ACROSS
from tests.realms.town import Town

HEARING = [
    # kind, about, in whose realm, who hears it
    ("delivered", "a message arrives", "a", {"ani"}),
    ("undelivered", "a message is refused", "a", {"ani"}),
    ("message", "a message arrives", "b", {"budi"}),
    ("read", "a message was read", "a", {"ani"}),
    ("read", "a message was read", "b", {"budi"}),
]
"""Besides them live Ayu, who knows Ani, in a, and Beni, who knows Budi, in b."""


def _arrives(town: Town) -> None:
    town["a"].say("ani", "budi@b")
    town.settle()


def _refused(town: Town) -> None:
    town["a"].say("ani", "budi@b")
    town.settle()
    with town["b"].store.write() as tx:  # as if there had never been a Budi
        tx.run("update users set name = 'gone', name_key = 'gone' where name = 'budi'")
    town["a"].say("ani", "budi@b")
    town.settle()


def _read(town: Town) -> None:
    _arrives(town)
    town["b"].do("budi", "message.read", **{"with": "ani@a"}, seq=1)
    town.settle()
    town.run(2.0)


ACTS: dict[str, Callable[[Town], None]] = {
    "a message arrives": _arrives,
    "a message is refused": _refused,
    "a message was read": _read,
}


@pytest.mark.parametrize(("kind", "about", "where", "whom"), HEARING)
def test_it_is_heard_by_those_in_the_table_and_nobody_else(
    town: Town, kind: str, about: str, where: str, whom: set[str]
) -> None:
    town["a"].person("ayu")
    town["b"].person("beni")
    town["a"].say("ani", "ayu")
    town["b"].say("budi", "beni")
    for realm in ("a", "b"):
        town[realm].events.clear()
    ACTS[about](town)
    people = {person.topic: name for name, person in town[where].people.items()}
    strangers = {row[0] for row in town[where].rows("select topic from users where realm <> ''")}
    heard = {people.get(event.topic, "") for event in town[where].events if event.kind == kind}
    unknown = {event.topic for event in town[where].events if event.kind == kind} - people.keys()
    assert heard - {""} == whom
    assert unknown <= strangers, "topics that nobody is ever told"


def test_every_kind_that_takes_another_realm_has_a_row() -> None:
    assert {kind for kind, *_ in HEARING} >= ACROSS


def test_a_foreigners_topic_is_told_nobody(town: Town) -> None:
    _read(town)
    secret = {row[0] for row in town["b"].rows("select topic from users where realm = 'a'")}
    assert secret
    budi = town["b"]
    answers = [
        budi.do("budi", "conversation.list"),
        budi.do("budi", "message.history", **{"with": "ani@a"}),
        budi.do("budi", "user.whoami"),
        budi.do("budi", "user.list"),
        budi.do("budi", "message.send", to="ani@a", body="halo", id=uuid.uuid4().bytes),
    ]
    told = pack_body({"answers": answers})
    assert budi.people["budi"].topic in told, "one's own one is told"
    assert not any(topic in told for topic in secret)
