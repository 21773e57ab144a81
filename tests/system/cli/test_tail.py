"""``pesan tail``: prints what comes, misses nothing, survives the broker."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.own_server import OwnServer
from tests.system.cli.conftest import House
from tests.system.cli.person import PASSWORD, PATIENCE, Person


def test_tail_prints_what_comes_and_nothing_else(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    budi.says("send", house.name("ani"), "before")
    with ani.begin("tail", "--json") as tail:
        tail.mutters("listening")
        budi.says("send", house.name("ani"), "after")
        ani.says("send", house.name("budi"), "from another device")
        records = [json.loads(line) for line in tail.awaits(2)]
        assert [one["body"] for one in records] == ["after", "from another device"]
        assert {(one["event"], one["with"]) for one in records} == {("message", house.name("budi"))}
        assert tail.interrupt() == 0
        assert len(tail.out) == 2
        assert tail.err == "listening\n"
    assert ani.says("unread", "--count") == "2\n"


def test_tail_of_one_conversation_hears_no_other(house: House) -> None:
    ani, budi, citra = (house.person(name) for name in ("ani", "budi", "citra"))
    with ani.begin("tail", house.name("citra")) as tail:
        tail.mutters("listening")
        budi.says("send", house.name("ani"), "not this")
        citra.says("send", house.name("ani"), "this")
        assert [line.partition(": ")[2] for line in tail.awaits(1)] == ["this"]


def test_tail_tells_who_reads_and_joins_when_asked_to(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    group = house.name("ops")
    ani.says("group", "create", group)
    with ani.begin("tail", f"#{group}", "--events", "--json") as tail:
        tail.mutters("listening")
        budi.says("group", "join", group)
        joined = json.loads(tail.awaits(1)[0])
        assert (joined["event"], joined["change"], joined["user"]) == (
            "membership",
            "joined",
            house.name("budi"),
        )
        ani.says("send", f"#{group}", "hi")
        tail.awaits(2)
        budi.says("read")
        assert "read" in [json.loads(line)["event"] for line in tail.awaits(3)]


def test_tail_of_what_is_not_there_ends_with_its_code(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    group = house.name("ops")
    budi.says("group", "create", group)
    assert ani.run("tail", "nobody.at.all").returncode == 4
    assert ani.run("tail", "#nothing.at.all").returncode == 4
    assert ani.run("tail", f"#{group}").returncode == 3


def test_tail_goes_on_when_the_broker_is_killed_and_comes_back(tmp_path: Path, own_server: OwnServer) -> None:
    house = House(tmp_path, own_server)
    ani, budi = house.person("ani"), house.person("budi")
    with ani.begin("tail", "--json") as tail:
        tail.mutters("listening")
        for number in range(10):
            budi.says("send", house.name("ani"), f"{number}")
        own_server.kill("broker")
        tail.mutters("Trying again")
        own_server.start_broker()
        for number in range(10, 20):
            budi.says("send", house.name("ani"), f"{number}")
        assert [json.loads(line)["body"] for line in tail.awaits(20)] == [f"{n}" for n in range(20)]
        tail.mutters("listening", times=2)
        assert tail.interrupt() == 0
    assert ani.says("whoami") == f"{house.name('ani')}\n"


def test_tail_ends_with_3_when_its_session_ends(house: House) -> None:
    ani = house.person("ani")
    phone = Person(house.folder / "state", house.server.connection)
    phone.says("login", house.name("ani"), "--password-stdin", stdin=f"{PASSWORD}\n")
    own = next(one["session"] for one in phone.tells("sessions") if not one["current"])
    with ani.begin("tail") as tail:
        tail.mutters("listening")
        phone.says("sessions", "revoke", str(own))
        assert tail.process.wait(PATIENCE) == 3
        assert "not logged in" in tail.err
