"""Files as their messages show them.

Here: from stored rows to what events and history carry. Not here: what may be done with files (the file
service), and SQL.
"""

from __future__ import annotations

from collections.abc import Iterable

from protocol.files import FileInfo
from services.storage import files
from services.storage.engine import Transaction


def info(file: files.File | files.Attached | files.Posted) -> FileInfo:
    """One file; of a deleted one nobody learns the hash."""
    sha256 = file.sha256 or file.claimed
    return FileInfo(file.id, file.name, file.size, file.type, sha256 or b"", sha256 is None)


def in_range(tx: Transaction, conversation: int, first: int, last: int) -> dict[int, FileInfo]:
    """Files of the messages ``first`` to ``last``, by seq."""
    return {found.seq: info(found) for found in files.attached(tx, conversation, first, last)}


def of(tx: Transaction, messages: Iterable[tuple[int, int]]) -> dict[tuple[int, int], FileInfo]:
    """Files of these messages, by (conversation, seq)."""
    return {(found.conversation, found.seq): info(found) for found in files.of_messages(tx, messages)}
