"""A line of the ``json`` dialect, cut into its word, its token and its arguments.

Belongs here: what stands where. What it means is ``json``'s, and what replies look like ``json_shapes``'s.
"""

from __future__ import annotations

import re
from typing import Any, Final

TOKEN: Final = re.compile(rb"-".join(rb"[0-9A-Fa-f]{%d}" % length for length in (8, 4, 4, 4, 12))).fullmatch
"""A token's form. Longer than any name, so no word can be taken for the other."""
UNTOLD_WORDS: Final = frozenset((b"auth", b"register"))
"""Words that no token stands behind."""
TEXT_WORDS: Final = frozenset((b"sendprivate", b"sendgroup"))
"""Words whose second argument goes on to the end of the line, spaces and all."""
FILE_WORDS: Final = (b"sendfile", b"sendgroupfile")
"""Words whose second argument may be megabytes long, and whose third goes on to the end of the line."""

_spaces = re.compile(b" *").match


def read(line: bytes) -> tuple[str, str, list[Any]]:
    """The word, the token ('' if there is none) and the arguments. Raises ``UnicodeDecodeError``.

    All of them are str, except for the content of a file.
    """
    if line.startswith(FILE_WORDS):
        found = _read_file(line)
        if found is not None:
            return found
    word, *rest = line.split(None, 2) or [b""]
    if word in FILE_WORDS:
        return _read_file(line.lstrip()) or ("", "", [])
    token = ""
    if rest and word not in UNTOLD_WORDS and TOKEN(rest[0]):
        token = rest[0].decode().lower()
        arguments = rest[1] if len(rest) > 1 else b""
    else:
        arguments = line.split(None, 1)[1] if rest else b""
    split = arguments.rstrip().split(None, 1) if word in TEXT_WORDS else arguments.split()
    return word.decode(), token, [argument.decode() for argument in split]


def begins_a_file(begins: bytes) -> str | None:
    """The token of a line with a file that begins like this, '' if there is none; None: it has no file."""
    begin, end = _next_word(begins, 0)
    if begins[begin:end] not in FILE_WORDS:
        return None
    begin, end = _next_word(begins, end)
    return begins[begin:end].decode().lower() if TOKEN(begins, begin, end) else ""


def bare(content: memoryview) -> memoryview:
    """base64 without the ``b'…'`` that clients leave around it."""
    wrapped = len(content) > 2 and bytes(content[:2]) == b"b'" and bytes(content[-1:]) == b"'"
    return content[2:-1] if wrapped else content


def _read_file(line: bytes) -> tuple[str, str, list[Any]] | None:
    """None: it is no such line. The content, which may have megabytes, is not copied."""
    begin, end = _next_word(line, 0)
    word, token = line[begin:end].decode(), ""
    if line[begin:end] not in FILE_WORDS:
        return None
    begin, end = _next_word(line, end)
    if TOKEN(line, begin, end):
        token = line[begin:end].decode().lower()
        begin, end = _next_word(line, end)
    first, last = _next_word(line, end)
    words = (line[begin:end].decode(), memoryview(line)[first:last], line[last:].strip().decode())
    return word, token, [word for word in words if len(word)]


def _next_word(line: bytes, at: int) -> tuple[int, int]:
    """Where the next word behind ``at`` begins and ends: both at the line's end when there is none."""
    spaces = _spaces(line, at)
    begin = spaces.end() if spaces else at
    end = line.find(b" ", begin)
    return begin, len(line) if end < 0 else end
