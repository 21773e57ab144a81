"""The rows of a room, as values that never change: whoever draws compares them and redraws what differs.

Belongs here: what a row holds, and making rows of messages: day lines, the ``new`` line, who is named.
"""

from __future__ import annotations

from datetime import date
from enum import IntEnum

from msgspec import Struct

from client.gui.model.markup import Block
from protocol.files import FileInfo


class Mark(IntEnum):
    """How far a message of ours has come; greater is further."""

    NONE = 0
    """Not ours."""
    REFUSED = 1
    """It will not be stored, or another realm will not take it: ``Said.refusal`` says why."""
    WAITING = 2
    """It waits for our server."""
    SENT = 3
    """It is on our server's disk."""
    DELIVERED = 4
    """In a direct conversation: it is on the other one's server, which may be ours."""
    READ = 5
    """Somebody else has read it."""


class Said(Struct, frozen=True):
    """A message. ``seq`` is 0 while it has none (``Mark.WAITING``, ``REFUSED``).

    ``head``: it begins a run of one sender, so that their name stands above it. ``sent_at`` in microseconds.
    """

    key: str
    seq: int
    id: bytes
    sender: str
    body: str
    blocks: tuple[Block, ...]
    sent_at: int
    own: bool
    head: bool
    mark: Mark = Mark.NONE
    file: FileInfo | None = None
    refusal: str = ""


class DayLine(Struct, frozen=True):
    """What follows was said on this day, as the reader's clock has it."""

    key: str
    day: date


class NewLine(Struct, frozen=True):
    """What follows was not read when the room was opened."""

    key: str


class Happened(Struct, frozen=True):
    """Somebody joined, left, or was removed by ``by``. Seen live only. ``change`` as in ``MembershipEvent``."""

    key: str
    user: str
    change: str
    by: str = ""


Row = Said | DayLine | NewLine | Happened
