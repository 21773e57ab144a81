"""The log's lines of those who have no session."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from config.log import Action
from protocol.backend import Call
from services import strangers


def call(command: str, fields: Any) -> Call:
    return Call(1, command, 0, "", 0, False, msgpack.packb(fields), "192.0.2.7")


@pytest.mark.parametrize("command", ["auth.login", "auth.register"])
def test_the_name_that_was_tried_and_the_address_are_logged(command: str) -> None:
    tried = call(command, {"username": "Ani", "password": "rahasia sekali"})
    line = strangers.action(tried, "invalid_credentials", 5)
    assert line == Action("Ani", command, "invalid_credentials", 5, "192.0.2.7")
    assert "rahasia" not in repr(line)


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("auth.login", {"username": "not a name", "password": "rahasia sekali"}),
        ("auth.login", {"password": "rahasia sekali"}),
        ("auth.login", ["rahasia sekali"]),
        ("auth.resume", {"token": b"rahasia sekali 1"}),
        ("no.command", {"username": "ani"}),
    ],
)
def test_of_anything_else_only_the_address_is_logged(command: str, fields: Any) -> None:
    line = strangers.action(call(command, fields), "invalid", 5)
    assert line == Action("", command, "invalid", 5, "192.0.2.7")
