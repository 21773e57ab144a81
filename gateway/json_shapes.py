"""What the ``json`` dialect sends: replies, messages, files, the session's token, as bytes and values.

Belongs here: shapes. What is asked of the system for them is ``json``'s and ``json_files``'s.
"""

from __future__ import annotations

import binascii
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
    head = _reply("OK", DONE, fields)[: -len(b"}" + END)]
    return [head, f', "{name}": ['.encode(), b", ".join(items), b"]}" + END]


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


# --- a file's content ---------------------------------------------------------------------------

SLICE: Final = 192 * 1024
"""Bytes encoded at once; of base64 there are a third more. Others wait for it, under a millisecond."""


def bare(content: str) -> str:
    """base64 without the ``b'…'`` that clients leave around it."""
    return content[2:-1] if content.startswith("b'") and content.endswith("'", 2) else content


def decoded(part: str, *, last: bool) -> bytes:
    """The bytes of a part of base64, a multiple of four letters. Raises ``ValueError``."""
    if not last and "=" in part:
        raise binascii.Error("padding within")
    return binascii.a2b_base64(part, strict_mode=True)


def _reply(status: str, said: str, fields: dict[str, Any]) -> bytes:
    return _encode({"status": status, "data": said, "message": said, **fields}) + END


def _encode(fields: dict[str, Any] | str) -> bytes:
    return _dumps(fields).encode("ascii")
