"""``pesan tail --resume``: from one run to the next nothing is left out, whatever ended the first one."""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path

from benchmarks.own_server import OwnServer
from tests.system.cli.conftest import House
from tests.system.cli.person import PATIENCE, Person, Running
from tests.system.cli.test_verify import say, stop

KILLS = 7
"""Times that tail is killed while it prints."""


def heard(lines: list[str]) -> list[int]:
    """Numbers of the messages printed; a line cut off by the kill is none."""
    return [json.loads(line)["seq"] for line in lines if json.loads(line)["event"] == "message"]


def runs_until(runs: list[list[int]]) -> int:
    """The last message that any run printed."""
    return max((run[-1] for run in runs if run), default=0)


def resumed(who: Person, *words: str) -> Running:
    tail = who.begin("tail", "--resume", "--json", *words)
    tail.mutters("listening")
    return tail


def test_the_first_run_begins_with_what_is_new_and_the_next_where_it_ended(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    say(budi, house.name("ani"), 1, 3)
    with resumed(ani) as tail:
        say(budi, house.name("ani"), 4, 6)
        assert heard(tail.awaits(3)) == [4, 5, 6]
        assert tail.interrupt() == 0
    say(budi, house.name("ani"), 7, 9)
    with resumed(ani) as tail:
        say(budi, house.name("ani"), 10, 10)
        assert heard(tail.awaits(4)) == [7, 8, 9, 10]
        assert tail.interrupt() == 0
    with resumed(ani) as tail:
        say(budi, house.name("ani"), 11, 11)
        assert heard(tail.awaits(1)) == [11]


def test_what_began_while_no_tail_ran_is_printed_from_its_beginning(house: House) -> None:
    ani, budi, citra = (house.person(name) for name in ("ani", "budi", "citra"))
    group = house.name("ops")
    with resumed(ani) as tail:
        assert tail.interrupt() == 0
    say(citra, house.name("ani"), 1, 2)
    budi.says("group", "create", group)
    budi.says("send", f"#{group}", "before ani came")
    ani.says("group", "join", group)
    budi.says("send", f"#{group}", "since ani came")
    with resumed(ani) as tail:
        records = [json.loads(line) for line in tail.awaits(3)]
        assert sorted(one["body"] for one in records) == ["since ani came", "this is 1", "this is 2"]


def test_a_silent_first_run_draws_the_line_all_the_same(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    say(budi, house.name("ani"), 1, 3)
    with resumed(ani) as tail:
        tail.process.kill()
        tail.process.wait(PATIENCE)
    say(budi, house.name("ani"), 4, 5)
    with resumed(ani) as tail:
        assert heard(tail.awaits(2)) == [4, 5]


def test_each_choice_of_conversations_has_a_place_of_its_own(house: House) -> None:
    ani, budi, citra = (house.person(name) for name in ("ani", "budi", "citra"))
    for choice in ((), (house.name("budi"),)):
        with resumed(ani, *choice) as tail:
            assert tail.interrupt() == 0
    budi.says("send", house.name("ani"), "from budi")
    citra.says("send", house.name("ani"), "from citra")
    with resumed(ani, house.name("BUDI")) as tail:
        assert [json.loads(line)["body"] for line in tail.awaits(1)] == ["from budi"]
        with resumed(ani) as other:
            assert len(other.awaits(2)) == 2
        assert ani.run("tail", "--resume", house.name("budi")).returncode == 1
        assert tail.interrupt() == 0
        assert len(tail.out) == 1


def test_tail_killed_again_and_again_prints_every_message_in_order(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    total = 4_000
    with resumed(ani) as tail:
        assert tail.interrupt() == 0
    speaking = threading.Thread(target=say, args=(budi, house.name("ani"), 1, total))
    speaking.start()
    chance = random.Random(20)
    runs: list[list[int]] = []
    for _ in range(KILLS):
        with resumed(ani) as tail:
            time.sleep(chance.uniform(0.0, 0.25))
            tail.process.kill()
            tail.process.wait(PATIENCE)
            runs.append(heard(tail.out))
    speaking.join(PATIENCE)
    with resumed(ani) as tail:
        # Not so many lines, but up to the last message: the seam to the run before may hold doubles.
        tail.prints(lambda lines: heard(lines)[-1:] == [total] or runs_until(runs) == total)
        runs.append(heard(tail.out))
        assert tail.interrupt() == 0
    assert sum(map(bool, runs)) > 1  # it was killed while it printed
    last = 0
    for run in filter(None, runs):
        assert run == list(range(run[0], run[0] + len(run)))  # in itself without a hole or a double
        assert run[0] <= last + 1  # and none between it and the one before
        last = max(last, run[-1])
    assert last == total


def test_a_server_that_was_set_back_is_noticed_and_what_is_said_then_is_printed(
    tmp_path: Path, own_server: OwnServer
) -> None:
    house = House(tmp_path, own_server)
    ani, budi = house.person("ani"), house.person("budi")
    say(budi, house.name("ani"), 1, 3)
    stop(own_server)
    copy = (own_server.home / "pesan.db").read_bytes()
    own_server.start()
    with resumed(ani) as tail:
        say(budi, house.name("ani"), 4, 9)
        tail.awaits(6)
        assert tail.interrupt() == 0
    stop(own_server)
    (own_server.home / "pesan.db").write_bytes(copy)
    own_server.start()
    for first, last in ((101, 101), (102, 103)):
        with ani.begin("tail", "--resume") as tail:
            tail.mutters("listening")
            assert ("pesan verify says what is lost" in tail.err) == (first == 101)
            say(budi, house.name("ani"), first, last)
            said = [line.partition(": ")[2] for line in tail.awaits(last - first + 1)]
            assert said == [f"this is {number}" for number in range(first, last + 1)]
            assert tail.interrupt() == 0
