"""What was typed and has no answer yet: it waits, in order, goes out once, and is marked until then.

Belongs here: the queue, one message after the other to each address, under an id that it keeps for ever: the
server stores it once, however often it is sent. What a window leaves for the next one is ``leftover``'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from client.delivering import deliver
from client.errors import ClientError, Closed, LoggedOut
from client.gui.model.changes import Part
from client.gui.model.leftover import Leftover
from client.gui.model.parcel import Parcel
from client.gui.model.problem import Problem, problem
from protocol.addresses import name_key
from protocol.commands import Message, RefusedPost, SendReply
from protocol.errors import Failure
from protocol.events import MessageEvent, UndeliveredEvent
from protocol.message_id import message_id

if TYPE_CHECKING:
    from client.gui.model.model import Model

__all__ = ["Outbox", "Parcel"]

WAITING_MOST: Final = 500
"""Messages that may wait, so that they can be kept; then what is typed stays where it is typed."""
PAUSE: Final = 1.0
"""Seconds until a message that could not be sent at all is tried again."""
FULL: Final = Problem("outbox_full", "Very many messages wait to be sent; this one has to wait where it is.")


class Outbox:
    """Every message without an answer, in the order in which they were typed."""

    def __init__(self, model: Model) -> None:
        self.parcels: list[Parcel] = []
        self._model = model
        self._leftover = Leftover(model)
        self._sending: dict[str, asyncio.Task[None]] = {}
        """By address: one message after the other."""
        self._back = asyncio.Event()
        self._dropped: set[bytes] = set()
        """Refused elsewhere, and not to be shown again."""
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether nothing more may be put into it now."""
        return len(self.parcels) >= WAITING_MOST

    def to(self, address: str) -> list[Parcel]:
        """Those for one conversation, oldest first."""
        key = name_key(address)
        return [parcel for parcel in self.parcels if name_key(parcel.to) == key]

    def get(self, id: bytes) -> Parcel | None:
        """The one with this id."""
        return next((parcel for parcel in self.parcels if parcel.id == id), None)

    # --- what is asked for ----------------------------------------------------------------------

    def put(self, to: str, text: str) -> Parcel:
        """Send a message, now or when the server is there."""
        now = time.time_ns()
        parcel = Parcel(message_id(now // 1_000_000), to, text, now // 1000)
        self.parcels.append(parcel)
        self._changed(parcel)
        self._send(parcel.to)
        return parcel

    def retry(self, id: bytes) -> None:
        """Try one that was refused once more, behind all others.

        It keeps its id: nothing is stored under that, and our server forgets that another realm refused it.
        """
        parcel = self.get(id)
        if parcel is None or parcel.refusal is None:
            return
        self.parcels.remove(parcel)
        parcel.refusal, parcel.passed_on = None, False
        parcel.put_at = time.time_ns() // 1000
        self.parcels.append(parcel)
        self._changed(parcel)
        self._send(parcel.to)

    def drop(self, id: bytes) -> None:
        """Forget one that was refused."""
        parcel = self.get(id)
        if parcel is not None and parcel.refusal is not None:
            self._dropped.add(id)
            self._remove(parcel)

    # --- from one window to the next --------------------------------------------------------------

    async def begin(self) -> None:
        """Somebody has logged in: what they left is sent."""
        known = {parcel.id for parcel in self.parcels}
        left = [parcel for parcel in await self._leftover.read() if parcel.id not in known]
        self.parcels[:0] = left[: max(WAITING_MOST - len(self.parcels), 0)]
        for parcel in left:
            self._send(parcel.to)

    def again(self) -> None:
        """The server is back: try at once."""
        self._back.set()
        self._back.clear()
        for parcel in self.parcels:
            self._send(parcel.to)

    async def forget(self) -> None:
        """Keep nothing of it: whoever logs out leaves nothing behind."""
        self.parcels.clear()
        await self._stop()
        await self._leftover.forget()

    async def close(self) -> None:
        """Send nothing more from here; what waits stays kept."""
        await self._stop()
        await self._leftover.close()

    async def _stop(self) -> None:
        self._closed = True
        for task in self._sending.values():
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)
        self._sending.clear()

    # --- what is heard --------------------------------------------------------------------------

    def heard(self, *messages: MessageEvent | Message) -> None:
        """Messages that came, or stand in a history: ours are stored, whatever became of the answer."""
        for message in messages if self.parcels else ():
            parcel = self.get(message.id)
            if parcel is not None and name_key(message.sender) == name_key(self._model.user):
                self._stored(parcel, message.seq)

    def undelivered(self, event: UndeliveredEvent) -> None:
        """A group of another realm will not have one of ours."""
        parcel = self.get(event.id)
        if parcel is not None and parcel.refusal is None:
            parcel.refusal = Problem(event.code, event.message)
            self._changed(parcel)

    def refused(self, address: str, posts: list[RefusedPost]) -> None:
        """What a group of another realm refused of ours, as our server knows it."""
        for post in posts:
            parcel = self.get(post.id)
            if parcel is None and post.id not in self._dropped:
                parcel = Parcel(post.id, address, post.body, post.sent_at)
                self.parcels.insert(0, parcel)
                self.parcels.sort(key=lambda one: one.put_at)
            if parcel is not None and not self._flies(parcel):
                parcel.refusal = Problem(post.code, post.reason)
                self._changed(parcel)

    # --- sending --------------------------------------------------------------------------------

    def _send(self, to: str) -> None:
        """See to it that what waits for this address goes out."""
        key = name_key(to)
        if self._closed or self._next(key) is None or self._under_way(key):
            return
        self._sending = {one: task for one, task in self._sending.items() if not task.done()}
        self._sending[key] = asyncio.get_running_loop().create_task(self._send_on(key))

    def _under_way(self, key: str) -> bool:
        task = self._sending.get(key)
        return task is not None and not task.done()

    def _next(self, key: str) -> Parcel | None:
        """The oldest message to an address that has no answer."""
        waiting = (one for one in self.parcels if one.refusal is None and not one.passed_on)
        return next((parcel for parcel in waiting if name_key(parcel.to) == key), None)

    def _flies(self, parcel: Parcel) -> bool:
        """Whether it waits for an answer."""
        return parcel.refusal is None and not parcel.passed_on and self._under_way(name_key(parcel.to))

    async def _send_on(self, key: str) -> None:
        while (parcel := self._next(key)) is not None:
            try:
                reply = await deliver(
                    self._model.chat,
                    parcel.to,
                    parcel.text,
                    parcel.id,
                    unanswered=lambda: None,
                    pause=self._pause,
                )
                self._answered(parcel, reply)
            except (LoggedOut, Closed):
                return
            except Failure as error:
                parcel.refusal = problem(error)
                self._changed(parcel)
            except ClientError:  # somebody else listens where the server was: until it is there again
                await self._pause(PAUSE)

    async def _pause(self, seconds: float) -> None:
        """That long, or until the server is back."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._back.wait()

    def _answered(self, parcel: Parcel, reply: SendReply) -> None:
        if self._model.talks.get(reply.conversation) is None:
            self._model.talks.know(reply.conversation, parcel.to)
        if reply.seq:
            self._stored(parcel, reply.seq)
        else:
            parcel.passed_on = True
            self._changed(parcel)

    def _stored(self, parcel: Parcel, seq: int) -> None:
        if parcel in self.parcels:
            room = self._model.room
            if room is not None and room.is_at(parcel.to):
                room.landed(parcel, seq)
            self._remove(parcel)

    def _remove(self, parcel: Parcel) -> None:
        if parcel in self.parcels:
            self.parcels.remove(parcel)
            self._leftover.gone(parcel.id)
            self._changed(parcel)

    def _changed(self, parcel: Parcel) -> None:
        self._leftover.keep(self.parcels)
        room = self._model.room
        if room is not None and room.is_at(parcel.to):
            room.outbox_changed()
        self._model.changes.mark(Part.TALKS)
