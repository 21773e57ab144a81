"""People and groups of other realms in the json dialect: whom a line means, and whose realm is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.json import NO_ACCESS, NO_GROUP, Json
from gateway.json_files import NO_USER
from protocol.errors import Forbidden, NotFound
from tests.gateway.abroad import Abroad, Here
from tests.gateway.imagined import Wire, within


async def entered() -> tuple[Wire, Abroad]:
    """(wire, session) of ani, who has logged in."""
    gateway = Here()
    wire = gateway.visit(Json)
    await asks(wire, "auth ani rahasia-sekali")
    return wire, gateway.systems[0]


async def asks(wire: Wire, line: str) -> dict[str, Any]:
    """The reply to a line."""
    wire.heard.clear()
    wire.says(f"{line}\r\n".encode())
    await within(lambda: wire.said.endswith(b"\r\n\r\n") and not wire.visitor.busy)
    reply: dict[str, Any] = json.loads(wire.said)
    return reply


DONE = {
    "sendprivate budi@b halo  semua": "send budi@b halo  semua",
    "sendprivate Budi@B halo": "send Budi@b halo",
    "sendprivate dewi@HERE halo": "send dewi halo",
    "sendgroup team@b halo": "send #team@b halo",
    "sendgroup ops@here halo": "send #ops halo",
    "joingroup team@b": "join team@b",
    "joingroup team b": "join team@b",
    "joingroup team@b B": "join team@b",
    "joingroup ops here": "join ops",
    "joingroup ops@here here": "join ops",
}


@pytest.mark.parametrize("line", DONE)
async def test_a_name_with_a_realm_is_somebody_there_and_with_ours_somebody_here(line: str) -> None:
    wire, session = await entered()
    assert (await asks(wire, line))["status"] == "OK"
    assert session.log == [DONE[line]]
    wire.breaks()


NOT_DONE = {
    "sendprivate budi@ halo": NO_USER,
    "sendprivate budi@b@c halo": NO_USER,
    "sendprivate budi@b_c halo": NO_USER,
    "sendprivate @b halo": NO_USER,
    "sendprivate #ops@b halo": NO_USER,
    "sendgroup #team@b halo": NO_ACCESS,
    "joingroup team@b c": NO_GROUP,
    "joingroup team b_c": NO_GROUP,
    "inboxgroup team@b here": NO_ACCESS,
    "inboxgroup team c": NO_ACCESS,
    # The word that cannot be a token is somebody's name there, and in its place is nobody's here.
    "sendprivate lost budi@b halo": Json.STRANGER,
}


@pytest.mark.parametrize("line", NOT_DONE)
async def test_what_names_nobody_is_refused_without_asking_a_realm(line: str) -> None:
    wire, session = await entered()
    session.fails = NotFound("Nobody is called so.")
    reply = await asks(wire, line)
    assert (reply["status"], reply["message"]) == ("ERROR", NOT_DONE[line])
    wire.breaks()


@pytest.mark.parametrize("error", [NotFound("There is no user budi@b."), Forbidden("b is blocked.")])
async def test_a_realm_that_refuses_has_nobody_and_no_group(error: Exception) -> None:
    wire, session = await entered()
    session.fails = error
    assert (await asks(wire, "sendprivate budi@b halo"))["message"] == NO_USER
    assert (await asks(wire, "joingroup team@b"))["message"] == NO_GROUP
    assert (await asks(wire, "sendgroup team@b halo"))["message"] == NO_ACCESS
    wire.breaks()


async def test_of_whom_nothing_was_heard_there_is_nothing_and_of_a_strange_realm_it_was_no_name() -> None:
    wire, _ = await entered()
    assert (await asks(wire, "inbox eka@b"))["messages"] == []
    assert (await asks(wire, "inbox eka@elsewhere"))["message"] == Json.STRANGER
    wire.breaks()


async def test_an_inbox_tells_bare_names_and_the_realm_of_each() -> None:
    wire, _ = await entered()
    shown = (await asks(wire, "inbox"))["messages"]
    assert {(one["sender"], one["sender_realm"]) for one in shown} == {("budi", "b"), ("dewi", "here")}
    assert {(one["receiver"], one["receiver_realm"]) for one in shown} == {("ani", "here")}
    wire.breaks()


async def test_a_conversation_across_realms_tells_both_ends_of_each_message() -> None:
    wire, _ = await entered()
    shown = (await asks(wire, "inbox budi@b"))["messages"]
    ends = [[one[key] for key in ("sender", "sender_realm", "receiver", "receiver_realm")] for one in shown]
    assert ends == [["budi", "b", "ani", "here"], ["ani", "here", "budi", "b"]]
    wire.breaks()


@pytest.mark.parametrize("line", ["inboxgroup team@b", "inboxgroup team b"])
async def test_a_group_of_another_realm_has_members_of_several(line: str) -> None:
    wire, _ = await entered()
    shown = (await asks(wire, line))["messages"]
    senders = [(one["sender"], one["sender_realm"]) for one in shown]
    assert senders == [("budi", "b"), ("citra", "c"), ("ani", "here"), ("dewi", "here")]
    assert {(one["receiver_group"], one["receiver_realm"]) for one in shown} == {("team", "b")}
    wire.breaks()


async def test_the_list_of_groups_tells_the_realm_of_each() -> None:
    wire, _ = await entered()
    [group] = (await asks(wire, "getallgroups"))["groups"]
    assert group == {"username": "ani", "groupname": "team", "realm_id": "b"}
    wire.breaks()
