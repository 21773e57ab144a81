"""The outbox: order kept by chains, everything stored once, whatever becomes of the frames."""

from __future__ import annotations

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from client.outbox import OPEN_MOST, PATIENCE, TRIES_KNOWN, WINDOW, Outbox, Shipment
from client.timers import NEVER
from protocol.commands import Broadcast, Send
from protocol.errors import Busy, Conflict, Failure, Invalid, RateLimited, Unauthenticated, Unavailable


def outbox() -> Outbox:
    return Outbox(random.Random(1), itertools.count(1))


def add(box: Outbox, count: int, to: str = "budi") -> None:
    for n in range(count):
        box.add(n, to, f"{n}", bytes([n]) * 16)


def links(shipments: list[Shipment]) -> list[tuple[int, int | None]]:
    """(number of the message, number of the one it names as ``after``)."""
    pairs: list[tuple[int, int | None]] = []
    for shipment in shipments:
        assert isinstance(shipment.body, (Send, Broadcast))
        pairs.append((shipment.body.id[0], shipment.body.after[0] if shipment.body.after else None))
    return pairs


def test_each_message_names_the_unanswered_one_before_it() -> None:
    box = outbox()
    add(box, 3)
    first = box.ship(0.0)
    assert links(first) == [(0, None), (1, 0), (2, 1)]
    for shipment in first:
        box.stored(shipment.request_id)
    add(box, 1)
    assert links(box.ship(0.0)) == [(0, None)]


def test_no_more_than_a_window_flies_and_each_answer_makes_room() -> None:
    box = outbox()
    add(box, WINDOW + 5)
    flying = box.ship(0.0)
    assert len(flying) == WINDOW
    box.stored(flying[0].request_id)
    assert links(box.ship(0.0)) == [(WINDOW, WINDOW - 1)]
    assert len(box) == WINDOW + 4


def test_many_chains_share_the_room_and_each_gets_its_turn() -> None:
    box = outbox()
    for to in ("ani", "budi", "citra", "dewi"):
        add(box, WINDOW, to)
    flying = box.ship(0.0)
    assert len(flying) == OPEN_MOST
    assert box.due() < NEVER
    for shipment in flying[:4]:
        box.stored(shipment.request_id)
    names = {shipment.body.to for shipment in box.ship(0.0) if isinstance(shipment.body, Send)}
    assert "dewi" in names


def test_addresses_that_differ_in_case_are_one_chain_and_a_star_is_a_broadcast() -> None:
    box = outbox()
    box.add(1, "Budi", "one", b"1" * 16)
    box.add(2, "budi", "two", b"2" * 16)
    box.add(3, "*", "three", b"3" * 16)
    shipments = box.ship(0.0)
    assert [shipment.command for shipment in shipments] == ["message.send"] * 2 + ["message.broadcast"]
    assert links(shipments)[1][1] == b"1"[0]


def test_a_missing_predecessor_sends_the_whole_chain_again_in_order() -> None:
    box = outbox()
    add(box, 4)
    flying = box.ship(0.0)
    box.stored(flying[0].request_id)
    refusal = Conflict("Not here.", missing=bytes([1]) * 16)
    assert box.refused(0.0, flying[2].request_id, refusal) is None
    assert box.refused(0.0, flying[3].request_id, refusal) is None
    assert links(box.ship(0.0)) == [(1, None), (2, 1), (3, 2)]


def test_busy_holds_the_chain_for_as_long_as_the_server_says() -> None:
    box = outbox()
    add(box, 3)
    flying = box.ship(0.0)
    box.refused(0.0, flying[0].request_id, Busy("Busy.", retry_after=1.0))
    assert box.ship(0.99) == []
    assert 1.0 <= box.due() <= 1.5
    assert links(box.ship(1.5)) == [(0, None), (1, 0), (2, 1)]


def test_while_nobody_stores_messages_one_at_a_time_asks_whether_that_is_over() -> None:
    box = outbox()
    add(box, 3)
    flying = box.ship(0.0)
    for shipment in flying:
        assert box.refused(0.0, shipment.request_id, Unavailable("Not running.", retry_after=1.0)) is None
    (probe,) = box.ship(1.5)
    assert links([probe]) == [(0, None)]
    assert box.ship(2.0) == []
    box.stored(probe.request_id)
    assert links(box.ship(2.0)) == [(1, None), (2, 1)]


def test_after_not_now_half_as_many_fly_and_each_stored_one_makes_room_for_one_more() -> None:
    box = outbox()
    add(box, WINDOW)
    flying = box.ship(0.0)
    box.stored(flying[0].request_id)
    for shipment in flying[1:]:  # one rewind, however many are refused
        box.refused(0.0, shipment.request_id, RateLimited("Too often.", retry_after=0.1))
    again = box.ship(1.0)
    assert links(again)[0] == (1, None)
    assert len(again) == WINDOW // 2
    box.refused(1.0, again[0].request_id, Busy("Full.", retry_after=0.1))
    third = box.ship(2.0)
    assert len(third) == WINDOW // 4
    for shipment in third:
        box.stored(shipment.request_id)
    assert len(box.ship(2.0)) == WINDOW // 2


