"""People and groups of other realms in the dialects that know of none: they are called name@realm."""

from __future__ import annotations

import pytest

from gateway import people
from gateway.bracket import Bracket
from gateway.bracket_lines import line_of_event
from gateway.dialect import Dialect
from gateway.signup import Signup
from protocol.events import MessageEvent
from tests.gateway.abroad import NOON, Abroad, Here
from tests.gateway.imagined import Wire, within

NAMES = {
    "budi": "budi",
    "budi@b": "budi@b",
    "Budi@Bawah.org": "Budi@bawah.org",
    "budi@here": "budi",
    "budi@HERE": "budi",
    "": "",
    "budi@": "",
    "@b": "",
    "budi@b@c": "",
    "budi@b_c": "",
    "bu di@b": "",
    "#ops@b": "",
    "*@b": "",
}


@pytest.mark.parametrize("word", NAMES)
def test_a_name_may_have_a_realm_behind_it_and_ours_is_left_out(word: str) -> None:
    assert people.address(word, "here") == NAMES[word]


def test_a_name_as_it_is_shown_has_a_realm_of_its_own_or_ours() -> None:
    assert people.apart("budi@b", "here") == ("budi", "b")
    assert people.apart("ani", "here") == ("ani", "here")


def test_what_another_realm_ascribes_to_one_of_ours_is_not_shown_as_theirs() -> None:
    assert people.apart("ani@here", "here") == ("ani@here", "here")


async def entered(dialect: type[Dialect], line: str) -> tuple[Wire, Abroad]:
    """(wire, session) of ani, who has logged in with this line."""
    gateway = Here()
    wire = gateway.visit(dialect)
    await says(wire, line)
    return wire, gateway.systems[0]


async def says(wire: Wire, line: str) -> list[str]:
    """Say a line; what was answered, line by line."""
    wire.heard.clear()
    wire.says(f"{line}\n".encode())
    await within(lambda: wire.said and not wire.visitor.busy)
    return wire.said.decode().splitlines()


BRACKET = {
    "SEND budi@b apa kabar?": "send budi@b apa kabar?",
    "CHATGROUP team@b halo": "send #team@b halo",
    "JOIN lain@b kunci": "join lain@b",
    "LEAVE team@b": "leave #team@b",
}


async def test_in_bracket_other_realms_are_reached_by_address() -> None:
    wire, session = await entered(Bracket, "LOGIN ani rahasia123")
    for line in BRACKET:
        assert (await says(wire, line))[0].startswith("[OK]"), line
    assert session.log == list(BRACKET.values())
    assert await says(wire, "JOIN team@b kunci") == ["[ERR] Anda telah bergabung dalam grup"]
    assert await says(wire, "SEND budi@b_c halo") == ["[ERR] penerima tidak tersedia"]
    assert await says(wire, "JOIN lain@nowhere kunci") == ["[ERR] Grup tidak tersedia"]
    shown = await says(wire, "CHECK")
    assert [line.split(" ", 2)[2] for line in shown[:-1]] == [
        *("budi@b hi", "team@b:budi@b hi", "team@b:citra@c hi", "team@b:dewi hi", "dewi hi")
    ]
    wire.breaks()


def test_what_bracket_pushes_names_the_realm() -> None:
    event = MessageEvent(2, 1, "citra@c", "#team@b", "hi", NOON, b"")
    assert line_of_event(event).split(b" ", 2)[2] == b"team@b:citra@c hi\n"


async def test_in_signup_news_of_another_realm_can_be_read_and_answered() -> None:
    wire, session = await entered(Signup, "login ani rahasia123")
    assert "New message(s) from budi@b" in wire.said.decode()
    shown = await says(wire, "show budi@b")
    assert shown[0].endswith("budi@b : hi")
    assert "me : halo" in "".join(await says(wire, "message budi@b\nhalo"))
    assert "me : halo" in "".join(await says(wire, "message Team@b\nhalo"))
    assert (await says(wire, "join_group lain@b"))[0] == "Joining group lain@b"
    assert session.log == ["read 1", "send budi@b halo", "send #team@b halo", "join lain@b"]
    assert "eka@nowhere" in (await says(wire, "show eka@nowhere"))[0]
    assert "budi@b_c" in (await says(wire, "show budi@b_c"))[0]
    wire.breaks()
