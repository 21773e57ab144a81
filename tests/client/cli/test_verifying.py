"""``pesan verify`` finds what is missing, whoever hides it."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.cli.verifying import Seen, merged, shown
from protocol.commands import HistoryReply, Message, VerifyReply
from tests.client.cli.shell import Pretended, Shell

Numbers = st.sets(st.integers(1, 40))


def message(seq: int) -> Message:
    """A message of this number."""
    return Message(seq, "ani", "hi", 1, seq.to_bytes(16, "big"))


def ranges(numbers: set[int]) -> list[tuple[int, int]]:
    """As the server tells them."""
    return merged([(number, number) for number in numbers])


class Store(Pretended):
    """Holds ``held`` of ``newest`` messages; says ``told`` is missing; has pages of 5."""

    def __init__(self, held: list[int], newest: int, told: set[int]) -> None:
        self._held = held
        self._newest = newest
        self._told = told

    async def verify(self, target: str) -> VerifyReply:
        return VerifyReply(
            1, self._newest, self._newest - len(self._told), not self._told, ranges(self._told)
        )

    async def history(self, target: str, *, after: int, limit: int) -> HistoryReply:
        last = min(after + 5, self._newest)
        found = [message(seq) for seq in self._held if after < seq <= last]
        return HistoryReply(1, found, after + 1, last, self._newest, 0)


def verify(shell: Shell, store: Store) -> tuple[int, str, dict[str, object]]:
    """(exit code, line, JSON)."""
    shell.log_in()
    shell.pretend(store)
    plain = shell.run("verify", "budi")
    record = json.loads(shell.run("verify", "budi", "--json").out)
    return plain.code, plain.out.rstrip(), record


def test_a_whole_conversation_is_complete(shell: Shell) -> None:
    code, line, record = verify(shell, Store([*range(1, 13)], 12, set()))
    assert (code, line) == (0, "budi: complete 1..12")
    assert (record["complete"], record["last_seq"], record["missing"]) == (True, 12, [])


def test_an_empty_conversation_is_complete(shell: Shell) -> None:
    assert verify(shell, Store([], 0, set()))[:2] == (0, "budi: complete, no messages")


@pytest.mark.parametrize("told", [{3, 4, 5, 9}, set()])
def test_holes_are_found_whether_or_not_the_server_tells(shell: Shell, told: set[int]) -> None:
    held = [seq for seq in range(1, 13) if seq not in (3, 4, 5, 9)]
    code, line, record = verify(shell, Store(held, 12, told))
    assert (code, line) == (1, "budi: missing 3..5, 9")
    assert record["missing"] == [[3, 5], [9, 9]]


def test_a_missing_end_is_found(shell: Shell) -> None:
    assert verify(shell, Store([1, 2, 3], 12, set()))[1] == "budi: missing 4..12"


def test_what_only_the_server_misses_is_told(shell: Shell) -> None:
    assert verify(shell, Store([*range(1, 13)], 12, {7}))[:2] == (1, "budi: missing 7")


def test_a_message_that_comes_twice_is_no_proof(shell: Shell) -> None:
    code, line, record = verify(shell, Store([1, 2, 2, 3], 3, set()))
    assert code == 1
    assert "1 came twice" in line
    assert record["complete"] is False


def test_one_bad_conversation_among_good_ones_is_enough(shell: Shell) -> None:
    class Two(Store):
        async def verify(self, target: str) -> VerifyReply:
            return VerifyReply(1, 3, 2, False, [(2, 2)]) if target == "budi" else await super().verify(target)

    shell.log_in()
    shell.pretend(Two([1, 2, 3], 3, set()))
    ended = shell.run("verify", "budi", "#ops")
    assert (ended.code, ended.out) == (1, "budi: missing 2\n#ops: complete 1..3\n")


@given(Numbers, st.integers(0, 40))
def test_exactly_the_missing_numbers_are_named(held: set[int], newest: int) -> None:
    seen = Seen()
    seen.add(map(message, sorted(held)))
    named = {number for first, last in seen.missing(newest) for number in range(first, last + 1)}
    assert named == set(range(1, newest + 1)) - held


@given(Numbers)
def test_ranges_are_merged_without_losing_a_number(numbers: set[int]) -> None:
    found = ranges(numbers)
    assert {number for first, last in found for number in range(first, last + 1)} == numbers
    assert all(right[0] > left[1] + 1 for left, right in pairwise(found))


def test_ranges_are_shown_shortly() -> None:
    assert shown([(3, 5), (9, 9)]) == "3..5, 9"
