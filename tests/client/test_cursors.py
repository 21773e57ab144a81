"""Cursors: contiguous, never a maximum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.cursors import PENDING_MOST, Cursor

OFFERS = [
    ([1, 2, 3], [1, 2, 3], None),
    ([2, 3], [], (0, 2)),
    ([2, 3, 1], [1, 2, 3], None),
    ([1, 1, 2, 1, 2], [1, 2], None),
    ([1, 3, 5], [1], (1, 3)),
    ([1, 3, 2, 5, 4, 5], [1, 2, 3, 4, 5], None),
    ([0, -1], [], None),
]


@pytest.mark.parametrize(("heard", "delivered", "hole"), OFFERS)
def test_only_what_follows_without_a_hole_is_handed_out(
    heard: list[int], delivered: list[int], hole: tuple[int, int] | None
) -> None:
    cursor = Cursor[int](0)
    assert [item for seq in heard for item in cursor.offer(seq, seq)] == delivered
    assert cursor.hole() == hole
    assert cursor.seq == len(delivered)


FILLS = [
    # cursor, heard live, range fetched, handed out, cursor then
    (0, [], (1, 3), [1, 2, 3], 3),
    (0, [4], (1, 3), [1, 2, 3, 4], 4),
    (0, [3, 5], (1, 3), [1, 2, 3], 3),
    (2, [5], (1, 4), [3, 4, 5], 5),
    (2, [], (4, 6), [], 2),  # does not touch the cursor
    (5, [], (1, 4), [], 5),  # all of it is known
    (5, [], (6, 5), [], 5),  # empty
]


@pytest.mark.parametrize(("start", "heard", "fetched", "delivered", "then"), FILLS)
def test_a_fetched_range_closes_the_hole_it_touches(
    start: int, heard: list[int], fetched: tuple[int, int], delivered: list[int], then: int
) -> None:
    cursor = Cursor[int](start)
    for seq in heard:
        assert cursor.offer(seq, seq) == []
    first, last = fetched
    assert cursor.fill(first, last, [(seq, seq) for seq in range(first, last + 1)]) == delivered
    assert cursor.seq == then


def test_knowing_that_messages_exist_makes_a_hole_and_moves_nothing() -> None:
    cursor = Cursor[int](4)
    cursor.exists(9)
    assert (cursor.seq, cursor.hole()) == (4, (4, 10))


def test_a_flood_behind_a_hole_is_bounded_and_still_counts_as_missing() -> None:
    cursor = Cursor[int](0)
    for seq in range(2, PENDING_MOST + 100):
        cursor.offer(seq, seq)
    assert cursor.offer(1, 1) == list(range(1, PENDING_MOST + 2))
    assert cursor.hole() == (PENDING_MOST + 1, PENDING_MOST + 100)


@given(
    total=st.integers(1, 30),
    steps=st.lists(
        st.one_of(
            st.integers(1, 30),  # heard live, in any order, doubled or not at all
            st.tuples(st.integers(0, 30), st.integers(0, 10)),  # a page of history
        ),
        max_size=120,
    ),
)
def test_whatever_is_lost_doubled_or_swapped_is_handed_out_once_and_in_order(
    total: int, steps: list[int | tuple[int, int]]
) -> None:
    cursor = Cursor[int](0)
    out: list[int] = []
    for step in steps:
        if isinstance(step, int):
            if step <= total:
                out += cursor.offer(step, step)
        else:
            first, last = step[0] + 1, min(step[0] + step[1], total)
            out += cursor.fill(first, last, [(seq, seq) for seq in range(first, last + 1)])
        assert out == list(range(1, cursor.seq + 1))
    cursor.exists(total)
    while (hole := cursor.hole()) is not None:  # as a client does: fetch from the cursor on
        first, last = hole[0] + 1, min(hole[0] + 3, total)
        out += cursor.fill(first, last, [(seq, seq) for seq in range(first, last + 1)])
    assert out == list(range(1, total + 1))
