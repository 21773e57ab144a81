"""What a realm was asked, for tests about what one server tells another: kind and typed body, in order."""

from __future__ import annotations

from typing import Any, TypeVar

from protocol import realms as language
from protocol.backend import Call
from protocol.body import Body
from protocol.envelope import pack_body, unpack_body
from protocol.errors import OK, failure
from protocol.realms import PeerCall
from tests.realms.town import Realm

T = TypeVar("T", bound=Body)


class Overheard:
    """Begins to listen at a realm's socket."""

    def __init__(self, realm: Realm) -> None:
        self.said: list[tuple[str, Body]] = []
        passed_to = realm.asked

        def asked(key: bytes, route: Any, frame: bytes) -> None:
            _, kind, body = language.unpack(frame)
            self.said.append((kind, language.read(kind, body)))
            passed_to(key, route, frame)

        realm.asked = asked  # type: ignore[method-assign]

    def of(self, shape: type[T]) -> list[T]:
        """What was asked of this kind."""
        return [body for _, body in self.said if isinstance(body, shape)]


def report(realm: Realm, online: list[str] | None = None, offline: list[str] | None = None) -> None:
    """Have the realm's broker say who came and who went."""
    numbers = {name: person.user_id for name, person in realm.people.items()}
    body = {
        "broker": b"b" * 16,
        "online": [numbers[name] for name in online or []],
        "offline": [numbers[name] for name in offline or []],
    }
    ((status, answer),) = realm.take([Call(1, "presence.report", 0, "", 0, False, pack_body(body))])
    assert status == OK, unpack_body(answer)


def ask_as_peer(realm: Realm, peer: str, kind: str, body: Body) -> dict[str, Any]:
    """Ask a realm something as ``peer`` might, past its own rules. Raises the refusal."""
    answers: list[tuple[str, bytes]] = []
    house = realm.house
    assert house is not None
    try:
        house.asked_table[kind](house, house.peers[peer], body, lambda *answer: answers.append(answer))
        while not answers:
            house.turn()
    finally:
        realm.turn()
    ((status, packed),) = answers
    if status != OK:
        raise failure(status, unpack_body(packed))
    return unpack_body(packed)


def call_as_peer(realm: Realm, peer: str, user: str, command: str, /, **fields: Any) -> dict[str, Any]:
    """The same for a command of one of the peer's users."""
    return ask_as_peer(realm, peer, "call", PeerCall(user, command, pack_body(fields)))
