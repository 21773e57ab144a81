"""Bad input to every command, on the real system: an error code, a sentence, and nothing changed.

The wrong bodies are made from the commands' own structs, so a new command is covered when it exists.
"""

from __future__ import annotations

import secrets
import types
import typing
from collections.abc import Iterator
from typing import Any

import msgpack
import msgspec
import pytest
import zmq

from benchmarks.own_server import OwnServer
from benchmarks.wire import PASSWORD, WireUser
from config.keys import gateway_secret
from protocol import limits
from protocol.commands import COMMANDS, Command
from protocol.envelope import pack_body, pack_request, unpack_body, unpack_reply

GOOD: dict[str, Any] = {
    "username": "ani",
    "password": PASSWORD,
    "device": "d",
    "token": b"t" * 16,
    "session": 1,
    "secret": b"s" * limits.GATEWAY_SECRET_BYTES,
    "old": PASSWORD,
    "new": PASSWORD,
    "user": "budi",
    "after": 0,
    "before": 10,
    "limit": 10,
    "to": "budi",
    "body": "hello",
    "id": b"i" * 16,
    "conversation": 1,
    "with": "budi",
    "seq": 1,
    "group": "ops",
    "size": 1,
    "name": "foto.png",
    "upload": b"u" * 16,
    "path": "foto.png",
}
BEGIN: dict[str, Any] = {"id": b"2" * 16, "size": 1}
"""An upload that lacks a place to go to."""
SENT: dict[str, Any] = {**BEGIN, "to": "budi"}
"""One that lacks a name."""


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    """One server for all of it: what one bad request does to the next shows."""
    with OwnServer(realm=True, settings={"password_memory_kib": 8, "password_passes": 1}) as server:
        yield server


@pytest.fixture(scope="module")
def ani(server: OwnServer) -> Iterator[WireUser]:
    """Ani, who knows budi and is in the group ops; through a gateway, so that all can be asked."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    user, budi = WireUser(context, server.connection), WireUser(context, server.connection)
    for one, name in ((user, "ani"), (budi, "budi")):
        one.call("auth.register", username=name, password=PASSWORD)
        one.login(name)
    user.call("gateway.introduce", secret=gateway_secret(server.home))
    user.call("group.create", group="ops")
    budi.call("group.create", group="budis", password="sesame")
    user.call("message.send", to="budi", body="first", id=b"1" * 16)
    yield user
    user.close()
    budi.close()
    context.term()


def wrong_values(kind: Any) -> list[Any]:
    """Values that do not fit a field of this type."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        return wrong_values(next(part for part in typing.get_args(kind) if part is not type(None)))
    if typing.get_origin(kind) is typing.Annotated:
        base, meta = typing.get_args(kind)
        more: list[Any] = []
        if meta.max_length is not None and meta.max_length < 2000:
            more.append(("x" if base is str else b"x") * (meta.max_length + 1))
        if meta.min_length and base is bytes:
            more.append(b"x" * (meta.min_length - 1))
        if meta.ge is not None:
            more.append(meta.ge - 1)
        return wrong_values(base) + more
    plain: dict[Any, list[Any]] = {
        str: [7, b"bytes", None, ["x"]],
        int: ["7", 1.5, b"7", -1, 2**64 - 1],
        bytes: ["text", 7, [1]],
        bool: [7, "true", b"1"],
    }
    return plain[kind]


