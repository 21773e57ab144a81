"""What was typed and has no answer yet: it waits, in order, goes out once, and is marked until then.

Belongs here: the queue, and keeping it, so that a window that is opened again sends what the last one could
not, under the same ids: the server stores each once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client.gui.model.problem import Problem
from protocol.events import MessageEvent

if TYPE_CHECKING:
    from client.gui.model.model import Model


@dataclass
class Parcel:
    """One message to ``to``. ``put_at`` in microseconds. ``refusal``: the server will not store it, and why."""

    id: bytes
    to: str
    text: str
    put_at: int
    refusal: Problem | None = None


class Outbox:
    """Every message without an answer, in the order in which they were typed."""

    def __init__(self, model: Model) -> None:
        self.parcels: list[Parcel] = []
        self._model = model

    def to(self, address: str) -> list[Parcel]:
        """Those for one conversation, oldest first."""
        raise NotImplementedError

    def put(self, to: str, text: str) -> Parcel:
        """Send a message, now or when the server is there."""
        raise NotImplementedError

    def retry(self, id: bytes) -> None:
        """Try one that was refused once more, as a new message behind all others."""
        raise NotImplementedError

    def drop(self, id: bytes) -> None:
        """Forget one that was refused."""
        raise NotImplementedError

    async def begin(self) -> None:
        """Somebody has logged in: what they left is sent."""
        raise NotImplementedError

    def again(self) -> None:
        """The server is back: try at once."""
        raise NotImplementedError

    def heard(self, event: MessageEvent) -> None:
        """A message of ours has come back: it is stored, whatever became of the answer."""
        raise NotImplementedError

    async def forget(self) -> None:
        """Keep nothing of it: whoever logs out leaves nothing behind."""
        raise NotImplementedError

    async def close(self) -> None:
        """Send nothing more from here; what waits stays kept."""
        raise NotImplementedError
