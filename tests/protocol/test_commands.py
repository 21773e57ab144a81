"""The table of commands, and the way from packed bytes to a typed request."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings
from protocol import limits
from protocol.commands import (
    BY_ADDRESS,
    COMMANDS,
    SERVICES,
    Body,
    History,
    Login,
    Message,
    OnlineReply,
    Rate,
    Send,
    body_of,
    convert,
    read,
)
from protocol.envelope import pack_body, pack_request, unpack_body
from protocol.errors import Invalid

ID = b"i" * limits.MESSAGE_ID_BYTES
SAMPLES: dict[str, dict[str, Any]] = {
    "gateway.introduce": {"secret": b"s" * limits.GATEWAY_SECRET_BYTES},
    "gateway.user": {"user": "ani"},
    "auth.register": {"username": "ani", "password": "x"},
    "auth.login": {"username": "ani", "password": "x"},
    "auth.resume": {"token": b"t" * limits.TOKEN_BYTES},
    "auth.revoke": {"session": 1},
    "auth.password": {"old": "x", "new": "y"},
    "user.get": {"user": "ani"},
    "message.send": {"to": "budi", "body": "halo", "id": ID},
    "message.broadcast": {"body": "halo", "id": ID},
    "message.deliver": {"to": "ani", "body": "halo", "id": ID, "sent_at": 5},
    "message.read": {"with": "budi", "seq": 1},
    "message.typing": {"to": "budi"},
    "group.create": {"group": "ops"},
    "group.join": {"group": "ops"},
    "group.leave": {"group": "ops"},
    "group.members": {"group": "ops"},
    "group.remove": {"group": "ops", "user": "ani"},
    "file.begin": {"id": ID, "size": 5, "to": "budi", "name": "foto.png"},
    "file.resume": {"upload": ID},
    "file.finish": {"upload": ID},
    "file.cancel": {"upload": ID},
    "file.move": {"path": "a", "to": "b"},
    "file.mkdir": {"path": "a"},
    "presence.report": {"broker": b"b"},
}
"""The least body of each command that needs one."""

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


# --- the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_row_of_the_table_is_sane(name: str) -> None:
    row = COMMANDS[name]
    noun, verb = name.split(".")
    assert noun.isalpha() and verb.isalpha()
    assert len(name) <= limits.COMMAND_MAX_LENGTH
    assert row.service in (*SERVICES, "")
    assert issubclass(row.request, Body) and issubclass(row.reply, Body)
    assert row.service or not row.writes, "the broker itself writes nothing"
    if not row.internal:
        whole = pack_request(2**64 - 1, b"t" * limits.TOKEN_BYTES, "x" * limits.COMMAND_MAX_LENGTH, b"")
        curve = 33  # bytes that encryption adds to what libzmq counts
        assert row.limit + len(whole) + 4 + curve <= limits.REQUEST_MAX_BYTES


def test_the_services_are_those_of_the_design() -> None:
    assert SERVICES == ("auth", "file", "group", "messaging", "realm")


def test_only_these_need_no_session() -> None:
    assert {row.name for row in COMMANDS.values() if not row.session} == {
        "server.hello",
        "gateway.introduce",
        "gateway.user",
        "auth.register",
        "auth.login",
        "auth.resume",
        "presence.report",
    }


def test_whatever_takes_a_users_password_or_ends_a_session_or_finds_names_is_metered_by_address() -> None:
    takes = {"auth.register", "auth.login", "auth.password"}
    finds = {"gateway.user"}
    ends = {"auth.logout", "auth.revoke"}  # everyone who shares a group asks for topics anew
    assert {row.name for row in COMMANDS.values() if row.rate is Rate.ENTRY} == takes | ends | finds


def test_groups_are_entered_by_address_so_that_accounts_are_worth_nothing() -> None:
    assert {row.name for row in COMMANDS.values() if row.rate is Rate.GROUP} == {"group.create", "group.join"}
    assert Rate.GROUP in BY_ADDRESS, "and the worker is told the address"


def test_only_the_server_itself_reports_presence_and_delivers_what_came_from_other_realms() -> None:
    internal = {row.name for row in COMMANDS.values() if row.internal}
    assert internal == {"presence.report", "message.deliver"}


def test_what_may_not_be_repeated_is_what_a_second_try_would_fail_at() -> None:
    once = {row.name for row in COMMANDS.values() if not row.retry}
    of_groups, of_files = {"create", "leave", "remove"}, {"move", "delete", "mkdir"}
    groups, tree = {f"group.{verb}" for verb in of_groups}, {f"file.{verb}" for verb in of_files}
    assert once == {"auth.register", *groups, *tree}


def test_the_longest_message_that_can_be_set_fits_its_commands() -> None:
    bounds = msgspec.inspect.type_info(Settings)
    assert isinstance(bounds, msgspec.inspect.StructType)
    (field,) = [field for field in bounds.fields if field.name == "message_max_bytes"]
    assert isinstance(field.type, msgspec.inspect.IntType) and field.type.le
    body = {"to": "x" * 128, "body": "x" * field.type.le, "id": ID, "after": ID}
    for name in ("message.send", "message.broadcast"):
        assert len(pack_body(body)) <= COMMANDS[name].limit
    place = {"to": "x" * 128, "name": "x" * 255, "size": 2**63 - 1, "sha256": b"h" * 32, "replace": True}
    begin = {"id": ID, "text": body["body"], **place}
    assert len(pack_body(begin)) <= COMMANDS["file.begin"].limit


def test_the_longest_paths_fit_their_commands() -> None:
    longest = "\U0001f511" * limits.PATH_MAX_LENGTH
    for name, fields in (
        ("file.begin", {"id": ID, "size": 1, "path": longest, "text": "x" * 98_304}),
        ("file.list", {"path": longest, "after": "\U0001f511" * 255}),
        ("file.stat", {"path": longest}),
        ("file.move", {"path": longest, "to": longest}),
        ("file.delete", {"path": longest}),
        ("file.mkdir", {"path": longest}),
    ):
        packed = pack_body(fields)
        assert len(packed) <= COMMANDS[name].limit
        read(COMMANDS[name], packed)


def test_the_longest_passwords_fit_their_commands() -> None:
    longest = "\U0001f511" * limits.PASSWORD_MAX_LENGTH
    for name, fields in (
        ("auth.register", {"username": "x" * 32, "password": longest}),
        ("auth.login", {"username": "x" * 32, "password": longest, "device": "\U0001f511" * 64}),
        ("auth.password", {"old": longest, "new": longest}),
        ("group.create", {"group": "x" * 32, "password": longest}),
        ("group.join", {"group": "x" * 32, "password": longest}),
    ):
        packed = pack_body(fields)
        assert len(packed) <= COMMANDS[name].limit
        read(COMMANDS[name], packed)


# --- from bytes to a request --------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_least_body_is_enough_and_survives_the_way_there_and_back(name: str) -> None:
    row = COMMANDS[name]
    request = read(row, pack_body(SAMPLES.get(name, {})))
    assert type(request) is row.request
    assert body_of(request) == SAMPLES.get(name, {}), "defaults are left out"
    assert read(row, pack_body(body_of(request))) == request


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, fields in SAMPLES.items() for field in fields]
)
def test_a_field_that_is_missing_or_of_the_wrong_type_is_named(name: str, field: str) -> None:
    row, whole = COMMANDS[name], SAMPLES[name]
    required = {info.encode_name for info in msgspec.structs.fields(row.request) if info.required}
    wrong: tuple[Any, ...] = (1.5, True, [], {})
    for value in wrong:
        with pytest.raises(Invalid, match=rf"\$\.{field}`"):
            read(row, pack_body({**whole, field: value}))
    if field in required:
        lacking = {key: value for key, value in whole.items() if key != field}
        with pytest.raises(Invalid, match=f"missing required field `{field}`"):
            read(row, pack_body(lacking))


@pytest.mark.parametrize(
    ("name", "fields", "named"),
    [
        ("auth.register", {"username": ""}, "username"),
        ("auth.register", {"username": "x" * 34}, "username"),
        ("auth.register", {"password": "x" * 1025}, "password"),
        ("auth.login", {"device": "x" * 65}, "device"),
        ("auth.login", {"device": None}, "device"),
        ("auth.resume", {"token": b"t" * 15}, "token"),
        ("auth.resume", {"token": "t" * 16}, "token"),
        ("auth.revoke", {"session": 0}, "session"),
        ("auth.revoke", {"session": 2**63}, "session"),
        ("message.send", {"to": ""}, "to"),
        ("message.send", {"to": "x" * 129}, "to"),
        ("message.send", {"body": b"bytes"}, "body"),
        ("message.send", {"id": b"i" * 17}, "id"),
        ("message.send", {"after": b""}, "after"),
        ("message.history", {"conversation": 0}, "conversation"),
        ("message.history", {"with": 5}, "with"),
        ("message.history", {"after": -1}, "after"),
        ("message.history", {"before": 1.0}, "before"),
        ("message.history", {"limit": 0}, "limit"),
        ("message.history", {"limit": 1001}, "limit"),
        ("user.list", {"limit": 1001}, "limit"),
        ("user.online", {"limit": 10_001}, "limit"),
        ("user.online", {"after": "x" * 33}, "after"),
        ("file.begin", {"size": -1}, "size"),
        ("file.begin", {"size": 2**63}, "size"),
        ("file.begin", {"name": ""}, "name"),
        ("file.begin", {"name": "x" * 256}, "name"),
        ("file.begin", {"path": "x" * 1025}, "path"),
        ("file.begin", {"sha256": b"h" * 31}, "sha256"),
        ("file.begin", {"replace": None}, "replace"),
        ("file.finish", {"sha256": b""}, "sha256"),
        ("file.list", {"after": "x" * 256}, "after"),
        ("file.list", {"conversation": 0}, "conversation"),
        ("file.stat", {"file": 0}, "file"),
        ("file.delete", {"recursive": 1}, "recursive"),
        ("presence.report", {"online": [2**63]}, r"online\[0\]"),
        ("presence.report", {"offline": [0]}, r"offline\[0\]"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_a_sentence_that_names_the_field(
    name: str, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(Invalid, match=rf"\$\.{named}`") as error:
        read(COMMANDS[name], pack_body({**SAMPLES.get(name, {}), **fields}))
    assert error.value.message.endswith(".")


def test_text_in_base64_is_no_bin() -> None:
    with pytest.raises(Invalid, match="token"):
        read(COMMANDS["auth.resume"], pack_body({"token": base64.b64encode(b"t" * 16).decode()}))


def test_an_optional_field_may_be_nil() -> None:
    request = read(
        COMMANDS["message.history"], pack_body({"with": "budi", "after": None, "conversation": None})
    )
    assert request == History(address="budi")


def test_unknown_fields_are_ignored() -> None:
    body = pack_body({"username": "ani", "password": "x", "novelty": [{"deep": 1}]})
    assert read(COMMANDS["auth.login"], body) == Login("ani", "x")


@given(st.sampled_from(sorted(COMMANDS)), st.dictionaries(st.text(max_size=8), values, max_size=4), st.data())
def test_any_body_becomes_a_request_or_a_sentence(
    name: str, junk: dict[str, Any], data: st.DataObject
) -> None:
    fields = [info.encode_name for info in msgspec.structs.fields(COMMANDS[name].request)]
    spoilt = {field: data.draw(values) for field in fields if data.draw(st.booleans())}
    try:
        request = read(COMMANDS[name], pack_body({**SAMPLES.get(name, {}), **junk, **spoilt}))
    except Invalid as error:
        assert error.message.endswith(".")
    else:
        assert type(request) is COMMANDS[name].request


@given(
    st.text(min_size=1, max_size=128),
    st.text(max_size=200),
    st.binary(min_size=16, max_size=16),
    st.none() | st.binary(min_size=16, max_size=16),
)
def test_a_send_survives_the_wire(to: str, body: str, id: bytes, after: bytes | None) -> None:
    request = Send(to, body, id, after)
    assert read(COMMANDS["message.send"], pack_body(body_of(request))) == request


# --- replies ------------------------------------------------------------------------------------


def test_words_that_python_keeps_for_itself_travel_under_their_own_names() -> None:
    message = Message(1, "ani", "halo", 5, ID)
    assert body_of(message) == {"seq": 1, "from": "ani", "body": "halo", "sent_at": 5, "id": ID}
    assert convert(body_of(message), Message) == message


def test_a_reply_packed_by_msgspec_is_the_same_as_one_packed_by_msgpack() -> None:
    for reply in (Message(1, "ani", "halo", 5, ID), OnlineReply(["ani"]), OnlineReply(["ani"], True)):
        assert msgspec.msgpack.encode(reply) == pack_body(body_of(reply))


def test_a_reply_of_a_later_release_may_have_more_fields_and_fewer_of_those_with_defaults() -> None:
    assert convert({"users": ["ani"], "novelty": 1}, OnlineReply) == OnlineReply(["ani"], False)


def test_bytes_stay_bytes_on_the_wire() -> None:
    assert unpack_body(pack_body(body_of(Send("budi", "halo", ID))))["id"] == ID
