"""What the ``json`` dialect sends: replies, messages, files, the session's token, as bytes and values.

Belongs here: shapes. What is asked of the system for them is ``json``'s and ``json_files``'s.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

END: Final = b"\r\n\r\n"
"""Behind every reply."""
DONE: Final = "OK"
"""What ``data`` and ``message`` say when the fields beside them say everything."""
TOKEN: Final = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE).fullmatch
"""A token's form. Longer than any name, so no word can be taken for the other."""

_dumps = json.JSONEncoder().encode
"""Only ASCII goes out: clients decode what they read piece by piece, and a letter may be cut in two."""


def ok(said: str = DONE, /, **fields: Any) -> bytes:
    """A reply to what was done."""
    return _reply("OK", said, fields)


def error(said: str) -> bytes:
    """A reply to what was not."""
    return _reply("ERROR", said, {})


def ok_with(name: str, items: list[bytes], **fields: Any) -> list[bytes]:
    """A reply whose field ``name`` is a list of what is JSON already, in pieces that belong together."""
    pieces = [_reply("OK", DONE, fields)[: -len(b"}" + END)], f', "{name}": ['.encode()]
    for item in items:
        pieces += (item, b", ")
    return [*(pieces[:-1] if items else pieces), b"]}" + END]


def item(fields: dict[str, Any] | str) -> bytes:
    """One element of such a list."""
    return _encode(fields)


def new_token() -> str:
    """What stands for a session in this dialect; the system's own token is told to nobody."""
    return str(uuid4())


def local_time(microseconds: int) -> str:
    """``YYYY-MM-DD HH:MM:SS.ffffff`` here, of a time since the epoch."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}.{rest:06}"


# --- a line with a file -------------------------------------------------------------------------

_spaces = re.compile(b" *").match


def next_word(line: bytes, at: int) -> tuple[int, int]:
    """Where the next word behind ``at`` begins and ends: both at the line's end when there is none."""
    spaces = _spaces(line, at)
    begin = spaces.end() if spaces else at
    end = line.find(b" ", begin)
    return begin, len(line) if end < 0 else end


def file_words(line: bytes, at: int) -> tuple[bytes, list[bytes | memoryview]]:
    """The token (b"" if there is none), and name, content and path behind it, as far as they are there.

    ``at``: behind the line's first word. The content, which may have megabytes, is not copied.
    """
    begin, end = next_word(line, at)
    token = b""
    if TOKEN(line, begin, end):
        token = line[begin:end]
        begin, end = next_word(line, end)
    first, last = next_word(line, end)
    words = (line[begin:end], memoryview(line)[first:last], line[last:].strip())
    return token, [word for word in words if len(word)]


def bare(content: memoryview) -> memoryview:
    """base64 without the ``b'…'`` that clients leave around it."""
    wrapped = len(content) > 2 and bytes(content[:2]) == b"b'" and bytes(content[-1:]) == b"'"
    return content[2:-1] if wrapped else content


def _reply(status: str, said: str, fields: dict[str, Any]) -> bytes:
    return _encode({"status": status, "data": said, "message": said, **fields}) + END


def _encode(fields: dict[str, Any] | str) -> bytes:
    return _dumps(fields).encode("ascii")
