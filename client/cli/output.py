"""What is shown: plain lines, JSON lines, times, and text made harmless for a terminal.

Belongs here: how anything looks on stdout and stderr. What to show is each command's own. Text of
others goes through ``plain`` before a person sees it: a message must not move the cursor, change
colours, set the clipboard, or look like a line that someone else wrote.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from protocol.commands import Body, Message
from protocol.events import MessageEvent
from protocol.files import FileInfo, StoredFile

# C0 (but for tab and newline), DEL, C1, and the marks that turn the direction of writing around.
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_NOT_IN_JSON: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SECRET: Final = ("token", "topic")
"""Fields that give the right to act or to listen: never shown."""
_TIMES: Final = ("sent_at", "created_at", "seen_at", "joined_at", "last_seen", "last_at", "ends_at")
"""Fields in microseconds since the epoch; 0 means never."""
CONTINUED: Final = "    "
"""In front of the second and further lines of a message."""


def plain(text: str) -> str:
    """``text`` without anything a terminal would act upon; its lines stay lines."""
    return _CONTROL.sub("", _LINE_ENDS.sub("\n", text))


def one_line(text: str) -> str:
    """``plain``, with line ends made spaces."""
    return plain(text).replace("\n", " ")


def local_time(micros: int) -> str:
    """Local time for people, to the second; ``never`` for 0."""
    return f"{datetime.fromtimestamp(micros / 1e6):%Y-%m-%d %H:%M:%S}" if micros else "never"


def iso_time(micros: int) -> str | None:
    """UTC in ISO 8601 with microseconds, for programs; None for 0."""
    if not micros:
        return None
    seconds, rest = divmod(micros, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06}Z"


def message_line(message: Message | MessageEvent, place: str = "") -> str:
    """A message as people read it: time, place (where it is not obvious), sender, text."""
    where = f"{plain(place)} " if place else ""
    return f"{dim(local_time(message.sent_at))} {where}{bold(plain(message.sender))}: {said(message)}"


def said(message: Message | MessageEvent) -> str:
    """What a message says, further lines indented; a file last: ``[file 17] report.pdf, 3.4 MB``."""
    lines = plain(message.body).split("\n")
    if message.file is not None:
        lines = [*(lines if message.body != message.file.name else ()), file_line(message.file)]
    return f"\n{CONTINUED}".join(lines)


def file_line(file: FileInfo | StoredFile) -> str:
    """A file in a message: the number to fetch it by, its name, its size."""
    deleted = isinstance(file, FileInfo) and file.gone
    return f"[file {file.file}{', deleted' * deleted}] {one_line(file.name)}, {size(file.size)}"


def size(count: int) -> str:
    """Bytes for people, in powers of 1000 as disks and networks are sold: ``999 bytes``, ``3.4 MB``."""
    if count < 1000:
        return "1 byte" if count == 1 else f"{count} bytes"
    units = ["kB", "MB", "GB", "TB", "PB", "EB"]
    scaled = count / 1000
    while scaled >= 999.5:
        scaled /= 1000
        units.pop(0)
    return f"{scaled:.1f} {units[0]}" if scaled < 9.95 else f"{scaled:.0f} {units[0]}"


def fields(struct: Body, **more: Any) -> dict[str, Any]:
    """A reply or event as a JSON object: ``more`` first, bin as hex, each time also as ``…_iso``."""
    return {**more, **_shown(msgspec.to_builtins(struct, builtin_types=(bytes,)))}


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.items():
        if name in _SECRET:
            continue
        found[name] = _shown(value) if isinstance(value, dict) else value
        if isinstance(value, bytes):
            found[name] = value.hex()
        if name in _TIMES:
            found[f"{name}_iso"] = iso_time(value)
    return found


def json_line(record: dict[str, Any]) -> str:
    """One object on one line; what a terminal would act upon is escaped, so it still parses the same."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return _NOT_IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def out(line: str, flush: bool = False) -> None:
    """A line on stdout."""
    print(line, flush=flush)


def table(rows: Iterable[tuple[str, ...]]) -> None:
    """Lines on stdout whose columns stand below each other."""
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        out("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def note(line: str) -> None:
    """A line on stderr, for the person at the terminal; never data."""
    print(line, file=sys.stderr, flush=True)


def bold(text: str) -> str:
    """``text`` in bold on a terminal that may have it."""
    return f"\x1b[1m{text}\x1b[0m" if styled() else text


def dim(text: str) -> str:
    """``text`` held back on a terminal that may have it."""
    return f"\x1b[2m{text}\x1b[0m" if styled() else text


def styled() -> bool:
    """Whether stdout is a terminal whose owner did not ask for plain text (NO_COLOR, TERM=dumb)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
