"""What the ``json`` dialect sends: replies and what stands in them, as bytes.

Belongs here: shapes; those of lines are ``json_lines``'s. What is asked of the system for them is
``json``'s, ``json_inbox``'s and ``json_files``'s.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

END: Final = b"\r\n\r\n"
"""Behind every reply."""
DONE: Final = "OK"
"""What ``data`` and ``message`` say when the fields beside them say everything."""
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


def item(fields: dict[str, Any]) -> bytes:
    """One element of such a list."""
    return _encode(fields)


def new_token() -> str:
    """What stands for a session in this dialect; the system's own token is told to nobody."""
    return str(uuid4())


def local_time(microseconds: int) -> str:
    """``YYYY-MM-DD HH:MM:SS.ffffff`` here, of a time since the epoch."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}.{rest:06}"


def _reply(status: str, said: str, fields: dict[str, Any]) -> bytes:
    return _encode({"status": status, "data": said, "message": said, **fields}) + END


def _encode(fields: dict[str, Any]) -> bytes:
    return _dumps(fields).encode("ascii")
