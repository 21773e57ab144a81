"""Every failure has an exit code, and hints say what to type."""

from __future__ import annotations

import pytest

from client import errors as ours
from client.cli import exits
from client.errors import ClientError
from protocol import errors
from protocol.errors import FAILURES, Failure

EXPECTED = {
    "invalid": 2,
    "unauthenticated": 3,
    "invalid_credentials": 3,
    "forbidden": 3,
    "not_found": 4,
    "conflict": 1,
    "too_large": 1,
    "rate_limited": 5,
    "busy": 5,
    "unavailable": 5,
    "version": 1,
    "internal": 1,
}


def test_every_code_of_the_protocol_is_in_the_table_below() -> None:
    assert set(EXPECTED) == set(FAILURES)


@pytest.mark.parametrize(("code", "exit_code"), EXPECTED.items())
def test_a_refusal_ends_with_its_code(code: str, exit_code: int) -> None:
    assert exits.code_of(FAILURES[code]("No.")) == exit_code


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (ours.Timeout("late"), 5),
        (ours.Offline("gone"), 6),
        (ours.LoggedOut("over"), 3),
        (ours.WrongServerKey(), 3),
        (ours.Closed("closed"), 1),
    ],
)
def test_no_answer_ends_with_its_code(error: ClientError, exit_code: int) -> None:
    assert exits.code_of(error) == exit_code


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.NotFound("There is no group #ops."), "pesan group list"),
        (errors.NotFound("There is no user ops."), "'#name'"),
        (errors.NotFound("You have no session 3."), "pesan sessions"),
        (errors.Forbidden("You are not a member of #ops.x."), "(pesan group join ops.x)"),
        (errors.Forbidden("Only ani, who created it, may remove members of #ops."), ""),
        (errors.Conflict("The name ani is taken."), ""),
    ],
)
def test_a_hint_says_what_to_type(error: Failure, said: str) -> None:
    hint = exits.hint(error)
    assert said in hint
    assert bool(said) == bool(hint)
