"""Several workers of a service at once, each with its own store: what locks are for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from config.settings import Settings
from protocol.errors import Busy, Conflict, Failure, InvalidCredentials, Unauthenticated
from services.storage import open_store
from tests.services.house import PASSWORD, House, Person

WORKERS = 6


def _at_once(settings: Settings, acts: list[Callable[[House], object]]) -> list[object]:
    """Do all of it at the same moment, each act in a house of its own; results or refusals, in order."""
    start = threading.Barrier(len(acts))

    def one(act: Callable[[House], object]) -> object:
        store = open_store(settings)
        try:
            house = House(store, settings)
            house.now += 1_000_000_000
            start.wait(timeout=10)
            return act(house)
        except Failure as refusal:
            return refusal
        finally:
            store.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def test_one_name_registered_at_once_by_many_makes_one_user(house: House) -> None:
    def register(worker: House) -> object:
        return worker.do("auth.register", username="ani", password=PASSWORD)

    results = _at_once(house.settings, [register] * WORKERS)
    assert results.count({"user": "ani"}) == 1
    assert sum(isinstance(result, Conflict) for result in results) == WORKERS - 1
    assert house.row("select count(*) from members") == (1,)


def test_all_members_leaving_at_once_leave_nothing_behind(house: House) -> None:
    people = house.people(*(f"user{number}" for number in range(WORKERS)))
    group = house.do("group.create", people[0], group="ops")["conversation"]
    for who in people[1:]:
        house.do("group.join", who, group="ops")

    def leaving(who: Person) -> Callable[[House], object]:
        return lambda worker: worker.do("group.leave", who, group="ops")

    assert _at_once(house.settings, [leaving(who) for who in people]) == [{}] * WORKERS
    assert house.row("select count(*) from conversations where id = $1", group) == (0,)
    assert house.row("select count(*) from members where conversation_id = $1", group) == (0,)


def test_many_joining_at_once_do_not_overfill_a_group(house: House) -> None:
    house.set(group_max_members=3)
    people = house.people(*(f"user{number}" for number in range(WORKERS)))
    house.do("group.create", people[0], group="ops")

    def joining(who: Person) -> Callable[[House], object]:
        return lambda worker: worker.do("group.join", who, group="ops")

    results = _at_once(house.settings, [joining(who) for who in people[1:]])
    assert sum(isinstance(result, dict) for result in results) == 2
    assert len(house.do("group.members", people[0], group="ops")["members"]) == 3


def test_many_logins_at_once_keep_the_number_of_sessions(house: House) -> None:
    house.set(sessions_per_user=2)
    house.register("ani")
    results = _at_once(house.settings, [lambda worker: worker.login("ani")] * WORKERS)
    assert all(isinstance(result, Person) for result in results)
    assert house.row("select count(*) from sessions where ended_at is null") == (2,)


def test_no_session_opened_with_the_old_password_outlives_its_change(house: House) -> None:
    ani = house.person("ani")

    def change(worker: House) -> object:
        return worker.do("auth.password", ani, old=PASSWORD, new="battery staple")

    results = _at_once(house.settings, [change] + [lambda worker: worker.login("ani")] * (WORKERS - 1))
    assert results[0] == {}
    assert all(isinstance(result, Person | Busy | InvalidCredentials) for result in results[1:])
    assert house.row("select id from sessions where ended_at is null") == (ani.session,)
    assert house.row("select count(*) from sessions where ended_at is null") == (1,)


def test_of_two_devices_that_revoke_each_other_one_is_left(house: House) -> None:
    laptop = house.person("ani")
    phone = house.login("ani")

    def revoking(who: Person, other: Person) -> Callable[[House], object]:
        return lambda worker: worker.do("auth.revoke", who, session=other.session)

    results = _at_once(house.settings, [revoking(laptop, phone), revoking(phone, laptop)])
    assert results.count({}) == 1
    assert sum(isinstance(result, Unauthenticated) for result in results) == 1
    assert house.row("select count(*) from sessions where ended_at is null") == (1,)


def test_two_brokers_that_lose_a_user_at_once_leave_them_offline_and_seen(house: House) -> None:
    ani = house.person("ani")
    house.do("group.create", ani, group="ops")
    brokers = [bytes([number]) * 4 for number in range(WORKERS)]
    for broker in brokers:
        house.report(broker, online=[ani.user_id])

    def losing(broker: bytes) -> Callable[[House], object]:
        def lose(worker: House) -> object:
            worker.report(broker, offline=[ani.user_id])
            return len(worker.events)

        return lose

    assert sorted(map(str, _at_once(house.settings, [losing(broker) for broker in brokers]))) == ["0"] * 5 + [
        "1"
    ]
    found = house.do("user.get", ani, user="ani")
    assert found["online"] is False
    assert found["last_seen"] > 0
