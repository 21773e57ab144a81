"""A peer that says whatever fits the shapes is answered or refused; nothing breaks, and nobody else notices.

Bodies are drawn from names and numbers that come close to something: of users and groups that there are, of
third realms, of nobody. What is no body at all is tried in ``tests.protocol.test_realms``.
"""

from __future__ import annotations

import random
from typing import Any

import msgpack
import pytest

from protocol import realms as language
from protocol.commands import COMMANDS
from protocol.envelope import pack_body
from protocol.errors import FAILURES, OK
from protocol.realms import ANSWERED, ASKED
from services.realm import behalf
from tests.realms.conftest import Found
from tests.realms.town import Town

REQUESTS = 1500

GOOD = ("ani", "budi", "dewi", "citra", "team", "rahasia")
NAMES = (
    *GOOD, "ANI", "nobody", "ani@a", "budi@b", "citra@c", "team@a", "#team", "#team@a", "#team@b", "#team@c",
    "*", "*@a", "", " ", "a b", "\0", "\x1b[2J", "@", "a@", "x" * 32,
)  # fmt: skip
NUMBERS = (0, 1, 2, 3, 7, 1000, 2**31, 2**53, 2**62, 2**63 - 1)
IDS = (b"i" * 16, b"j" * 16, b"\0" * 16)
FILE = {"file": 1, "name": "../x", "size": 3, "type": "a/b", "sha256": b"h" * 32}


