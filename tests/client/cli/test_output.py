"""What is shown: harmless for a terminal, and parseable."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.cli import output
from protocol.commands import ConversationInfo, LoginReply, Message, UserInfo, WhoamiReply

HARMFUL = [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@given(st.text())
def test_no_text_moves_a_terminal(text: str) -> None:
    harmful = set(map(chr, HARMFUL)) - {"\n", "\t"}
    assert not harmful & set(output.plain(text))
    assert "\n" not in output.one_line(text)


def test_an_escape_sequence_loses_its_escape() -> None:
    assert output.plain("\x1b[31mred\x1b]52;c;eA==\x07") == "[31mred]52;c;eA=="


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_second_line_cannot_look_like_a_message_of_its_own(end: str) -> None:
    message = Message(1, "ani", f"hello{end}2026-01-01 00:00:00 budi: I confess", 0, bytes(16))
    first, second = output.message_line(message).split("\n")
    assert first.endswith("ani: hello")
    assert second.startswith("    2026")


@given(st.text())
def test_every_json_line_is_one_line_that_says_the_same(text: str) -> None:
    line = output.json_line({"body": text})
    assert json.loads(line) == {"body": text}
    assert not set(map(chr, HARMFUL)) & set(line)
    assert len(line.splitlines()) == 1


def test_ids_are_hex_and_times_are_told_twice() -> None:
    message = Message(3, "budi", "hi", 1_795_248_341_669_597, bytes(range(16)))
    assert output.fields(message, conversation=2) == {
        "conversation": 2,
        "seq": 3,
        "from": "budi",
        "body": "hi",
        "sent_at": 1_795_248_341_669_597,
        "sent_at_iso": "2026-11-21T08:05:41.669597Z",
        "id": "000102030405060708090a0b0c0d0e0f",
    }


def test_a_time_that_never_was_is_null() -> None:
    assert output.fields(UserInfo("ani", False, 0))["last_seen_iso"] is None
    assert output.local_time(0) == "never"


@pytest.mark.parametrize(
    "struct",
    [
        WhoamiReply("ani", 1, "laptop", b"u" * 16, 1),
        LoginReply("ani", b"t" * 16, 1, b"u" * 16),
        ConversationInfo(1, "group", "#ops", b"c" * 16, 1, 1, 0, 1),
    ],
)
def test_tokens_and_topics_are_never_shown(struct: WhoamiReply | LoginReply | ConversationInfo) -> None:
    shown = output.fields(struct)
    assert not {"topic", "token"} & set(shown)
    assert not any(secret in str(shown.values()) for secret in ("7575", "7474", "6363"))


def test_columns_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    output.table([("ani", "creator"), ("budianto", "")])
    assert capsys.readouterr().out == "ani       creator\nbudianto\n"
    output.table([])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("terminal", "variables", "styled"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": ""}, True),
    ],
)
def test_only_a_terminal_that_wants_it_gets_styles(
    terminal: bool, variables: dict[str, str], styled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert (output.bold("x") == "\x1b[1mx\x1b[0m") is styled
    assert (output.dim("x") != "x") is styled
