"""What server and disk hold in the end, read past all of the server's code.

The database as in ``crash.evidence``; bytes from the data folder, hashed again by ourselves.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path

from msgspec import Struct, field

from benchmarks.crash.evidence import Ask

_FILES = "select id, upload, sha256, conversation_id, seq, owner_id, size from files order by id"
_MESSAGES = "select id, conversation_id, seq from messages order by conversation_id, seq"
_BLOBS = "select sha256, state from blobs"
_UPLOADS = "select id, sha256, user_id, size, chunk_bytes from uploads"
_USAGE = "select user_id, files, bytes from usage"


class KeptFile(Struct, frozen=True):
    """One row of the table of files; hashes in hexadecimal."""

    file: int
    sha256: str
    conversation: int
    seq: int


class Kept(Struct):
    """What there is. Ids and hashes in hexadecimal."""

    files: dict[str, list[KeptFile]] = field(default_factory=dict)
    """By upload id."""
    messages: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Message id → (conversation, seq)."""
    blobs: dict[str, str] = field(default_factory=dict)
    """sha256 → state."""
    bytes: dict[str, str] = field(default_factory=dict)
    """Name of a file with bytes → what they hash to."""
    uploads: list[str] = field(default_factory=list)
    staging: list[str] = field(default_factory=list)
    """Names of files in the folder of what is not whole yet."""
    counted: dict[int, tuple[int, int]] = field(default_factory=dict)
    """User → files and bytes as the server counts them."""
    taken: dict[int, tuple[int, int]] = field(default_factory=dict)
    """User → files and bytes as they are."""


def kept(ask: Ask, home: Path) -> Kept:
    """All of it. ``ask``: every row of a query; ``home``: the data folder."""
    found = Kept()
    taken: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for number, upload, sha256, conversation, seq, owner, size in ask(_FILES):
        row = KeptFile(int(number), bytes(sha256 or b"").hex(), int(conversation or 0), int(seq or 0))
        found.files.setdefault(bytes(upload).hex(), []).append(row)
        if sha256 is not None:
            taken[int(owner)][0] += 1
            taken[int(owner)][1] += int(size)
    for identity, conversation, seq in ask(_MESSAGES):
        found.messages.setdefault(bytes(identity).hex(), []).append((int(conversation), int(seq)))
    found.blobs = {bytes(sha256).hex(): state for sha256, state in ask(_BLOBS)}
    for identity, _, owner, size, _ in ask(_UPLOADS):
        found.uploads.append(bytes(identity).hex())
        taken[int(owner)][1] += int(size)
    found.counted = {int(user): (int(files), int(size)) for user, files, size in ask(_USAGE)}
    found.taken = {user: (files, size) for user, (files, size) in taken.items()}
    found.bytes = {path.name: sha256_of(path) for path in home.glob("files/blobs/*/*")}
    found.staging = sorted(path.name for path in home.glob("files/staging/*"))
    return found


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def phase(ask: Ask, home: Path, upload: str) -> str:
    """How far an upload is, now: of a server that was just killed, where the blow met it."""
    if any(bytes(row[1]).hex() == upload for row in ask(_FILES)):
        return "finished"
    for identity, sha256, _, size, chunk_bytes in ask(_UPLOADS):
        if bytes(identity).hex() == upload:
            if sha256 is None:
                return "whole" if _held(home, upload) * chunk_bytes >= size else "sending"
            state = {bytes(row[0]): row[1] for row in ask(_BLOBS)}.get(bytes(sha256))
            return "sealed" if state == "stored" else "being stored"
    return "not begun"


def _held(home: Path, upload: str) -> int:
    """How many chunks are marked as held."""
    return sum(path.read_bytes().count(1) for path in home.glob(f"files/staging/*-{upload}.map"))
