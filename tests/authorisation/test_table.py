"""Every outcome that the table promises, at every door; and that the table leaves nothing out."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.own_server import ROOT
from protocol.bulk import BULK
from protocol.commands import COMMANDS
from protocol.errors import FAILURES, OK
from tests.authorisation.aims import fields
from tests.authorisation.doors import DOORS, Bulk, BulkSeat, Wire
from tests.authorisation.page import markdown
from tests.authorisation.stage import Stage
from tests.authorisation.table import CODES, Case, cases, rows

PUBLIC = {name for name, row in COMMANDS.items() if not row.internal}
NEED_SESSION = {name for name in PUBLIC if COMMANDS[name].session} | BULK.keys()
INTERNAL = sorted(COMMANDS.keys() - PUBLIC)


def at_doors() -> list[tuple[str, Case]]:
    """(door, case) for every command that can be said at the door."""
    said = {name: getattr(door, "commands", PUBLIC) for name, door in DOORS.items()}
    return [(door, case) for door in DOORS for case in cases() if case.command in said[door]]


@pytest.mark.parametrize(("door", "case"), at_doors(), ids=str)
def test_the_outcome_is_the_one_in_the_table(stage: Stage, door: str, case: Case) -> None:
    with stage.scene(door, case) as scene:
        outcome = scene.seats[case.state].do(case.command, **fields(scene, case))
    assert outcome.code == case.code, outcome.body


def test_every_command_has_a_row() -> None:
    assert {row.command for row in rows()} == PUBLIC | BULK.keys()
    assert Wire.commands >= PUBLIC
    assert Bulk.commands >= BULK.keys()


def test_no_two_rows_are_about_the_same() -> None:
    count = Counter((row.command, row.about) for row in rows())
    assert set(count.values()) == {1}


def test_a_command_of_a_session_does_nothing_without_one() -> None:
    for row in rows():
        if row.command in NEED_SESSION:
            assert {row.none, row.ended} == {"unauthenticated"}, row
        else:
            assert "unauthenticated" not in (row.none, row.ended), row


def test_every_row_has_a_case_and_only_codes_of_the_protocol() -> None:
    assert all(row.relations for row in rows())
    assert set(CODES.values()) <= {OK, *FAILURES}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("command", INTERNAL)
@pytest.mark.parametrize("state", ["none", "logged in"])
def test_what_only_the_broker_may_say_is_unknown_at_every_door(
    stage: Stage, door: str, command: str, state: str
) -> None:
    with stage.scene(door, Case(command, "-", state, "self", "not_found")) as scene:
        outcome = scene.seats[state].do(command, broker=b"b" * 16, online=[1])
        unknown = scene.seats[state].do("no.such")
    assert outcome.code == unknown.code == "not_found"
    assert outcome.body["message"].replace(command, "no.such") == unknown.body["message"]


@pytest.mark.parametrize("state", ["none", "logged in"])
def test_what_belongs_to_the_other_socket_is_unknown_on_this_one(stage: Stage, state: str) -> None:
    with stage.scene("bulk", Case("chunk.put", "an upload", state, "self", "ok")) as scene:
        seat = scene.seats[state]
        assert isinstance(seat, BulkSeat)
        for name in sorted(PUBLIC):
            assert seat.line.do(seat.token, name).code in ("not_found", "unauthenticated"), name
        for name in sorted(BULK):
            answered = seat.answer_to(name, upload=b"u" * 16, offset=0)
            assert answered.code == "not_found", name


def test_there_are_commands_that_only_the_broker_may_say() -> None:
    assert INTERNAL


def test_the_document_shows_the_table_as_it_is() -> None:
    document = (ROOT / "docs" / "AUTHORISATION.md").read_text(encoding="utf-8")
    shown = document.partition("<!-- table -->")[2].partition("<!-- /table -->")[0]
    assert shown.strip() == markdown().strip(), "python -m tests.authorisation prints what belongs there"
