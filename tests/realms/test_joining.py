"""``pesan realm join``, and why it fails: each time with a sentence, and nothing changed.

Atas has a real realm process, and nothing else runs; the others are installations without any.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from zmq.utils import z85

from benchmarks.own_server import REALM, OwnServer
from config.keys import server_keys
from config.loading import load
from protocol import realms as language
from protocol.envelope import pack_body
from services.realm import joining, program
from services.realm.invitation import Invitation, parse
from services.storage import open_store, outbox, realms
from services.storage.outbox import Entry
from tests.realms.machine import Machine
from tests.realms.outpost import nobody_listens, until


@pytest.fixture(scope="module")
def atas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    server = OwnServer(environment={"PESAN_REALM": "atas"})
    try:
        server.start_realm()
        yield Machine(server, tmp_path_factory.mktemp("people"))
    finally:
        server.close()


@pytest.fixture
def bawah(atas: Machine, tmp_path: Path) -> Machine:
    return atas.beside(tmp_path / "bawah")


def change(machine: Machine, sql: str) -> None:
    with closing(open_store(load({}, machine.server.home))) as store, store.write() as tx:
        tx.run(sql)


def altered(invitation: str, **fields: object) -> str:
    return str(parse(invitation)._replace(**fields))  # type: ignore[arg-type]


def test_who_reaches_nobody_hears_where_nobody_is(atas: Machine, bawah: Machine) -> None:
    address = f"127.0.0.1:{nobody_listens()}"
    said = bawah.refused(6, "join", altered(atas.invites(), address=address))
    assert f"{address} does not answer. Does the other server run" in said
    said = bawah.refused(6, "join", altered(atas.invites(), address="nowhere.invalid:7704"))
    assert "nowhere.invalid, the host in the invitation, cannot be found" in said


def test_a_server_with_another_key_is_told_nothing(atas: Machine, bawah: Machine) -> None:
    said = bawah.refused(3, "join", altered(atas.invites(), realm="lain", key=os.urandom(32)))
    assert "does not have the key in the invitation" in said


def test_an_invitation_that_is_over_was_used_or_never_made_says_so(atas: Machine, bawah: Machine) -> None:
    short = atas.invites("--valid", "1s")
    until(lambda: time.time() > parse(short).until + 0.1)
    assert "atas refuses: This invitation is over, since a moment ago" in bawah.refused(3, "join", short)
    used = atas.invites()
    change(atas, "update invites set used_by = 'cabang' where used_by = ''")
    assert "atas refuses: This invitation was used already" in bawah.refused(3, "join", used)
    made_up = altered(atas.invites(), secret=bytes(16))
    assert "atas refuses: atas does not know this invitation" in bawah.refused(3, "join", made_up)


def test_without_any_invitation_the_door_is_shut(atas: Machine, bawah: Machine) -> None:
    old = atas.invites()
    change(atas, "delete from invites")
    until(lambda: "has no open invitation for us" in bawah.refused(3, "join", old))


def test_nobody_joins_themselves_or_their_namesake(atas: Machine, bawah: Machine) -> None:
    assert "That is atas itself" in atas.refused(1, "join", atas.invites())
    namesake = Invitation("bawah", "127.0.0.1:1", os.urandom(32), bytes(16), 1 << 40)
    assert "Both realms are called bawah" in bawah.refused(1, "join", str(namesake))


def test_what_was_not_copied_whole_is_no_invitation(bawah: Machine) -> None:
    assert "was not copied whole" in bawah.refused(2, "join", "pesan-realm://atas@127.0.0.1:7704/abc")


def test_a_server_that_was_set_up_anew_takes_its_name_back_only_with_a_word_of_the_operator(
    atas: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "CONTACT", 0.1)
    first, second = (atas.beside(tmp_path / number / "cabang") for number in "12")
    done = first.operates("join", atas.invites())
    assert done.stdout == "paired with atas\n"
    assert "This server has not reached atas yet. Does it run (pesan up)?" in done.stderr
    assert "pesan realm invite --replace cabang" in second.refused(1, "join", atas.invites())
    second.operates("join", atas.invites("--replace", "cabang"))
    keys = [json.loads(line)["key"] for line in atas.operates("list", "--json").stdout.splitlines()]
    assert z85.decode(server_keys(tmp_path / "2" / "cabang").public).hex() in keys
    assert z85.decode(server_keys(tmp_path / "1" / "cabang").public).hex() not in keys


def test_a_realm_that_nobody_knows_is_not_found(atas: Machine) -> None:
    for word in ("remove", "block", "unblock"):
        assert "No realm here is called nowhere" in atas.refused(4, word, "nowhere")


def test_who_removes_a_realm_hears_what_becomes_of_what_waits_for_it(bawah: Machine) -> None:
    bawah.operates("list")
    with closing(open_store(load(bawah.environment))) as store, store.write() as tx:
        for name in ("cabang", "dahan"):
            realm = realms.pair(tx, name, os.urandom(32), "127.0.0.1:1", 1)
        outbox.add(tx, realm, [Entry("post", 1, "team", 8, 0, bytes(16), "halo", 4)], 1)
    done = bawah.operates("remove", "dahan")
    assert done.stdout == "removed dahan\n"
    assert done.stderr == (
        "1 that waited to go there were given up; who wrote a message finds it in their history, marked as"
        " refused (of posts to groups there the newest of each user).\n"
    )
    assert bawah.operates("remove", "cabang").stderr == ""


def test_an_invitation_shows_the_address_that_was_asked_for(atas: Machine) -> None:
    assert (
        parse(atas.invites("--host", "chat.example.org")).address
        == f"chat.example.org:{atas.server.port + REALM}"
    )
    assert parse(atas.invites("--host", "[2001:db8::1]:99")).address == "[2001:db8::1]:99"
    assert "is no address" in atas.refused(2, "invite", "--host", "a b")
    assert "a time such as 30m" in atas.refused(2, "invite", "--valid", "soon")


def test_a_shell_that_gives_the_server_another_name_or_port_pairs_nobody(
    atas: Machine, bawah: Machine
) -> None:
    shell = atas.beside(atas.server.home)
    shell.environment |= {"PESAN_REALM": "ranting"}
    port = load(atas.environment).realm_port
    for words in (("invite",), ("join", altered(atas.invites(), realm="cabang"))):
        said = shell.refused(78, *words)
        assert f"is realm atas on port {port}, but here the settings say ranting on port" in said
    shell.environment |= {"PESAN_REALM": "atas", "PESAN_PORT_BASE": "7700"}
    assert "say atas on port 7704" in shell.refused(78, "invite")
    assert bawah.invites()  # no server was ever started there, so the shell is taken at its word


def test_who_is_sent_to_the_port_for_clients_is_told_of_the_other_one(
    atas: Machine, bawah: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = language.pack(1, "invalid", pack_body({"message": "A request has five fields."}))
    monkeypatch.setattr(joining, "_first_reply", lambda *_: broker)
    said = bawah.refused(1, "join", altered(atas.invites(), address="127.0.0.1:7700"))
    assert "atas refuses: A request has five fields. Is 127.0.0.1:7700 its port for realms" in said
