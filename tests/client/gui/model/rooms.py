"""What tests of a room look at: its rows, whatever page they are on.

Belongs here: reading a room, and filling a conversation quickly.
"""

from __future__ import annotations

from client.gui.model.model import Model
from client.gui.model.room import Room
from client.gui.model.rows import DayLine, Happened, NewLine, Row, Said
from protocol.commands import Message
from tests.client.gui.fake_chat import FakeServer
from tests.client.gui.fake_server import SECOND, Place

BEGAN = 1_600_000_000 * SECOND
"""When the first message of a long conversation was sent; then one a minute."""


async def opened(model: Model, address: str) -> Room:
    """The room, with its messages, drawn so that its newest ones are on the screen."""
    assert await model.open(address) is None
    assert model.room is not None
    model.room.reading.arrived()
    model.room.read()
    return model.room


async def to_the_top(room: Room) -> None:
    """Scroll up as far as it goes."""
    while not room.at_start:
        await room.older()


def rows(room: Room) -> list[Row]:
    """Every row that is held, oldest first."""
    return [row for page in room.pages for row in page.rows or ()] + room.waiting


def said(room: Room) -> list[Said]:
    """Messages among them."""
    return [row for row in rows(room) if isinstance(row, Said)]


def bodies(room: Room) -> list[str]:
    """Their texts."""
    return [row.body for row in said(room)]


def outline(room: Room) -> list[str]:
    """Rows in a word each: ``=`` a day, ``new``, who came, and what was said, with ``ani:`` where named."""
    words = []
    for row in rows(room):
        if isinstance(row, DayLine):
            words.append(f"= {row.day.isoformat()}")
        elif isinstance(row, NewLine):
            words.append("new")
        elif isinstance(row, Happened):
            words.append(f"{row.user} {row.change}")
        else:
            words.append(f"{row.sender}: {row.body}" if row.head else row.body)
    return words


def seqs(room: Room) -> list[int]:
    """Numbers of the messages that are held."""
    return [row.seq for row in said(room) if row.seq]


def fill(server: FakeServer, place: Place, number: int, sender: str = "budi") -> None:
    """As many messages as if they had been there for long: nobody hears of them."""
    for _ in range(number):
        seq = len(place.messages) + 1
        id = server.next_number().to_bytes(16, "big")
        place.messages.append(Message(seq, sender, f"message {seq}", BEGAN + seq * 60 * SECOND, id))
