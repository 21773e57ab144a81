"""Other realms as the services know them: paired, with users whom we met and groups of which we have copies.

Rows, and nothing that moves: what goes over to them and comes back is tried in ``tests.realms``.
"""

from __future__ import annotations

from typing import Any

from protocol.addresses import TopicKind, new_topic
from protocol.backend import Call
from protocol.envelope import pack_body
from services.storage import followers, foreigners, groups, outbox, realms
from services.storage.realms import Realm, State
from tests.services.world import World


def pair(world: World, name: str = "b") -> int:
    """A realm that we are paired with; its number."""
    with world.store.write() as tx:
        return realms.pair(tx, name, name.encode().ljust(32, b"."), f"{name}:1", world.now)


def close(world: World, state: State, name: str = "b") -> None:
    """What an operator does to a realm."""
    with world.store.write() as tx:
        found = realms.named(tx, name)
        assert found is not None
        realms.set_state(tx, found.id, state)


def row(world: World, name: str = "b") -> Realm:
    """What is known of a realm."""
    with world.store.read() as tx:
        found = realms.named(tx, name)
    assert found is not None
    return found


def is_away(world: World, since: int, name: str = "b") -> None:
    """The realm does not answer."""
    number = row(world, name).id
    with world.store.write() as tx:
        realms.silent(tx, number, since, "no answer")


def told(world: World, last: int, name: str = "b") -> None:
    """The realm has been told everything up to this number of its outbox."""
    number = row(world, name).id
    with world.store.write() as tx:
        outbox.told(tx, number, last)


def follow(world: World, conversation: int, name: str = "b") -> None:
    """A group of ours has members there."""
    number = row(world, name).id
    with world.store.write() as tx:
        followers.changed(tx, conversation, number)


def meet(world: World, name: str, realm: str = "b") -> int:
    """Somebody there whom we have met; their number here."""
    with world.store.write() as tx:
        return foreigners.met(tx, name, realm, world.now).id


def copy(world: World, name: str, *members: str, realm: str = "b") -> int:
    """Our copy of a group there, with members here; its number."""
    number = row(world, realm).id
    with world.store.write() as tx:
        found = tx.row(
            "insert into conversations (kind, name, name_key, topic, created_at)"
            " values ('group', $1, $1, $2, $3) returning id",
            (f"{name}@{realm}", new_topic(TopicKind.CONVERSATION), world.now),
        )
        assert found is not None
        tx.run("insert into copies (conversation_id, realm_id) values ($1, $2)", (found[0], number))
        for who in members:
            groups.add_member(tx, found[0], world.people[who].user_id, world.now)
    return int(found[0])


def foreign(world: World, who: str, command: str, /, **fields: Any) -> Call:
    """A call as the realm process makes it, for ``name@realm``."""
    name, _, realm = who.partition("@")
    user = meet(world, name, realm)
    return Call(0, command, user, who, 0, False, pack_body(fields))


def deliver(world: World, who: str, to: str, body: str = "halo", /, **fields: Any) -> Call:
    """A message of somebody there, as it is delivered."""
    told = {"id": world.id(), "sent_at": world.now, **fields}
    return foreign(world, who, "message.deliver", to=to, body=body, **told)


def waiting(world: World) -> list[tuple[Any, ...]]:
    """(n, kind, recipient, conversation, seq, body) of all that waits, in order."""
    with world.store.read() as tx:
        return [
            tuple(found)
            for found in tx.rows(
                "select n, kind, recipient, conversation_id, seq, body from outbox order by realm_id, n"
            )
        ]
