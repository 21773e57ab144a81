"""The outbox of a realm, and how far its conversations have been told: on both engines."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from services.storage import conversations, copies, deliveries, messages, open_store, outbox, realms
from services.storage.deliveries import Undelivered
from services.storage.engine import Duplicate, Store, Transaction
from services.storage.outbox import Entry, Waiting
from services.storage.realms import Realm
from tests.services.world import NOW, World, message_id

HOUR = 3_600_000_000


def peer(tx: Transaction) -> int:
    """A realm we are paired with."""
    return realms.pair(tx, "b", b"k" * 32, "127.0.0.1:1", NOW)


def said(tx: Transaction, world: World, count: int) -> list[Entry]:
    """So many messages of Ani's, as entries that do not wait yet."""
    ani, budi = world.people["ani"].user_id, world.people["budi"].user_id
    where = conversations.add_direct(tx, ani, budi, NOW)
    numbers = range(1, count + 1)
    messages.add(tx, [(where, seq, ani, message_id(seq), f"halo {seq}", NOW + seq) for seq in numbers])
    return [Entry("message", ani, "bob", where, seq, None, "", 10) for seq in numbers]


def counters(store: Store, realm: int) -> Realm:
    """What the realm's row says."""
    with store.read() as tx:
        found = realms.numbered(tx, realm)
    assert found is not None
    return found


def first(store: Store, realm: int, limit: int, most_bytes: int) -> list[Waiting]:
    with store.read() as tx:
        return outbox.waiting(tx, realm, 0, limit, most_bytes)


def test_entries_wait_in_the_order_in_which_they_were_put_there_with_what_they_are_about(
    world: World, store: Store
) -> None:
    with store.write() as tx:
        realm = peer(tx)
        entries = said(tx, world, 2)
        ani = world.people["ani"].user_id
        outbox.add(tx, realm, entries, NOW + HOUR)
        outbox.add(tx, realm, [Entry("post", ani, "team", 9, 0, message_id(7), "to all", 6)], NOW + HOUR)
        outbox.add(tx, realm, [Entry("read", ani, "bob", 9, 0, message_id(8), "", 0)], NOW + HOUR)
    where = entries[0].conversation
    assert first(store, realm, 10, 1000) == [
        Waiting(1, "message", ani, "ani", "bob", where, 1, message_id(1), "halo 1", NOW + 1, 10),
        Waiting(2, "message", ani, "ani", "bob", where, 2, message_id(2), "halo 2", NOW + 2, 10),
        Waiting(3, "post", ani, "ani", "team", 9, 0, message_id(7), "to all", NOW + HOUR, 6),
        Waiting(4, "read", ani, "ani", "bob", 9, 0, message_id(8), "", NOW + HOUR, 0),
    ]
    assert counters(store, realm)[-3:] == (4, 4, 26)


def test_what_is_read_at_once_is_bounded_by_number_and_bytes_and_never_empty(
    world: World, store: Store
) -> None:
    with store.write() as tx:
        realm = peer(tx)
        outbox.add(tx, realm, said(tx, world, 5), NOW)
    assert [entry.n for entry in first(store, realm, 3, 1000)] == [1, 2, 3]
    assert [entry.n for entry in first(store, realm, 5, 20)] == [1, 2]
    assert [entry.n for entry in first(store, realm, 5, 1)] == [1]


def test_what_was_told_goes_but_posts_stay_until_they_come_back(world: World, store: Store) -> None:
    with store.write() as tx:
        realm = peer(tx)
        ani = world.people["ani"].user_id
        copies.add(tx, "team", "b", realm, 0, NOW)
        copy = copies.named(tx, "team", "b")
        assert copy is not None
        post = Entry("post", ani, "team", copy.conversation, 0, message_id(7), "to all", 6)
        outbox.add(tx, realm, [*said(tx, world, 2), post, *said_again(world)], NOW)
        outbox.told(tx, realm, 3)
    assert [entry.n for entry in first(store, realm, 10, 1000)] == [4]
    assert world.row("select n, state from outbox order by n") == (3, "told")
    assert counters(store, realm)[-3:] == (4, 1, 0)
    with store.write() as tx:
        outbox.told(tx, realm, 3)
    assert counters(store, realm)[-3:] == (4, 1, 0)
    with pytest.raises(Duplicate), store.write() as tx:
        outbox.add(tx, realm, [post], NOW)


def test_what_is_given_up_while_it_is_answered_is_taken_off_the_counters_once(
    world: World, store: Store
) -> None:
    with store.write() as tx:
        realm = peer(tx)
        outbox.add(tx, realm, said(tx, world, 2), NOW)
    begun = threading.Event()

    def answered() -> None:
        begun.set()  # where the whole store is locked, it cannot even be opened now
        with closing(open_store(world.settings)) as other, other.write() as tx:
            outbox.told(tx, realm, 2)

    with ThreadPoolExecutor(1) as pool:
        with store.write() as tx:
            outbox.give_up(tx, realm, "forbidden", "b was removed before it had this.", "")
            told = pool.submit(answered)
            begun.wait(10)
            time.sleep(0.2)  # for as long as it takes to come to where it must wait
        told.result(10)
    assert counters(store, realm)[-3:] == (2, 0, 0)


def said_again(world: World) -> list[Entry]:
    """Something small."""
    return [Entry("read", world.people["ani"].user_id, "bob", 9, 0, message_id(8), "", 0)]


def test_a_mark_of_what_was_delivered_never_goes_back(store: Store) -> None:
    with store.write() as tx:
        deliveries.delivered(tx, {3: 7, 4: 1})
        deliveries.delivered(tx, {3: 5, 4: 2})
        deliveries.delivered(tx, {})
    with store.read() as tx:
        assert [deliveries.delivered_seq(tx, where) for where in (3, 4, 5)] == [7, 2, 0]


def test_what_was_refused_first_stays(store: Store) -> None:
    with store.write() as tx:
        deliveries.refused(tx, [Undelivered(3, 7, "not_found", "no such user"), Undelivered(3, 9, "x", "y")])
        deliveries.refused(tx, [Undelivered(3, 7, "forbidden", "another reason")])
    with store.read() as tx:
        assert deliveries.undelivered(tx, 3, 1, 8) == {7: Undelivered(3, 7, "not_found", "no such user")}
