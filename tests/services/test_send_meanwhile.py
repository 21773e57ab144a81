"""``message.send`` while others act: only PostgreSQL lets anyone in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from protocol.errors import Conflict, NotFound
from services.storage import members, open_store
from services.storage.engine import Transaction
from services.storage.members import Marker
from tests.services.world import World, message_id, send

on_postgres = pytest.mark.parametrize(
    "database", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
def meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Let another worker commit some SQL right after the next look at whether someone is a member."""
    other = open_store(world.settings)
    look = members.marker

    def plan(sql: str, *parameters: object) -> None:
        def marker(tx: Transaction, conversation: int, user: int) -> Marker | None:
            found = look(tx, conversation, user)
            monkeypatch.undo()
            with other.write() as writing:
                assert writing.run(sql, parameters) == 1
            return found

        monkeypatch.setattr(members, "marker", marker)

    yield plan
    other.close()


@on_postgres
def test_who_leaves_between_the_look_and_the_lock_sends_nothing(
    world: World, meanwhile: Callable[..., None]
) -> None:
    group = world.group("ops", "ani", "budi")
    leave = "delete from members where conversation_id = $1 and user_id = $2"
    meanwhile(leave, group, world.people["ani"].user_id)
    direct, refused, other = world.batch(
        ("ani", send("budi", "halo", world.id())),
        ("ani", send("#ops", "halo", world.id())),
        ("budi", send("#ops", "hai", world.id())),
    )
    assert (direct.body["seq"], refused.status, other.body["seq"]) == (1, "forbidden", 1)
    assert len(world.events) == 2
    assert world.do("budi", "conversation.verify", conversation=group)["complete"]


@on_postgres
def test_a_group_deleted_between_the_look_and_the_lock_is_not_found(
    world: World, meanwhile: Callable[..., None]
) -> None:
    group = world.group("ops", "ani")
    meanwhile("delete from conversations where id = $1", group)
    with pytest.raises(NotFound):
        world.say("ani", "#ops")
    assert world.stored() == []


@on_postgres
def test_a_topic_replaced_between_the_look_and_the_lock_is_the_one_that_counts(
    world: World, meanwhile: Callable[..., None]
) -> None:
    group = world.group("ops", "ani")
    new = b"c" + b"n" * 15
    meanwhile("update conversations set topic = $1 where id = $2", new, group)
    world.say("ani", "#ops")
    assert [event.topic for event in world.events] == [new]


@on_postgres
def test_the_same_message_stored_meanwhile_by_another_worker_is_a_duplicate(
    world: World, meanwhile: Callable[..., None]
) -> None:
    group = world.group("ops", "ani")
    world.say("ani", "#ops")
    meanwhile(
        "insert into messages (conversation_id, seq, sender_id, id, body, sent_at)"
        " select $1, last_seq, $2, $3, 'halo', 5 from conversations where kind = 'broadcast'"
        " returning seq",
        group + 1000,
        world.people["ani"].user_id,
        message_id(9),
    )
    with pytest.raises(Conflict, match="another conversation"):
        world.say("ani", "#ops", id=message_id(9))
    assert world.say("ani", "#ops")["seq"] == 2
