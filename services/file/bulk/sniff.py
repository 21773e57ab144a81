"""What kind of file it may be, guessed from its first bytes: for convenience, and never to be trusted."""

from __future__ import annotations

import codecs
import re
from typing import Final

HEAD: Final = 1024
"""Bytes that are looked at."""
BINARY: Final = "application/octet-stream"
TEXT: Final = "text/plain"

_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,40}/[a-z0-9][a-z0-9.+-]{0,80}")
_CONTROL: Final = frozenset(range(32)) - frozenset(b"\t\n\f\r\x1b")


def kind_of(head: bytes) -> str:
    """A media type for a file that begins with ``head``, its first ``HEAD`` bytes."""
    if _is_text(head):
        return TEXT
    import puremagic  # here, for it reads large tables, and only sealing needs them

    try:
        found = puremagic.from_string(head, mime=True)
    except (puremagic.PureError, ValueError):  # nothing it knows; or nothing at all
        return BINARY
    return found if _TYPE.fullmatch(found) else BINARY


def _is_text(head: bytes) -> bool:
    if not head or not _CONTROL.isdisjoint(head):
        return False
    try:
        # Not final: the last character may have been cut.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True
