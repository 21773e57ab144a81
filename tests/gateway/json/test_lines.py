"""Lines of the json dialect, cut into words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.json_lines import bare, begins_a_file, read

TOKEN = "01234567-89ab-cdef-0123-456789abcdef"

LINES = {
    "": ("", "", []),
    "   ": ("", "", []),
    "inbox": ("inbox", "", []),
    "inbox \n": ("inbox", "", []),
    f" inbox  {TOKEN} ": ("inbox", TOKEN, []),
    f"inbox {TOKEN.upper()} budi": ("inbox", TOKEN, ["budi"]),
    f"inbox budi {TOKEN}": ("inbox", "", ["budi", TOKEN]),
    f"inbox {TOKEN}0": ("inbox", "", [TOKEN + "0"]),
    f"auth {TOKEN} x": ("auth", "", [TOKEN, "x"]),
    "sendprivate budi": ("sendprivate", "", ["budi"]),
    "sendprivate budi  a  b  ": ("sendprivate", "", ["budi", "a  b"]),
    f"sendgroup  {TOKEN}  ops   a\nb {TOKEN}": ("sendgroup", TOKEN, ["ops", f"a\nb {TOKEN}"]),
    "sendfile": ("sendfile", "", []),
    "sendfile ": ("sendfile", "", []),
    f"sendfile {TOKEN}": ("sendfile", TOKEN, []),
    "sendfile budi": ("sendfile", "", ["budi"]),
    f"sendfile {TOKEN} budi YQ==  ": ("sendfile", TOKEN, ["budi", b"YQ=="]),
    "  sendgroupfile  ops  YQ==  C:\\a  b.txt ": ("sendgroupfile", "", ["ops", b"YQ==", "C:\\a  b.txt"]),
    "sendfiles budi YQ== a": ("sendfiles", "", ["budi", "YQ==", "a"]),
    "file budi YQ== a": ("file", "", ["budi", "YQ==", "a"]),
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_a_word_perhaps_a_token_and_arguments(line: str) -> None:
    assert read(line.encode()) == LINES[line]


def test_the_content_of_a_file_is_not_copied() -> None:
    line = b"sendfile budi b'" + b"A" * 1000 + b"' a"
    _, _, (_, content, _) = read(line)
    assert content.obj is line
    assert bare(content).obj is line
    assert bytes(bare(content)) == b"A" * 1000


@pytest.mark.parametrize("content", ["YQ==", "b'", "b''", "b'YQ==", "YQ=='", "'YQ=='", ""])
def test_only_a_whole_wrapper_is_taken_off(content: str) -> None:
    assert bytes(bare(memoryview(content.encode()))) == (b"" if content == "b''" else content.encode())


def test_how_a_line_with_a_file_begins_tells_its_token() -> None:
    assert begins_a_file(f"sendfile {TOKEN.upper()} budi YQ".encode()) == TOKEN
    assert begins_a_file(b"  sendgroupfile  ops YQ") == ""
    assert begins_a_file(b"sendfile " + b"\xff" * 36) == ""
    for begins in (b"sendfiles ops YQ", b"inbox sendfile", b"", b"sendprivate budi YQ", b" " * 128):
        assert begins_a_file(begins) is None


@given(st.binary(max_size=200) | st.from_regex(rb"\A *(sendfile|sendprivate|inbox|auth) [ -~]*\Z"))
def test_any_line_is_words_or_no_text(line: bytes) -> None:
    try:
        word, token, arguments = read(line)
    except UnicodeDecodeError:
        return
    assert " " not in word
    assert len(token) in (0, 36)
    assert all(len(argument) for argument in arguments)
    begins_a_file(line)