def cases() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(command, what is wrong, body) for every field of every command."""
    for name, command in COMMANDS.items():
        if command.internal:
            continue
        for field in msgspec.structs.fields(command.request):
            good = good_body(command)
            if field.required:
                yield (
                    name,
                    f"no {field.encode_name}",
                    {k: v for k, v in good.items() if k != field.encode_name},
                )
            hint = typing.get_type_hints(command.request, include_extras=True)[field.name]
            for value in wrong_values(hint):
                if value is None and not field.required:
                    continue
                yield name, f"{field.encode_name} is {value!r:.30}", {**good, field.encode_name: value}


def good_body(command: Command) -> dict[str, Any]:
    """Every required field with a fitting value."""
    return {
        field.encode_name: GOOD[field.encode_name]
        for field in msgspec.structs.fields(command.request)
        if field.required
    }


def ask(user: WireUser, command: str, body: bytes, token: bytes | None = None) -> tuple[str, dict[str, Any]]:
    """Status and body of the answer."""
    user.commands.send(pack_request(1, user.token if token is None else token, command, body))
    assert user.commands.poll(10_000), "no answer"
    reply = unpack_reply(user.commands.recv())
    return reply.status, unpack_body(reply.body)


def state(user: WireUser) -> Any:
    """What bad input must not change."""
    return (
        user.call("conversation.list"),
        user.call("group.list"),
        user.call("message.history", **{"with": "budi"}),
        [session["session"] for session in user.call("auth.sessions")["sessions"]],
        user.call("user.whoami"),
        user.call("file.usage"),
        user.call("file.uploads"),
        user.call("file.list"),
    )


def test_every_field_of_every_command_is_checked(ani: WireUser) -> None:
    before = state(ani)
    tried = 0
    for command, wrong, body in cases():
        status, answer = ask(ani, command, pack_body(body))
        assert status in ("invalid", "too_large"), f"{command}, {wrong}: {status} {answer}"
        assert answer["message"].endswith("."), f"{command}, {wrong}: {answer}"
        tried += 1
    assert tried > 150
    assert state(ani) == before


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\xc1", "not msgpack"),
        (msgpack.packb([1, 2]), "no map"),
        (msgpack.packb("text"), "no map"),
        (msgpack.packb({1: 2}), "keys that are no text"),
        (msgpack.packb({"to": "budi"})[:-1], "cut off"),
        (b"\xdf\xff\xff\xff\xff", "a huge length"),
        (b"\x81\xa1a" + b"\x91" * 600 + b"\x00", "deep nesting"),
        (b"\x81\xa4body\xa3\xff\xfe\xfd", "no UTF-8"),
        (msgpack.packb({"a": msgpack.ExtType(5, b"x")}), "an ext type"),
    ],
)
def test_a_body_that_is_no_map_is_invalid_everywhere(ani: WireUser, body: bytes, why: str) -> None:
    for name, command in COMMANDS.items():
        if command.internal or not command.service:
            continue
        status, answer = ask(ani, name, body)
        assert status == "invalid", f"{name}: {why}: {status} {answer}"
        assert answer["message"]


def test_a_body_over_the_commands_limit_is_too_large(ani: WireUser) -> None:
    for name, command in COMMANDS.items():
        if not command.internal and command.limit < limits.REQUEST_MAX_BYTES - 100:
            status, answer = ask(ani, name, b"x" * (command.limit + 1))
            assert (status, answer["limit"]) == ("too_large", command.limit)


@pytest.mark.parametrize(
    ("command", "body", "status"),
    [
        ("gateway.introduce", {"secret": b"s" * 32}, "invalid_credentials"),
        ("gateway.user", {"user": "a b"}, "invalid"),
        ("auth.register", {"username": "ANI", "password": PASSWORD}, "conflict"),
        ("auth.register", {"username": "new", "password": "short"}, "invalid"),
        ("auth.register", {"username": "a b", "password": PASSWORD}, "invalid"),
        ("auth.register", {"username": "#ops", "password": PASSWORD}, "invalid"),
        ("auth.login", {"username": "ani", "password": "wrong password"}, "invalid_credentials"),
        ("auth.login", {"username": "nobody", "password": "wrong password"}, "invalid_credentials"),
        ("auth.resume", {"token": b"t" * 16}, "invalid_credentials"),
        ("auth.revoke", {"session": 10**9}, "not_found"),
        ("auth.password", {"old": "wrong password", "new": "another password"}, "invalid_credentials"),
        ("auth.password", {"old": PASSWORD, "new": "short"}, "invalid"),
        ("user.get", {"user": "nobody"}, "not_found"),
        ("message.send", {"to": "nobody", "body": "x", "id": b"2" * 16}, "not_found"),
        ("message.send", {"to": "#nowhere", "body": "x", "id": b"2" * 16}, "not_found"),
        ("message.send", {"to": "#budis", "body": "x", "id": b"2" * 16}, "forbidden"),
        ("message.send", {"to": "budi", "body": "", "id": b"2" * 16}, "invalid"),
        ("message.send", {"to": "budi", "body": "a\0b", "id": b"2" * 16}, "invalid"),
        ("message.send", {"to": "budi", "body": "x" * 65_537, "id": b"2" * 16}, "too_large"),
        ("message.send", {"to": "budi", "body": "x", "id": b"2" * 16, "after": b"9" * 16}, "conflict"),
        ("message.send", {"to": "bu di", "body": "x", "id": b"2" * 16}, "invalid"),
        ("message.history", {}, "invalid"),
        ("message.history", {"with": "nobody"}, "not_found"),
        ("message.history", {"with": "#budis"}, "forbidden"),
        ("message.history", {"conversation": 10**12}, "not_found"),
        ("message.read", {"with": "#budis", "seq": 1}, "forbidden"),
        ("message.typing", {"to": "#budis"}, "forbidden"),
        ("conversation.verify", {"with": "#budis"}, "forbidden"),
        ("group.create", {"group": "OPS"}, "conflict"),
        ("group.join", {"group": "budis"}, "invalid_credentials"),
        ("group.join", {"group": "budis", "password": "wrong"}, "invalid_credentials"),
        ("group.join", {"group": "nowhere"}, "not_found"),
        ("group.leave", {"group": "budis"}, "forbidden"),
        ("group.leave", {"group": "nowhere"}, "not_found"),
        ("group.members", {"group": "budis"}, "forbidden"),
        ("group.remove", {"group": "budis", "user": "budi"}, "forbidden"),
        ("group.remove", {"group": "ops", "user": "budi"}, "not_found"),
        ("file.begin", BEGIN, "invalid"),
        ("file.begin", SENT, "invalid"),
        ("file.begin", {**SENT, "name": "a", "path": "a"}, "invalid"),
        ("file.begin", {**BEGIN, "path": "a", "text": "look"}, "invalid"),
        ("file.begin", {**SENT, "name": ".."}, "invalid"),
        ("file.begin", {**SENT, "name": "../a"}, "invalid"),
        ("file.begin", {**SENT, "name": "a\0b"}, "invalid"),
        ("file.begin", {**SENT, "name": "a\nb"}, "invalid"),
        ("file.begin", {**SENT, "name": "photo\u202egnp.exe"}, "invalid"),
        ("file.begin", {**SENT, "name": "\u200b"}, "invalid"),
        ("file.begin", {**SENT, "name": "\u6f22" * 100}, "invalid"),
        ("file.begin", {**SENT, "name": "a", "text": "a\0b"}, "invalid"),
        ("file.begin", {**SENT, "name": "a", "text": "x" * 65_537}, "too_large"),
        ("file.begin", {**SENT, "name": "a", "size": 2**32 + 1}, "too_large"),
        ("file.begin", {**SENT, "name": "a", "to": "nobody"}, "not_found"),
        ("file.begin", {**SENT, "name": "a", "to": "#budis"}, "forbidden"),
        ("file.begin", {**BEGIN, "path": ""}, "invalid"),
        ("file.begin", {**BEGIN, "path": "../../etc/passwd"}, "invalid"),
        ("file.begin", {**BEGIN, "path": "a//b"}, "invalid"),
        ("file.begin", {**BEGIN, "path": "/".join("a" * 33)}, "invalid"),
        ("file.begin", {**BEGIN, "path": "nowhere/a"}, "not_found"),
        ("file.resume", {"upload": b"2" * 16}, "not_found"),
        ("file.finish", {"upload": b"2" * 16}, "not_found"),
        ("file.cancel", {"upload": b"2" * 16}, "not_found"),
        ("file.list", {"path": "a", "with": "budi"}, "invalid"),
        ("file.list", {"conversation": 1, "with": "budi"}, "invalid"),
        ("file.list", {"with": "budi", "after": "x"}, "invalid"),
        ("file.list", {"path": "nowhere"}, "not_found"),
        ("file.list", {"path": ".."}, "invalid"),
        ("file.list", {"with": "#budis"}, "forbidden"),
        ("file.stat", {}, "invalid"),
        ("file.stat", {"file": 1, "path": "a"}, "invalid"),
        ("file.stat", {"file": 10**12}, "not_found"),
        ("file.stat", {"path": "a"}, "not_found"),
        ("file.move", {"path": "a", "to": "b"}, "not_found"),
        ("file.move", {"path": "a", "to": "../b"}, "invalid"),
        ("file.move", {"path": "", "to": "b"}, "invalid"),
        ("file.delete", {}, "invalid"),
        ("file.delete", {"file": 10**12}, "not_found"),
        ("file.delete", {"path": "a"}, "not_found"),
        ("file.mkdir", {"path": ""}, "invalid"),
        ("file.mkdir", {"path": "a/b"}, "not_found"),
        ("file.mkdir", {"path": "a/../b", "parents": True}, "invalid"),
    ],
)
def test_what_cannot_be_done_is_refused(
    ani: WireUser, command: str, body: dict[str, Any], status: str
) -> None:
    before = state(ani)
    heard, answer = ask(ani, command, pack_body(body))
    assert (heard, bool(answer["message"])) == (status, True), answer
    assert state(ani) == before


def test_without_a_session_nothing_is_told(ani: WireUser) -> None:
    for name, command in COMMANDS.items():
        if command.session and not command.internal:
            for token in (b"", secrets.token_bytes(16), b"short"):
                status, _ = ask(ani, name, pack_body(good_body(command)), token)
                assert status == "unauthenticated", name
