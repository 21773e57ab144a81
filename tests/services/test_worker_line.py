"""The line for hashing in a real worker process: what does not wait in it, and who is not crowded out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.settings import Settings
from protocol import backend
from protocol.backend import Call
from protocol.envelope import pack_body
from services.storage.engine import Store
from tests.services.house import PASSWORD, House, Person
from tests.services.test_worker import Broker

CROWD = "203.0.113.9"
HOME = "192.0.2.77"
SLOW = "password_memory_kib = 65536\npassword_passes = 4\nslow_queue = 20\n"
"""Hashes of some tenths of a second, so that who stands in line does so for a while."""


@pytest.fixture
def broker(settings: Settings, store: Store) -> Iterator[Broker]:
    (settings.home / "pesan.toml").write_text(SLOW)
    broker = Broker(settings)
    yield broker
    broker.close()


def call(handle: int, who: Person, command: str, address: str, **fields: str) -> Call:
    return Call(handle, command, who.user_id, who.name, who.session, False, pack_body(dict(fields)), address)


def answered(broker: Broker, most: int, until: int) -> list[tuple[int, str]]:
    """(handle, status) as they come, up to the answer to ``until``."""
    heard: list[tuple[int, str]] = []
    while len(heard) < most and until not in [handle for handle, _ in heard]:
        heard += [(handle, status) for handle, status, _ in broker.hear(backend.DONE)[0]]
    return heard


def slow_group(broker: Broker, house: House) -> list[Person]:
    """#ops, whose password takes long to check, and a crowd that will guess it."""
    ani, *crowd = house.people("ani", *(f"mallory{number}" for number in range(30)))
    broker.start("group")
    broker.hear(backend.BEAT)
    create = call(1, ani, "group.create", HOME, group="ops", password="rahasia")
    broker.say(backend.pack_work([create]))
    assert answered(broker, 1, 1) == [(1, "ok")]
    return crowd


def test_open_groups_do_not_wait_behind_a_crowd_that_guesses(broker: Broker, house: House) -> None:
    crowd = slow_group(broker, house)
    budi = house.person("budi")
    guesses = [
        call(10 + n, who, "group.join", CROWD, group="ops", password="x") for n, who in enumerate(crowd)
    ]
    broker.say(backend.pack_work(guesses))
    broker.say(
        backend.pack_work(
            [
                call(90, budi, "group.create", CROWD, group="open"),
                call(91, budi, "group.join", CROWD, group="open"),
            ]
        )
    )
    heard = answered(broker, 40, 91)
    assert {(90, "ok"), (91, "ok")} <= set(heard)
    hashed = [handle for handle, status in heard if status == "invalid_credentials"]
    assert len(hashed) <= 3, "all others still wait, or were told that they cannot"


def test_many_accounts_of_one_address_do_not_crowd_out_one_who_is_elsewhere(
    broker: Broker, house: House
) -> None:
    crowd = slow_group(broker, house)
    budi = house.person("budi")
    guesses = [
        call(10 + n, who, "group.join", CROWD, group="ops", password="x") for n, who in enumerate(crowd)
    ]
    broker.say(backend.pack_work(guesses))
    broker.say(backend.pack_work([call(90, budi, "group.join", HOME, group="ops", password="rahasia")]))
    heard = answered(broker, 40, 90)
    assert (90, "ok") in heard
    busy = [handle for handle, status in heard if status == "busy"]
    assert len(busy) in (10, 11), "of the crowd: those who found no room, and one who gave way"
    assert [status for _, status in heard].count("invalid_credentials") <= 3


def test_who_changes_their_password_is_not_crowded_out_by_strangers(broker: Broker, house: House) -> None:
    eka = house.person("eka")
    broker.start("auth")
    broker.hear(backend.BEAT)
    strangers = [
        Call(
            10 + n,
            "auth.login",
            0,
            "",
            0,
            False,
            pack_body({"username": f"no{n}", "password": "x"}),
            f"203.0.113.{n}",
        )
        for n in range(30)
    ]
    broker.say(backend.pack_work(strangers))
    change = call(90, eka, "auth.password", HOME, old=PASSWORD, new="a new password")
    broker.say(backend.pack_work([change]))
    heard = answered(broker, 40, 90)
    assert (90, "ok") in heard
    assert [status for _, status in heard].count("invalid_credentials") <= 3