class Noise:
    """Bodies of every kind."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def name(self) -> str:
        """Somebody's, or something's; as a rule one that there is."""
        return self.rng.choice(GOOD if self.rng.random() < 0.7 else NAMES)

    def number(self) -> int:
        """Small or very large."""
        return self.rng.choice(NUMBERS)

    def file(self) -> Any:
        """A file, as a rule none."""
        return self.rng.choice((None, None, None, {**FILE, "file": self.number(), "size": self.number()}))

    def items(self) -> list[dict[str, Any]]:
        """Of an outbox, in order for the most part."""
        kinds = ("message", "post", "read", "leave", "else")
        first = self.rng.choice((1, 1, 2, 500, 2**62))
        return [
            {
                "n": first + place if self.rng.random() < 0.97 else self.number(),
                "kind": self.rng.choice(kinds),
                "user": self.name(),
                "to": self.name(),
                "id": self.rng.choice((*IDS, None)),
                "body": self.rng.choice(("halo", "", "\0", "x" * 70_000)),
                "sent_at": self.number(),
                "file": self.file(),
            }
            for place in range(self.rng.randrange(5))
        ]

    def messages(self, after: int) -> list[dict[str, Any]]:
        """Of a group."""
        return [
            {
                "seq": after + 1 + place if self.rng.random() < 0.95 else self.number(),
                "from": self.name(),
                "body": self.rng.choice(("halo", "x" * 70_000, "")),
                "sent_at": self.number(),
                "id": self.rng.choice(IDS),
                "file": self.file(),
            }
            for place in range(self.rng.randrange(4))
        ]

    def body(self, kind: str) -> dict[str, Any]:
        """One of this kind."""
        rng, after = self.rng, self.rng.choice((0, 0, 1, 2, 2**62))
        if kind == "call":
            commands = list(behalf.ALLOWED) if rng.random() < 0.8 else list(COMMANDS)
            return {"user": self.name(), "command": rng.choice(commands), "body": self.request()}
        if kind == "deliver":
            return {"items": self.items()}
        if kind == "fetch":
            return {"file": self.number(), "offset": self.number(), "size": rng.choice((1, 65_536, 0))}
        if kind == "hello":
            start = 1 if rng.random() < 0.9 else self.number()
            address = rng.choice(("", "b:1", "b:1", "nonsense", "b:99999999"))
            return {"realm": rng.choice("bbac"), "start": start, "now": self.number(), "address": address}
        if kind == "pair":
            return {"realm": self.name(), "secret": b"s" * 16, "address": rng.choice(("c:1", "", "x" * 300))}
        if kind == "presence":
            return {"users": [self.person() for _ in range(rng.randrange(4))], "all": rng.random() < 0.3}
        if kind == "push":
            return {
                "group": self.name(),
                "after": after,
                "messages": self.messages(after),
                "last_seq": after + 3,
                "at": self.number(),
                "members": rng.choice((None, [], [self.name()], [self.name(), "ani"])),
            }
        return {"user": self.name(), "to": self.name()}

    def person(self) -> dict[str, Any]:
        """Somebody who comes or goes."""
        online = self.rng.random() < 0.5
        return {"user": self.name(), "online": online, "last_seen": self.number(), "groups": [self.name()]}

    def request(self) -> bytes:
        """A body of a command."""
        fields = {
            "user": self.name(), "group": self.name(), "password": self.name(), "after": self.name(),
            "to": self.name(), "body": "halo", "id": b"i" * 16, "limit": 10,
        }  # fmt: skip
        return pack_body(fields)


@pytest.fixture
def crowd(founded: Found) -> Town:
    """Three realms that know each other, a group in each of two of them, and a secret one."""
    town = founded("a", "b", "c", rate_limits=False)
    town["a"].person("dewi")
    town["a"].do("ani", "group.create", group="team")
    town["a"].do("dewi", "group.create", group="rahasia", password="sesuatu yang lain")
    town["b"].do("budi", "group.create", group="team")
    town.run(2)
    town["b"].do("budi", "group.join", group="#team@a")
    town["a"].do("ani", "group.join", group="#team@b")
    town["a"].say("ani", "budi@b")
    town["a"].say("dewi", "ani", "rahasia")
    town["a"].say("ani", "citra@c")
    town.settle()
    return town


def ask(town: Town, kind: str, body: dict[str, Any]) -> tuple[str, bytes]:
    """What a says to b's request."""
    house = town["a"].house
    assert house is not None
    line = house.peers["b"].line
    town.until(lambda: line.up)  # what was said before may have taken it down
    frames: list[bytes] = []
    answer = house.ports.answer
    house.ports.answer = lambda route, frame: frames.append(frame)  # type: ignore[method-assign]
    house.asked(town["b"].key, None, language.pack(1, kind, msgpack.packb(body)))
    town["a"].turn()
    for _ in range(20_000):
        if frames:
            break
        town.step(town.network.now + 0.01)
    house.ports.answer = answer  # type: ignore[method-assign]
    (frame,) = frames
    _, status, said = language.unpack(frame)
    return status, said


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_a_peer_says_is_done_or_refused_and_never_our_fault(crowd: Town, seed: int) -> None:
    noise = Noise(seed)
    kinds = sorted(ASKED)
    heard: dict[str, set[str]] = {kind: set() for kind in kinds}
    for place in range(REQUESTS // 2):
        kind = kinds[place % len(kinds)]
        body = noise.body(kind)
        status, said = ask(crowd, kind, body)
        assert status == OK or status in FAILURES, body
        assert status != "internal", (kind, body, said)
        if status == OK and kind in ANSWERED:
            language.read_reply(ANSWERED[kind], said)
        heard[kind].add(status)
    assert all("ok" in heard[kind] for kind in kinds if kind not in ("fetch", "pair")), heard
    assert crowd["a"].logged("fault") == []


def test_what_it_says_moves_nothing_between_others(crowd: Town) -> None:
    noise = Noise(3)
    before = crowd["a"].messages("dewi", "ani"), crowd["a"].messages("ani", "citra@c")
    members = crowd["a"].do("dewi", "group.members", group="rahasia")
    users = crowd["a"].rows("select name from users where realm = '' order by id")
    for place in range(REQUESTS // 3):
        kind = sorted(ASKED)[place % len(ASKED)]
        ask(crowd, kind, noise.body(kind))
    assert (crowd["a"].messages("dewi", "ani"), crowd["a"].messages("ani", "citra@c")) == before
    assert crowd["a"].do("dewi", "group.members", group="rahasia") == members
    assert crowd["a"].rows("select name from users where realm = '' order by id") == users
    assert crowd["a"].rows("select name from realms order by id") == [("b",), ("c",)]
