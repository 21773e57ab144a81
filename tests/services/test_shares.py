"""Shares: nobody takes the room that others need in the outbox of a realm that is away; on both engines."""

from __future__ import annotations

import msgspec
import pytest

from config.settings import Settings
from protocol.errors import OK, Busy
from services.messaging.outgoing import OVERHEAD
from services.storage import outbox
from services.storage.engine import Store, Transaction
from services.storage.outbox import Held
from tests.services.realms import copy, deliver, is_away, meet, pair, row, told, waiting
from tests.services.world import NOW, World, send

LONG = "x" * (1000 - OVERHEAD)


@pytest.fixture
def shared(settings: Settings, store: Store) -> World:
    """The world, whose outboxes hold twenty messages, or 20,000 bytes: a share is two, or 2000."""
    bounds = {"realm_outbox_messages": 20, "realm_outbox_bytes": 20_000, "realm_outbox_share": 10}
    world = World(msgspec.structs.replace(settings, **bounds), store)
    pair(world)
    meet(world, "bob")
    is_away(world, NOW)
    return world


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Users whose share was looked up in the store, in order."""
    users: list[int] = []
    held = outbox.held

    def noted(tx: Transaction, realm: int, user: int, limit: int) -> Held:
        users.append(user)
        return held(tx, realm, user, limit)

    monkeypatch.setattr(outbox, "held", noted)
    return users


def fill(world: World, who: str, messages: int, to: str = "bob@b", body: str = "halo") -> list[str]:
    """So many in one batch; what became of each."""
    calls = [(who, send(to, body, world.id())) for _ in range(messages)]
    return [answer.status for answer in world.batch(*calls)]


def test_who_filled_half_of_it_leaves_the_other_half_to_others(shared: World) -> None:
    copy(shared, "team", "budi")
    assert fill(shared, "ani", 20) == [OK] * 11 + ["busy"] * 9
    with pytest.raises(Busy, match=r"nobody may have more than 10 % .* away since 2023-11-14") as refused:
        shared.say("ani", "bob@b")
    assert refused.value.fields["limit"] == 2
    assert refused.value.fields["retry_after"] > 0
    assert shared.say("budi", "bob@b")["queued"]
    assert fill(shared, "budi", 3, "#team@b") == [OK, "busy", "busy"], "posts and messages count together"
    assert fill(shared, "citra", 3) == [OK, OK, "busy"]
    assert shared.say("ani", "budi")["seq"] == 1, "and it is no matter of messages here"


def test_a_share_is_bounded_in_bytes_too(shared: World) -> None:
    assert fill(shared, "ani", 12, body=LONG) == [OK] * 11 + ["busy"]
    assert fill(shared, "budi", 1, body="x" * 2000) == ["busy"]
    with pytest.raises(Busy) as refused:
        shared.say("budi", "bob@b", "x" * 2000)
    assert refused.value.fields["limit"] == 2000
    assert fill(shared, "budi", 3, body=LONG) == [OK, OK, "busy"]


def test_there_is_room_again_when_half_of_it_was_told(shared: World) -> None:
    fill(shared, "ani", 12)
    told(shared, 1)
    assert shared.say("ani", "bob@b")["queued"]


def test_shares_are_by_realm(shared: World) -> None:
    pair(shared, "c")
    meet(shared, "citra", "c")
    fill(shared, "ani", 12)
    assert shared.say("ani", "citra@c")["queued"]


def test_nobody_looks_shares_up_before_half_of_it_is_taken(shared: World, looked_up: list[int]) -> None:
    fill(shared, "ani", 11)
    shared.say("budi", "citra")
    assert looked_up == []
    fill(shared, "ani", 3)
    fill(shared, "budi", 3)
    ani, budi = (shared.people[name].user_id for name in ("ani", "budi"))
    assert looked_up == [ani, budi], "and once for a batch, however many are in it"


def test_what_was_read_is_no_longer_told_beyond_ones_share(shared: World) -> None:
    for _ in range(4):
        shared.take([deliver(shared, "bob@b", "ani"), deliver(shared, "bob@b", "budi")])
    fill(shared, "ani", 11)
    for seq in (1, 2, 3):
        for who in ("ani", "budi"):
            shared.do(who, "message.read", **{"with": "bob@b"}, seq=seq)
    reads = [entry for entry in waiting(shared) if entry[1] == "read"]
    assert len(reads) == 2, "of budi's, who had nothing there; none of ani's"
    assert row(shared).waiting == 13
