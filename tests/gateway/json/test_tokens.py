"""The json dialect's bad tokens: words that stand where a token may, and have not even its form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.json import Json
from protocol.commands import FoundReply
from protocol.errors import Forbidden, NotFound
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.imagined import Imagined, Wire, until_quiet
from tests.gateway.json_peer import JsonPeer

STRANGER = "Session Tidak Ditemukan"
NOBODY = "User Tidak Ditemukan"
NO_ACCESS = "User tidak memiliki akses ke grup ini"
NO_GROUP = "Group tidak ditemukan"

BAD = [
    "badtoken",
    "01234567-89ab-cdef-0123-456789abcde",
    "0123456789abcdef0123456789abcdef",
    "01234567-89ab-cdef-0123-456789abcdef0",
    "x" * 200,
    "#token",
    "{0}",
    "é",
    "token@tempat-lain",
]


@pytest.fixture
def budi(town: Town) -> Iterator[JsonPeer]:
    """Budi, who has logged in, and whose group is called as he is."""
    with JsonPeer(town) as peer:
        peer.enters(town.name("budi"))
        peer.done(f"creategroup {peer.name}")
        yield peer


# --- what is a bad token ------------------------------------------------------------------------

LINES = [
    *("logout", "getallusers", "getallgroups", "inbox", "receivefile", "inboxbysender"),
    *("inbox {0}", "inboxbysender {0}", "receivefile {0}", "inbox hantu", "sendprivate {0} halo"),
    *("sendprivate {0}@{1}  apa  kabar", "sendfile {0} b'YQ==' foto pantai.png", "sendfile {0} YQ== a"),
    *("sendgroup {0} halo semua", "sendgroupfile {0} YQ== a", "inboxgroup {0}", "joingroup {0}"),
    "joingroup {0} {1}",
]


@pytest.mark.parametrize("line", LINES)
def test_a_bad_token_of_any_form_finds_no_session_and_does_nothing(
    ani: JsonPeer, budi: JsonPeer, line: str
) -> None:
    ani.done(f"joingroup {budi.name}")
    word, _, rest = line.format(budi.name, budi.realm).partition(" ")
    for bad in BAD:
        assert ani.refused(f"{word} {bad} {rest}") == STRANGER
    assert budi.hears_of("inbox") == budi.hears_of(f"inboxgroup {budi.name}") == []
    assert budi.done("receivefile")["content"] == []
    ani.done(f"inbox {ani.token}")
    ani.done("getallgroups")


def test_a_bad_token_before_a_large_file_finds_no_session(ani: JsonPeer, budi: JsonPeer) -> None:
    assert ani.refused(f"sendfile badtoken {budi.name} b'{'A' * 100_000}' foto pantai.png") == STRANGER
    assert budi.done("receivefile")["content"] == []


def test_nobody_joins_with_a_bad_token(ani: JsonPeer, budi: JsonPeer) -> None:
    assert ani.refused(f"joingroup badtoken {budi.name}") == STRANGER
    assert ani.refused("getallgroups") == "User tidak memiliki akses ke grup"
    assert ani.refused(f"sendgroup badtoken {budi.name} halo") == STRANGER


# --- what is none -------------------------------------------------------------------------------


def test_a_name_that_nobody_bears_is_said_to_be_none_when_no_other_stands_behind_it(
    town: Town, ani: JsonPeer, budi: JsonPeer
) -> None:
    nobody = town.name("hantu")
    for rest in ("halo", budi.name, f"halo {budi.name}", f"{nobody} {budi.name}", f"{budi.name}\u00a0halo"):
        assert ani.refused(f"sendprivate {nobody} {rest}") == NOBODY
        assert ani.refused(f"sendgroup {nobody} {rest}") == NO_ACCESS
    for word in ("sendfile", "sendgroupfile"):
        assert ani.refused(f"{word} {nobody} YQ== {budi.name}") == NOBODY
        assert ani.refused(f"{word} {nobody} {'A' * 40_000} {budi.name} a") == NOBODY
    assert ani.refused(f"inboxgroup {nobody}") == NO_ACCESS
    assert ani.refused(f"joingroup {nobody}") == ani.refused(f"joingroup {nobody} {nobody}") == NO_GROUP


def test_what_the_system_knows_is_a_name_whatever_stands_behind_it(ani: JsonPeer, budi: JsonPeer) -> None:
    ani.done(f"sendprivate {budi.name} {ani.name} halo")
    assert budi.hears_of("inbox") == [(ani.name, f"{ani.name} halo")]
    base64 = ani.name + "x" * (-len(ani.name) % 4)
    ani.done(f"creategroup {base64}")
    assert ani.refused(f"sendgroup {budi.name} {base64} halo") == NO_ACCESS
    assert ani.refused(f"inboxgroup {budi.name} {base64}") == NO_ACCESS
    assert ani.refused(f"sendgroupfile {budi.name} {base64} YQ== a") == NOBODY
    assert ani.refused(f"joingroup {budi.name} {base64}") == NO_GROUP
    assert ani.refused(f"sendfile {budi.name} {ani.name}@{ani.realm} YQ== a") == "Isi file tidak benar"
    assert ani.hears_of(f"inbox {budi.name} x") == [(ani.name, f"{ani.name} halo")]
    assert ani.done(f"receivefile {budi.name}")["content"] == []
    assert budi.done(f"receivefile {budi.name}")["content"] == []


def test_behind_a_good_token_everything_is_a_name(town: Town, ani: JsonPeer, budi: JsonPeer) -> None:
    for line in (
        "inbox {0} badtoken",
        "inboxbysender {0} badtoken",
        "getallusers {0} x",
        "receivefile {0} x",
    ):
        ani.done(line.format(budi.token))
    assert ani.refused(f"sendprivate {ani.token} badtoken {budi.name} halo") == NOBODY
    assert ani.refused(f"sendgroup {budi.token} badtoken {budi.name} halo") == NO_ACCESS
    with JsonPeer(town) as stranger:
        stranger.done(f"logout {budi.token} x")
    assert budi.refused("inbox") == STRANGER


# --- what it costs ------------------------------------------------------------------------------


class Asked:
    """The names that a gateway asked about; ``known`` are there. Not ``believed``: it is told nothing."""

    def __init__(self, system: Any, *known: str, believed: bool = True) -> None:
        self.names: list[str] = []
        self._known, self._believed = known, believed
        system.find, system.send = self.find, self.send

    async def find(self, name: str) -> FoundReply:
        """As the system answers."""
        self.names.append(name)
        if not self._believed:
            raise Forbidden("")
        return FoundReply(name in self._known, name in self._known)

    async def send(self, to: str, body: str) -> None:
        """To who is there."""
        if to not in self._known:
            raise NotFound("")


async def entered(gateway: Imagined) -> Wire:
    """Ani, who has logged in."""
    wire = gateway.visit(Json)
    wire.says(b"halo\r\n")
    await until_quiet(wire)
    await wire.visitor.login("ani", PASSWORD)
    wire.heard.clear()
    return wire


@pytest.mark.parametrize(
    ("line", "sentence", "names"),
    [
        ("sendprivate budi citra halo", "Message Sent", []),
        ("sendprivate hantu halo", NOBODY, []),
        ("sendprivate hantu ## halo", NOBODY, []),
        ("sendprivate hantu apa kabar", NOBODY, ["apa"]),
        ("sendprivate hantu budi halo", STRANGER, ["budi", "hantu"]),
        ("sendprivate #token budi halo", STRANGER, ["budi"]),
        ("logout hantu", STRANGER, []),
    ],
)
async def test_the_system_is_asked_about_names_only_when_a_command_was_refused(
    line: str, sentence: str, names: list[str]
) -> None:
    gateway = Imagined()
    ani = await entered(gateway)
    asked = Asked(gateway.systems[0], "budi", "citra")
    ani.says(f"{line}\r\n".encode())
    await until_quiet(ani)
    assert f'"message": "{sentence}"'.encode() in ani.said
    assert asked.names == names
    assert ani.visitor.logged_in
    ani.breaks()
    await until_quiet(ani)


async def test_a_gateway_that_is_told_no_names_takes_every_one_for_somebodys() -> None:
    gateway = Imagined()
    ani = await entered(gateway)
    Asked(gateway.systems[0], "budi", believed=False)
    ani.says(b"sendprivate hantu budi halo\r\n")
    await until_quiet(ani)
    assert NOBODY.encode() in ani.said
    ani.breaks()
    await until_quiet(ani)
