"""Every handler, given anything from anybody, on both engines: one answer each, never a fault of ours."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.backend import Call
from protocol.commands import COMMANDS
from protocol.errors import OK
from tests.fuzz.profile import FEW
from tests.fuzz.strategies import bodies_of, junk, packed, spoilt, texts
from tests.fuzz.town import PASSWORD, SERVICES, Town

CALLERS = 8
WELL: dict[str, tuple[str, dict[str, Any]]] = {
    "auth": ("user.whoami", {}),
    "messaging": ("message.send", {"to": "*", "body": "I am here", "id": b"dewi's first one"}),
    "group": ("group.create", {"group": "dewis"}),
    "file": ("file.begin", {"id": b"dewi's first one", "size": 3, "path": "surat.txt"}),
}
"""What dewi asks in the middle of it; nobody else can know or spoil it."""


def bodies(name: str) -> st.SearchStrategy[bytes]:
    """Bodies of one command, some of them with the right password."""
    fields = bodies_of(COMMANDS[name].request, wild=5)
    knowing = fields.map(
        lambda body: {**body, **{key: PASSWORD for key in body if key in ("password", "old")}}
    )
    whole = (fields | knowing).map(lambda body: bytes(msgpack.packb(body)))
    return st.one_of(whole, whole, whole, packed(fields), spoilt(whole), junk)


def calls_of(service: str) -> st.SearchStrategy[tuple[int, str, bytes, bool]]:
    """(caller, command, body, devices) for a service, sometimes with a command that is not its own."""
    names = sorted(name for name, row in COMMANDS.items() if row.service == service)
    right = st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), bodies(name)))
    wrong = st.tuples(st.sampled_from(sorted(COMMANDS)) | texts, junk)
    return st.tuples(
        st.integers(0, CALLERS - 1), st.one_of(right, right, right, right, right, wrong), st.booleans()
    ).map(lambda drawn: (drawn[0], *drawn[1], drawn[2]))


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_call_gets_one_answer_and_spoils_nobody_elses(service: str, database: str) -> None:
    @settings(
        FEW, max_examples=FEW.max_examples // (5 if database else 1), suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(calls_of(service), min_size=1, max_size=8), st.integers(0, 8))
    def holds(drawn: list[tuple[int, str, bytes, bool]], place: int) -> None:
        with tempfile.TemporaryDirectory() as home:
            town = Town(Path(home), database)
            try:
                answered(town, service, drawn, place)
            finally:
                town.close()

    holds()


def answered(town: Town, service: str, drawn: list[tuple[int, str, bytes, bool]], place: int) -> None:
    """Run the batch with dewi in its midst; what came of it is sound, and she got what she asked for."""
    calls = [Call(0, command, *town.callers[who], devices, body) for who, command, body, devices in drawn]
    command, fields = WELL[service]
    place = min(place, len(calls))
    calls.insert(place, town.call(town.dewi, command, **fields))
    done = town.run(service, calls)
    assert town.sound(calls, done)[place] == OK
    again = town.run(service, calls)
    town.sound(calls, again)
