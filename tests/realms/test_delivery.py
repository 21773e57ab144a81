"""Messages between two realms: there once, in order, whatever happens on the way."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from protocol.errors import Failure, Retry
from protocol.realms import ITEMS_MAX
from services.storage.realms import State
from tests.realms.conftest import Found
from tests.realms.network import CALM, STORM, Weather
from tests.realms.town import Town

MANY = [f"message {number}" for number in range(30)]


def test_a_message_arrives_and_its_sender_hears_so(town: Town) -> None:
    sent = town["a"].say("ani", "budi@b", "halo budi")
    assert (sent["seq"], sent["queued"]) == (1, True)
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["halo budi"]
    (event,) = town["b"].heard("budi", "message")
    assert (event["from"], event["to"], event["body"]) == ("ani@a", "budi", "halo budi")
    assert town["a"].heard("ani", "delivered") == [{"conversation": sent["conversation"], "seq": 1}]


def test_when_it_was_sent_and_its_id_are_those_of_where_it_was_sent(town: Town) -> None:
    town["a"].say("ani", "budi@b", id=b"0123456789abcdef")
    town.run(60)
    (here,), (there,) = town["a"].messages("ani", "budi@b"), town["b"].messages("budi", "ani@a")
    assert (here["sent_at"], here["id"]) == (there["sent_at"], there["id"])


def test_both_write_at_once_and_each_realm_has_all_of_it(town: Town) -> None:
    for number in range(10):
        town["a"].say("ani", "budi@b", f"ani {number}")
        town["b"].say("budi", "ani@a", f"budi {number}")
    town.settle()
    for realm, who, other in (("a", "ani", "budi@b"), ("b", "budi", "ani@a")):
        found = town[realm].history(who, other)
        assert sorted(found) == sorted(f"{name} {number}" for name in ("ani", "budi") for number in range(10))
        for name in ("ani", "budi"):
            assert [body for body in found if body.startswith(name)] == [f"{name} {n}" for n in range(10)]


def test_what_was_said_during_an_outage_arrives_complete_and_in_order(town: Town) -> None:
    town["a"].say("ani", "budi@b", "before")
    town.settle()
    town.network.cut("a", "b")
    town.run(30)
    bodies = [f"message {number}" for number in range(2 * ITEMS_MAX + 7)]
    town["a"].say_many("ani", "budi@b", bodies)
    town.run(60)
    town.sleep(24 * 3600)
    town.run(60)
    assert town["a"].row_of("b").away_since > 0
    assert town["a"].waiting() == len(bodies)
    town.network.heal("a", "b")
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["before", *bodies]
    assert town["a"].row_of("b").away_since == 0
    assert town["a"].heard("ani", "delivered")[-1]["seq"] == len(bodies) + 1


def test_lost_doubled_and_late_requests_lose_double_and_reorder_nothing(founded: Found) -> None:
    for seed in range(2):
        town = founded(seed=seed)
        town.run(1)
        town.network.weather = STORM
        for body in MANY:
            town["a"].say("ani", "budi@b", body)
            town.run(town.rng.uniform(0, 2))
        town.settle(6 * 3600)
        town.network.weather = CALM
        town.run(60)
        assert town["b"].history("budi", "ani@a") == MANY
        assert town.network.counts["lost"] and town.network.counts["doubled"]


def test_a_realm_process_that_dies_between_its_commit_and_its_reply_stores_nothing_twice(town: Town) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    for number in range(3):
        town["b"].die_before_answering()
        town["a"].say_many("ani", "budi@b", [f"{number}.{place}" for place in range(3)])
        town.until(lambda: town["b"].house is None)
        town.run(20)
        town["b"].start()
    town.settle()
    expected = ["first", *(f"{number}.{place}" for number in range(3) for place in range(3))]
    assert town["b"].history("budi", "ani@a") == expected
    assert town["a"].heard("ani", "delivered")[-1]["seq"] == len(expected)


def test_the_sending_process_may_die_at_any_step(founded: Found) -> None:
    for steps in range(1, 9):
        town = founded()
        town["a"].say("ani", "budi@b", "first")
        town.settle()
        town["a"].say_many("ani", "budi@b", MANY)
        for _ in range(steps):
            town.step(town.network.now + 1)
        town["a"].kill()
        town.run(3)
        town["a"].say_many("ani", "budi@b", ["while it was dead"])
        town["a"].start()
        town.settle()
        assert town["b"].history("budi", "ani@a") == ["first", *MANY, "while it was dead"]


def test_a_full_disk_over_there_holds_things_up_and_loses_nothing(town: Town) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    town["b"].store.full = True
    town["a"].say_many("ani", "budi@b", MANY)
    town.run(120)
    assert town["a"].waiting() == len(MANY)
    town["b"].store.full = False
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["first", *MANY]


def test_a_full_disk_here_delivers_again_what_is_known_over_there(town: Town) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    town["a"].say_many("ani", "budi@b", MANY)
    town["a"].store.full = True
    town.run(120)
    assert town["a"].waiting() == len(MANY)
    assert town["b"].history("budi", "ani@a") == ["first", *MANY]
    town["a"].store.full = False
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["first", *MANY]


def test_a_realm_that_is_away_does_not_hold_up_another(founded: Found) -> None:
    town = founded("a", "b", "c")
    for there in ("budi@b", "citra@c"):
        town["a"].say("ani", there, "first")
    town.settle()
    town.network.cut("a", "b")
    town["a"].say_many("ani", "budi@b", MANY)
    town["a"].say_many("ani", "citra@c", MANY)
    town.until(lambda: len(town["c"].history("citra", "ani@a")) == 1 + len(MANY), 1.0)
    assert town["b"].history("budi", "ani@a") == ["first"]
    town.network.heal("a", "b")
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["first", *MANY]


@pytest.mark.parametrize("who, whom", [("a", "b"), ("b", "a")])
def test_a_peer_blocked_while_a_delivery_is_under_way_has_all_of_it_once_when_it_is_one_again(
    town: Town, who: str, whom: str
) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    town["a"].say_many("ani", "budi@b", MANY)
    town["a"].turn()  # it is under way
    town.set_state(who, whom, State.BLOCKED)
    town[who].look()
    town.run(60)
    assert town["a"].waiting() == len(MANY)
    # What had left before it was blocked has arrived; of who was blocked nothing is taken.
    assert len(town["b"].history("budi", "ani@a")) == (1 + len(MANY) if who == "a" else 1)
    town.set_state(who, whom, State.PAIRED)
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["first", *MANY]


def test_a_peer_that_comes_back_announces_itself_and_need_not_wait_out_a_pause(town: Town) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    town["b"].kill()
    town["a"].say_many("ani", "budi@b", MANY)
    town.run(300)
    town["b"].start()
    town.settle(2.0)
    assert town["b"].history("budi", "ani@a") == ["first", *MANY]


def test_a_line_too_slow_for_a_large_delivery_gets_smaller_ones(town: Town) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    town.network.weather = Weather(rate=15_000.0)
    bodies = [f"{number} {'x' * 20_000}" for number in range(40)]
    town["a"].say_many("ani", "budi@b", bodies)
    town.settle(900)
    assert town["b"].history("budi", "ani@a") == ["first", *bodies]
    # It is not tried again and again whether a larger one would get through after all.
    assert 1 <= len(town["a"].logged("realm is away")) <= 4


def test_a_realm_that_takes_its_time_costs_another_one_none(founded: Found) -> None:
    town = founded("a", "b", "c")
    for there in ("budi@b", "citra@c"):
        town["a"].say("ani", there, "first")
    town.settle()
    house = town["b"].house
    assert house is not None
    plain = house.asked_table["deliver"]
    late: list[Callable[[], None]] = []
    house.asked_table = {**house.asked_table, "deliver": lambda *call: late.append(lambda: plain(*call))}
    town["a"].say_many("ani", "budi@b", MANY)
    town["a"].say_many("ani", "citra@c", MANY)
    town.until(lambda: len(town["c"].history("citra", "ani@a")) == 1 + len(MANY), 1.0)
    assert late and town["b"].history("budi", "ani@a") == ["first"]
    for answer in late:
        answer()
    house.asked_table = {**house.asked_table, "deliver": plain}
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["first", *MANY]


def test_first_words_to_many_people_arrive_once_in_any_weather(town: Town) -> None:
    town.run(1)
    people = [f"dewi{number}" for number in range(6)]
    for name in people:
        town["b"].person(name)
    town.network.weather = STORM
    for name in people:
        id = uuid.uuid4().bytes
        for _ in range(20):
            try:
                town["a"].say("ani", f"{name}@b", f"halo {name}", id)
                break
            except Failure as refusal:
                assert refusal.retry is Retry.LATER
                town.run(refusal.retry_after)
        town["a"].say("ani", f"{name}@b", "and more")
    town.settle(3600)
    town.network.weather = CALM
    town.run(60)
    for name in people:
        assert town["b"].history(name, "ani@a") == [f"halo {name}", "and more"]
    assert not town["a"].heard("ani", "undelivered")