def test_of_a_message_sent_in_vain_for_ever_only_the_newest_tries_are_known() -> None:
    box = outbox()
    add(box, 1)
    tries = []
    for _ in range(3 * TRIES_KNOWN):
        tries += box.ship(0.0)
        box.rewind()
    assert [shipment.request_id in box for shipment in tries] == [False] * 2 * TRIES_KNOWN + [
        True
    ] * TRIES_KNOWN
    assert box.stored(tries[0].request_id) is None
    assert box.refused(0.0, tries[0].request_id, Invalid("No.")) is None
    entry = box.stored(tries[-2].request_id)
    assert entry is not None and entry.done and len(box) == 0


def test_a_probe_that_is_refused_for_good_makes_room_for_the_next() -> None:
    box = outbox()
    add(box, 2)
    flying = box.ship(0.0)
    box.refused(0.0, flying[0].request_id, Unavailable("Not running.", retry_after=1.0))
    (probe,) = box.ship(1.5)
    assert box.refused(1.5, probe.request_id, Invalid("No.")) is not None
    assert links(box.ship(1.5)) == [(1, None)]


def test_silence_sends_the_chain_again_and_patience_grows() -> None:
    box = outbox()
    add(box, 2)
    box.ship(0.0)
    assert box.due() == PATIENCE
    assert links(box.ship(PATIENCE)) == [(0, None), (1, 0)]
    assert box.due() == PATIENCE + 2 * PATIENCE


def test_a_late_yes_counts_and_a_late_no_does_not() -> None:
    box = outbox()
    add(box, 2)
    old = box.ship(0.0)
    box.rewind()
    assert box.refused(0.0, old[0].request_id, Invalid("No.")) is None
    entry = box.stored(old[0].request_id)
    assert entry is not None and entry.handle == 0
    assert links(box.ship(0.0)) == [(1, None)]
    assert box.stored(old[0].request_id) is None


def test_a_final_no_returns_the_message_and_those_behind_go_on() -> None:
    box = outbox()
    add(box, 2)
    flying = box.ship(0.0)
    entry = box.refused(0.0, flying[0].request_id, Invalid("No."))
    assert entry is not None and entry.handle == 0
    box.refused(0.0, flying[1].request_id, Conflict("Not here.", missing=bytes(16)))
    assert links(box.ship(0.0)) == [(1, None)]


def test_a_message_given_up_is_not_sent_any_more() -> None:
    box = outbox()
    entry = box.add(1, "budi", "one", b"1" * 16)
    box.add(2, "budi", "two", b"2" * 16)
    box.drop(entry)
    assert links(box.ship(0.0)) == [(b"2"[0], None)]
    assert [left.handle for left in box.clear()] == [2]
    assert (len(box), box.due(), box.ship(0.0)) == (0, NEVER, [])


class Server:
    """Stores a message only behind the one it names, once by id."""

    def __init__(self) -> None:
        self.stored: list[bytes] = []

    def take(self, send: Send) -> Failure | None:
        if send.id in self.stored:
            return None
        if send.after is not None and send.after not in self.stored:
            return Conflict("Not here.", missing=send.after)
        self.stored.append(send.id)
        return None


@settings(deadline=None)
@given(count=st.integers(1, 25), fates=st.lists(st.integers(0, 9), max_size=300), seed=st.integers(0, 2**16))
def test_any_fate_of_any_frame_leaves_every_message_stored_once_and_in_order(
    count: int, fates: list[int], seed: int
) -> None:
    box, server, rng = outbox(), Server(), random.Random(seed)
    add(box, count)
    now, wire, fate = 0.0, list[Shipment](), iter(fates)
    for _ in range(2_000):
        wire += box.ship(now)
        if not len(box):
            break
        if not wire:
            now = max(now + 0.001, box.due())
            continue
        # Frames may overtake each other only a little: they travel over one connection.
        shipment = wire.pop(min(rng.choice((0, 0, 0, 1, 2)), len(wire) - 1))
        chance = next(fate, 9)
        if chance == 0:
            continue  # the request is lost
        if chance == 1:
            wire.insert(rng.randrange(len(wire) + 1), shipment)  # and comes twice
        if chance == 2:
            box.refused(now, shipment.request_id, Busy("Busy.", retry_after=0.1))
            continue
        if chance == 3:
            box.refused(now, shipment.request_id, Unauthenticated("Who?"))
            continue
        assert isinstance(shipment.body, Send)
        refusal = server.take(shipment.body)
        if chance == 4:
            continue  # the answer is lost
        if chance == 5:
            box.rewind()  # the connection breaks
        if refusal is None:
            box.stored(shipment.request_id)
        else:
            box.refused(now, shipment.request_id, refusal)
    assert server.stored == [bytes([n]) * 16 for n in range(count)]
    assert len(box) == 0
