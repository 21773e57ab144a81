"""What there is on a server of values in this process: users, sessions, conversations.

Belongs here: that, and what a test wants to go wrong. Whoever asks is ``fake_chat``'s.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from client.chat import Event, Target
from client.errors import Offline
from protocol.addresses import BROADCAST, Kind, name_key
from protocol.commands import Message, RefusedPost
from protocol.errors import Forbidden, NotFound, RateLimited
from protocol.events import MessageEvent
from protocol.files import FileInfo

SECOND: Final = 1_000_000
"""In microseconds; messages are sent one a second."""


class Guest(Protocol):
    """A chat at the server."""

    @property
    def user(self) -> str:
        """Who it is."""

    @property
    def token(self) -> bytes:
        """Of its session."""

    @property
    def closed(self) -> bool:
        """Whether it was closed."""

    def push(self, event: Event) -> None:
        """It hears this."""

    def pause(self, refusal: RateLimited) -> None:
        """It waits because of this."""

    def end(self) -> None:
        """Its session is over."""


@dataclass
class Place:
    """A conversation: ``users`` of a direct one, or members of a group; broadcasts have everybody."""

    id: int
    kind: str
    name: str = ""
    password: str = ""
    users: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=dict)
    begins: int = 0
    """Messages up to this one are not here: a copy of another realm's group."""
    refused: list[RefusedPost] = field(default_factory=list)
    """Of a group of another realm, what that realm will not have."""

    def called_by(self, user: str) -> str:
        """Its address, as one of its users says it."""
        if self.kind == Kind.DIRECT:
            return next((one for one in self.users if one != user), user)
        return BROADCAST if self.kind == Kind.BROADCAST else f"#{self.name}"


class House:
    """What there is, and who is connected. Names are given as they are written."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {}
        """Name → password."""
        self.online: set[str] = set()
        self.sessions: dict[bytes, tuple[int, str, str]] = {}
        """Token → number, user, device."""
        self.places: dict[int, Place] = {1: Place(1, Kind.BROADCAST)}
        self.chats: list[Guest] = []
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.away = False
        """No call is answered: ``Offline`` at once."""
        self.realm = "a"
        self._failures: dict[str, list[Exception]] = {}
        self._held: dict[str, asyncio.Event] = {}
        self._numbers = itertools.count(2)
        self._clock = itertools.count(1_700_000_000 * SECOND, SECOND)

    # --- for tests ------------------------------------------------------------------------------

    def add(self, *users: str, password: str = "secret") -> None:
        """These have registered."""
        for user in users:
            self.users[user] = password
            self.places[1].users.append(user)

    def group(self, name: str, *members: str, password: str = "") -> Place:
        """There is a group."""
        place = Place(next(self._numbers), Kind.GROUP, name, password, list(members))
        self.places[place.id] = place
        return place

    def fail(self, method: str, *errors: Exception) -> None:
        """The next calls of a method raise these, one each; nothing is done."""
        self._failures.setdefault(method, []).extend(errors)

    def hold(self, method: str) -> asyncio.Event:
        """Calls of a method wait until this is set."""
        return self._held.setdefault(method, asyncio.Event())

    def called(self, method: str) -> list[tuple[Any, ...]]:
        """The arguments of each call of a method."""
        return [arguments for name, arguments in self.calls if name == method]

    def say(self, sender: str, to: str, body: str, file: FileInfo | None = None) -> Message:
        """Somebody says something; everyone concerned hears it."""
        return self.store(sender, to, body, next(self._numbers).to_bytes(16, "big"), file)

    def tell(self, event: Event, *users: str) -> None:
        """All chats of these users (or of everybody) hear this."""
        for chat in self.chats:
            if not users or chat.user in users:
                chat.push(event)

    def end_sessions(self, user: str) -> None:
        """Every session of theirs is ended from elsewhere."""
        for token in [token for token, session in self.sessions.items() if session[1] == user]:
            del self.sessions[token]
        for chat in self.chats:
            if chat.user == user:
                chat.end()

    # --- for the chats --------------------------------------------------------------------------

    async def arrive(self, method: str, *arguments: Any) -> None:
        """A call has come; raises what was said that it raises."""
        self.calls.append((method, arguments))
        await asyncio.sleep(0)
        if method in self._held:
            await self._held[method].wait()
        if self._failures.get(method):
            raise self._failures[method].pop(0)
        if self.away:
            raise Offline("The server cannot be reached.")

    def place(self, user: str, target: Target) -> Place | None:
        """The conversation that somebody means; None: a direct one that has not begun."""
        if isinstance(target, int):
            found = self.places.get(target)
            if found is None or user not in found.users:
                raise NotFound(f"There is no conversation {target}.")
            return found
        key = name_key(target)
        named = (place for place in self.places.values() if user in place.users)
        found = next((place for place in named if name_key(place.called_by(user)) == key), None)
        if found is None and target.startswith("#"):
            raise Forbidden(f"You are not a member of {target}.")
        if found is None and "@" not in target and self.user_named(target) is None:
            raise NotFound(f"There is no user {target}.")
        return found

    def user_named(self, name: str) -> str | None:
        """How their name is written."""
        return next((user for user in self.users if name_key(user) == name_key(name)), None)

    def group_named(self, name: str) -> Place:
        """The group of this name, with or without #."""
        key = name_key(name.removeprefix("#"))
        groups = (place for place in self.places.values() if place.kind == Kind.GROUP)
        found = next((place for place in groups if name_key(place.name) == key), None)
        if found is None:
            raise NotFound(f"There is no group #{name}.")
        return found

    def store(self, sender: str, to: str, body: str, id: bytes, file: FileInfo | None = None) -> Message:
        """A message, stored once under its id, and told."""
        place = self.place(sender, to)
        if place is None:
            users = [sender, self.user_named(to) or to]
            place = Place(next(self._numbers), Kind.DIRECT, users=users)
            self.places[place.id] = place
        known = next((message for message in place.messages if message.id == id), None)
        if known is not None:
            return known
        message = Message(len(place.messages) + 1, sender, body, next(self._clock), id, file)
        place.messages.append(message)
        other = place.called_by(sender)
        event = MessageEvent(place.id, message.seq, sender, other, body, message.sent_at, id, file)
        self.tell(event, *place.users)
        return message

    def stored(self, id: bytes) -> bool:
        """Whether there is a message with this id."""
        return any(message.id == id for place in self.places.values() for message in place.messages)

    def post(self, sender: str, to: str, id: bytes) -> Place | None:
        """A message to another realm's group, which will number it; None: it is no such group."""
        if not (to.startswith("#") and "@" in to) or self.stored(id):
            return None
        place = self.place(sender, to)
        if place is not None:
            place.refused = [post for post in place.refused if post.id != id]
        return place

    def admit(self, user: str, device: str) -> bytes:
        """A new session's token."""
        number = next(self._numbers)
        token = number.to_bytes(16, "big")
        self.sessions[token] = (number, user, device)
        return token

    def next_number(self) -> int:
        """For something new."""
        return next(self._numbers)
