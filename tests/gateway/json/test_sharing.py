"""A command of the json dialect that waits, in a session whose owner logs out or becomes somebody else."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from gateway.json import Json
from protocol.errors import Unauthenticated
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.ftp_peer import at_ftp
from tests.gateway.imagined import Imagined, until_quiet
from tests.gateway.json_peer import JsonPeer

STRANGER = "Session Tidak Ditemukan"
PLACES = 8
"""For the files of one user at once."""


@pytest.mark.parametrize("logs_out", [False, True])
def test_nothing_said_with_a_token_is_done_as_somebody_else(town: Town, logs_out: bool) -> None:
    with JsonPeer(town) as ani, JsonPeer(town) as other, JsonPeer(town) as budi:
        citra = town.name("citra")
        ani.done(f"register {citra} {PASSWORD}")
        ani.enters(town.name("ani"))
        budi.enters(town.name("budi"))
        with contextlib.ExitStack() as all_places:
            for number in range(PLACES):
                peer = all_places.enter_context(at_ftp(town, ani.name))
                peer.says(b"PUT lama%d 1000000\nx" % number)
            budi.done("inbox")  # by now they have their places
            other.says(f"sendfile {ani.token} {budi.name} QQ== rahasia.txt\r\n".encode())
            other.hears_nothing()
            if logs_out:
                ani.done("logout")
            token = ani.done(f"auth {citra} {PASSWORD}")["token_id"]
        assert other.reply()["message"] == STRANGER
        assert budi.done("receivefile")["content"] == []
        ani.done("inbox")
        other.done(f"sendprivate {token} {budi.name} halo")
        assert budi.hears_of("inbox") == [(citra, "halo")]


async def test_that_a_session_has_ended_ends_none_that_was_begun_after_it() -> None:
    gateway = Imagined()
    ani, other = gateway.visit(Json), gateway.visit(Json)
    for wire in (ani, other):
        wire.says(b"halo\r\n")
    await until_quiet(ani, other)
    token = "01234567-89ab-cdef-0123-456789abcdef"
    await ani.visitor.login("ani", PASSWORD)
    owner = ani.visitor.dialect
    assert isinstance(owner, Json)
    owner._token, gateway.sessions[token] = token, owner
    session, gate = gateway.systems[0], asyncio.Event()

    async def send(to: str, body: str) -> None:
        await gate.wait()
        raise Unauthenticated("")

    session.send = send
    other.heard.clear()
    other.says(f"sendprivate {token} budi halo\r\n".encode())
    await until_quiet(other)
    await ani.visitor.login("citra", PASSWORD)
    gate.set()
    await until_quiet(other)
    assert STRANGER.encode() in other.said
    assert ani.visitor.logged_in
    for wire in (ani, other):
        wire.breaks()
    await until_quiet(ani, other)
