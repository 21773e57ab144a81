"""Memory that a flood has taken is given back, and nobody is bothered when there is nothing to give."""

from __future__ import annotations

from broker.memory import PAUSE, PAUSE_MOST, SLACK, Memory, resident, trim

MIB = 1 << 20


class Process:
    """A process of a size of our choosing, that counts how often it was trimmed."""

    def __init__(self) -> None:
        self.size = 40 * MIB
        self.free = 0
        self.trims = 0
        self.now = 0.0
        self.memory = Memory(lambda: self.size, self.trim)

    def trim(self) -> None:
        self.trims += 1
        self.size -= self.free
        self.free = 0

    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds * 10)):
            self.now += 0.1
            self.memory.look(self.now)


def test_a_process_that_stays_small_is_left_alone() -> None:
    process = Process()
    process.size += SLACK
    process.wait(1000)
    assert process.trims == 0


def test_what_a_flood_left_behind_is_given_back_within_two_looks() -> None:
    process = Process()
    process.size += 500 * MIB
    process.free = 500 * MIB
    process.wait(2 * PAUSE)
    assert process.size == 40 * MIB
    assert process.trims == 1


def test_memory_that_is_in_use_is_looked_at_more_and_more_seldom() -> None:
    process = Process()
    process.size += 500 * MIB
    process.wait(3600)
    assert process.trims < 70
    process.free = 500 * MIB
    process.wait(PAUSE_MOST + 2)
    assert process.size == 40 * MIB
    process.size, process.free = 540 * MIB, 500 * MIB
    process.wait(2 * PAUSE + 2)
    assert process.size == 40 * MIB, "after it has helped, it looks often again"


def test_this_process_has_a_size_and_may_be_trimmed() -> None:
    assert resident() > MIB
    trim()
