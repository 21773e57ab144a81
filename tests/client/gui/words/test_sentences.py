"""Templates of sentences that come from elsewhere are held to the code that says them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.gui.words.sentences import CODES, SENTENCES, read
from protocol.errors import FAILURES

ROOT = Path(__file__).parents[4]
PLACE = re.compile(r"#?\{[^}]*\}")


def _texts(file: Path) -> set[str]:
    """Every text in a file of code, with {} for what is filled in."""
    found = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values]
            found.add(PLACE.sub("{}", "".join(parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def test_every_template_is_said_somewhere_as_it_stands() -> None:
    said: set[str] = set()
    for folder in ("services", "broker", "protocol", "client"):
        for file in (ROOT / folder).rglob("*.py"):
            said |= _texts(file) if "words" not in file.parts else set()
    missing = [template for template in SENTENCES if PLACE.sub("{}", template) not in said]
    assert not missing


@pytest.mark.parametrize(
    ("sentence", "filled"),
    [
        ("There is no user budi.", {"name": "budi"}),
        ("You are not a member of #team@b.", {"group": "#team@b"}),
        ("Too many wrong passwords; try again in 2 minutes.", {"time": "2 minutes"}),
        ("User name and password do not fit.", {}),
    ],
)
def test_a_sentence_is_read_back_into_what_filled_it(sentence: str, filled: dict[str, str]) -> None:
    known = read(sentence)
    assert known is not None
    assert known[1] == filled
    assert known[0].format(**filled) == sentence


def test_what_fits_no_template_is_none() -> None:
    assert read("There is no user budi. Nor citra") is None
    assert read("") is None


@given(st.text(max_size=300))
def test_whatever_is_read_back_is_the_sentence_again(text: str) -> None:
    for sentence in (text, f"There is no user {text}.", f"Only {text} may remove members of {text}."):
        known = read(sentence)
        assert known is None or known[0].format(**known[1]) == sentence


def test_a_sentence_that_is_too_long_to_be_a_refusal_is_not_looked_at() -> None:
    assert read(f"There is no user {'x' * 200}.") is not None
    assert read(f"There is no user {'x' * 500}.") is None


def test_codes_of_the_server_are_codes_of_the_protocol_or_our_own() -> None:
    assert set(CODES) - set(FAILURES) == {"no_answer", "wrong_key", "logged_out"}
