"""What is shown: harmless for a terminal, and parseable."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.cli import output
from protocol.commands import ConversationInfo, LoginReply, Message, UserInfo, WhoamiReply
from protocol.events import MessageEvent
from protocol.files import FileInfo

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


# --- files ------------------------------------------------------------------------------------------

REPORT = FileInfo(17, "report.pdf", 3_400_000, "application/pdf", bytes(range(32)))


def test_a_message_with_a_file_shows_its_number_name_and_size() -> None:
    message = Message(3, "budi", "report.pdf", 0, bytes(16), REPORT)
    assert output.message_line(message) == "never budi: [file 17] report.pdf, 3.4 MB"


def test_a_text_that_came_with_a_file_stands_above_it() -> None:
    event = MessageEvent(1, 3, "budi", "ani", "see page 3\nand 4", 0, bytes(16), REPORT)
    said = "budi: see page 3\n    and 4\n    [file 17] report.pdf, 3.4 MB"
    assert output.message_line(event).endswith(said)


def test_a_deleted_file_is_told() -> None:
    gone = FileInfo(17, "report.pdf", 1, "text/plain", b"", gone=True)
    message = Message(3, "budi", "report.pdf", 0, bytes(16), gone)
    assert output.said(message) == "[file 17, deleted] report.pdf, 1 byte"


@given(st.text())
def test_the_name_of_a_file_moves_no_terminal_and_makes_no_line(name: str) -> None:
    info = FileInfo(17, name, 5, "text/plain", bytes(32))
    line = output.said(Message(3, "budi", name, 0, bytes(16), info))
    assert not {chr(code) for code in HARMFUL if chr(code) != "\t"} & set(line)
    assert "\n" not in line


def test_a_message_with_a_file_is_json() -> None:
    message = Message(3, "budi", "report.pdf", 1, bytes(16), REPORT)
    record = json.loads(output.json_line(output.fields(message)))
    assert record["file"] == {
        "file": 17,
        "name": "report.pdf",
        "size": 3_400_000,
        "type": "application/pdf",
        "sha256": bytes(range(32)).hex(),
    }
    assert "file" not in output.fields(Message(3, "budi", "hi", 1, bytes(16)))


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (9951, "10 kB"),
        (999_499, "999 kB"),
        (999_501, "1.0 MB"),
        (3_400_000, "3.4 MB"),
        (2**30, "1.1 GB"),
        (2**63 - 1, "9.2 EB"),
    ],
)
def test_sizes_for_people(count: int, said: str) -> None:
    assert output.size(count) == said
