"""The closed list of errors, on its way over the wire and back."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import errors
from protocol.envelope import pack_body, unpack_body
from protocol.errors import FAILURES, OK, Busy, Conflict, Failure, Internal, Retry, failure

CODES = (
    "invalid",
    "unauthenticated",
    "invalid_credentials",
    "forbidden",
    "not_found",
    "conflict",
    "too_large",
    "rate_limited",
    "busy",
    "unavailable",
    "version",
    "internal",
)


def test_the_list_is_closed() -> None:
    assert tuple(FAILURES) == CODES
    assert OK not in FAILURES


def test_every_exception_of_the_module_is_on_the_list_under_its_own_code() -> None:
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Failure) and kind is not Failure
    }
    assert kinds == set(FAILURES.values())
    assert all(kind.code == code for code, kind in FAILURES.items())


def test_each_code_has_its_retry_rule() -> None:
    rules = {code: kind.retry for code, kind in FAILURES.items()}
    assert rules.pop("unauthenticated") is Retry.RESUME
    for code in ("rate_limited", "busy", "unavailable"):
        assert rules.pop(code) is Retry.LATER
    assert set(rules.values()) == {Retry.NEVER}


@pytest.mark.parametrize("code", CODES)
def test_an_error_survives_the_wire(code: str) -> None:
    sent = FAILURES[code]("Not now.", retry_after=0.5, missing=b"x" * 16, limit=3)
    heard = failure(code, unpack_body(pack_body(sent.body())))
    assert type(heard) is FAILURES[code]
    assert (heard.message, heard.fields) == (sent.message, sent.fields)
    assert str(heard) == "Not now."


def test_an_unknown_code_is_a_fault_of_the_servers_that_names_it() -> None:
    heard = failure("teapot", {"message": "Short and stout.", "spout": 1})
    assert type(heard) is Internal
    assert "teapot" in heard.message and "Short and stout." in heard.message
    assert heard.fields == {"spout": 1}


@pytest.mark.parametrize("body", [{}, {"message": None}, {"message": 5}, {"message": b"bytes"}])
def test_an_error_without_a_sentence_still_says_its_code(body: dict[str, Any]) -> None:
    assert "conflict" in failure("conflict", body).message


@given(st.text(max_size=30), st.dictionaries(st.text(max_size=12), st.integers() | st.text(), max_size=5))
def test_any_error_body_becomes_an_exception(code: str, body: dict[str, Any]) -> None:
    assert isinstance(failure(code, body), Failure)


def test_a_field_may_have_any_name_even_that_of_a_parameter() -> None:
    assert failure("busy", {"self": 1, "cls": 2, "fields": 3}).fields == {"self": 1, "cls": 2, "fields": 3}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0.25, 0.25),
        (2, 2.0),
        (0, 0.0),
        (None, 0.1),
        ("soon", 0.1),
        (-1, 0.1),
        (math.nan, 0.1),
        (math.inf, 0.1),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_tenth(value: Any, seconds: float) -> None:
    assert Busy("Full.", retry_after=value).retry_after == seconds
    assert Busy("Full.").retry_after == 0.1


def test_the_sentence_cannot_be_replaced_by_a_field() -> None:
    assert Conflict("Taken.", id=b"1").body() == {"message": "Taken.", "id": b"1"}
