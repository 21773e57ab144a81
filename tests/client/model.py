"""A tiny Pesan server in memory, as far as a client can tell: enough to play against."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from protocol import commands, events
from protocol.addresses import TopicKind
from protocol.commands import COMMANDS, Body, body_of
from protocol.envelope import Request, pack_body, pack_reply, unpack_request
from protocol.errors import (
    OK,
    Conflict,
    Failure,
    InvalidCredentials,
    NotFound,
    Unauthenticated,
)
from tests.client.model_files import FileModel


@dataclass
class User:
    """One user; ``sessions`` by token."""

    name: str
    topic: bytes
    password: str = "correct horse"


@dataclass
class Room:
    """One conversation."""

    id: int
    kind: str
    name: str
    topic: bytes
    members: dict[str, int]
    """Name → read marker."""
    messages: list[commands.Message] = field(default_factory=list)

    def named_for(self, user: str) -> str:
        if self.kind != "direct":
            return self.name
        return next((member for member in self.members if member != user), user)


class ModelServer:
    """Answers request frames; what it publishes gathers in ``published`` as (peer, frame)."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = random.Random(seed)
        self.epoch = 1
        self.events_port = 7701
        self.bulk_port = 7702
        self.users: dict[str, User] = {}
        self.sessions: dict[bytes, tuple[int, str]] = {}
        """Token → (number, user): what the database knows."""
        self.resumed: set[bytes] = set()
        """Tokens that the broker knows."""
        self.rooms: dict[int, Room] = {}
        self.ids: dict[tuple[str, bytes], tuple[int, int]] = {}
        self.subscriptions: dict[str, set[bytes]] = {}
        self.published: list[tuple[str, bytes]] = []
        self.asked: list[tuple[str, str, Any]] = []
        """(user, command, request) of everything that arrived."""
        self.gateway_secret = b"g" * 32
        self.limits: dict[str, int] = {}
        """What it says about them."""
        self.origins: list[tuple[str, str]] = []
        """(command, origin) of every request that arrived."""
        self.files = FileModel(self)
        self.refuse: Callable[[str, Any], Failure | None] = lambda command, request: None
        for name in ("ani", "budi", "citra", "dewi"):
            self.users[name] = User(name, self.topic(TopicKind.USER))

    def stored(self, sender: str) -> list[str]:
        """Texts of what somebody sent, in each conversation in order."""
        return [
            message.body
            for room in self.rooms.values()
            for message in room.messages
            if message.sender == sender
        ]

    def topic(self, kind: bytes) -> bytes:
        return kind + self.rng.randbytes(15)

    # --- as a broker ----------------------------------------------------------------------------

    def restart(self) -> None:
        """The broker ends and begins anew: it knows no session and no subscription."""
        self.resumed.clear()
        self.subscriptions.clear()
        self.epoch += 1

    def subscribe(self, peer: str, subscribe: bool, topic: bytes) -> None:
        topics = self.subscriptions.setdefault(peer, set())
        if not subscribe:
            topics.discard(topic)
            return
        topics.add(topic)
        if topic[:1] == TopicKind.USER:
            self.publish(topic, events.Welcome(self.epoch))

    def publish(self, topic: bytes, body: Body) -> None:
        frame = events.event(topic, body)
        self.published += [(peer, frame) for peer, topics in self.subscriptions.items() if topic in topics]

    def request(self, frame: bytes) -> bytes:
        """The reply to one request frame."""
        asked = unpack_request(frame)
        command = COMMANDS[asked.command]
        self.origins.append((asked.command, asked.origin))
        try:
            request = commands.read(command, asked.body)
            user = self.sessions[asked.token][1] if asked.token in self.resumed else ""
            self.asked.append((user, asked.command, request))
            if command.session and not user:
                raise Unauthenticated("This session is not known here: resume it.")
            if failure := self.refuse(asked.command, request):
                raise failure
            reply = self._do(asked, user, request)
            return pack_reply(asked.request_id, OK, pack_body(body_of(reply)))
        except Failure as error:
            return pack_reply(asked.request_id, error.code, pack_body(error.body()))

    def _do(self, asked: Request, user: str, request: Any) -> Body:
        if asked.command.startswith("file."):
            return self.files.command(asked, user, request)
        name = asked.command.replace(".", "_")
        reply: Body = getattr(self, f"_{name}")(asked, user, request)
        return reply

    # --- commands -------------------------------------------------------------------------------

    def _server_hello(self, asked: Request, user: str, request: Any) -> Body:
        return commands.HelloReply("0", 1, "here", self.events_port, self.bulk_port, 0, ["auth"], self.limits)

    def _gateway_introduce(self, asked: Request, user: str, request: commands.IntroduceGateway) -> Body:
        if request.secret != self.gateway_secret:
            raise InvalidCredentials("That is not the gateway's secret.")
        return commands.Empty()

    def _session_ping(self, asked: Request, user: str, request: Any) -> Body:
        return commands.PingReply(self.epoch, 0)

    def _auth_register(self, asked: Request, user: str, request: commands.Register) -> Body:
        if request.username in self.users:
            raise Conflict("That name is taken.")
        self.users[request.username] = User(request.username, self.topic(TopicKind.USER), request.password)
        return commands.RegisterReply(request.username)

    def _auth_login(self, asked: Request, user: str, request: commands.Login) -> Body:
        known = self.users.get(request.username)
        if known is None or known.password != request.password:
            raise InvalidCredentials("User name and password do not fit.")
        token = self.rng.randbytes(16)
        self.sessions[token] = (len(self.sessions) + 1, known.name)
        return self._opened(token)

    def _auth_resume(self, asked: Request, user: str, request: commands.Resume) -> Body:
        if request.token not in self.sessions:
            raise InvalidCredentials("This session has ended.")
        return self._opened(request.token)

    def _opened(self, token: bytes) -> Body:
        number, name = self.sessions[token]
        self.resumed.add(token)
        return commands.LoginReply(name, token, number, self.users[name].topic)

    def _auth_logout(self, asked: Request, user: str, request: Any) -> Body:
        self.end_session(asked.token)
        return commands.Empty()

    def end_session(self, token: bytes) -> None:
        self.sessions.pop(token, None)
        self.resumed.discard(token)

    def _user_whoami(self, asked: Request, user: str, request: Any) -> Body:
        return commands.WhoamiReply(user, self.sessions[asked.token][0], "", self.users[user].topic, 0)

    def _message_send(self, asked: Request, user: str, request: commands.Send) -> Body:
        room = self._room(user, request.to)
        key = (user, request.id)
        if key in self.ids:
            room, seq = self.rooms[self.ids[key][0]], self.ids[key][1]
            self._tell(room, room.messages[seq - 1])
            return commands.SendReply(room.id, seq, 0, True)
        if request.after is not None and (user, request.after) not in self.ids:
            raise Conflict("The message before it is not here.", missing=request.after)
        if room.id not in self.rooms:
            self.rooms[room.id] = room
        seq = len(room.messages) + 1
        message = commands.Message(seq, user, request.body, 0, request.id)
        room.messages.append(message)
        self.ids[key] = (room.id, seq)
        self._tell(room, message)
        return commands.SendReply(room.id, seq, 0, False)

    def _tell(self, room: Room, message: commands.Message) -> None:
        to = room.named_for(message.sender)
        event = events.MessageEvent(
            room.id, message.seq, message.sender, to, message.body, message.sent_at, message.id
        )
        self.publish(room.topic or self.users[to].topic, event)

    def _room(self, user: str, address: str) -> Room:
        if address.startswith("#"):
            room = next((room for room in self.rooms.values() if room.name == address), None)
            if room is None or user not in room.members:
                raise NotFound(f"There is no {address}.")
            return room
        if address not in self.users:
            raise NotFound(f"There is no {address}.")
        members = {user: 0, address: 0}
        for room in self.rooms.values():
            if room.kind == "direct" and set(room.members) == set(members):
                return room
        return Room(len(self.rooms) + 1, "direct", "", b"", members)

    def _message_history(self, asked: Request, user: str, request: commands.History) -> Body:
        room = self._asked_for(user, request.conversation, request.address)
        after = request.after or 0
        newest = room.messages[-1].seq if room.messages else 0
        last = min(after + request.limit, newest)
        page = [message for message in room.messages if after < message.seq <= last]
        return commands.HistoryReply(room.id, page, after + 1, last, newest, 0)

    def _asked_for(self, user: str, conversation: int | None, address: str | None) -> Room:
        room = self._room(user, address) if address else self.rooms.get(conversation or 0)
        if room is None or user not in room.members:
            raise NotFound("There is no such conversation.")
        return room

    def _conversation_verify(self, asked: Request, user: str, request: commands.Verify) -> Body:
        room = self._asked_for(user, request.conversation, request.address)
        newest = room.messages[-1].seq if room.messages else 0
        held = {message.seq for message in room.messages}
        missing = [(seq, seq) for seq in range(1, newest + 1) if seq not in held]
        return commands.VerifyReply(room.id, newest, len(held), not missing, missing)

    def _conversation_list(self, asked: Request, user: str, request: commands.ListConversations) -> Body:
        mine = [room for room in self.rooms.values() if user in room.members and room.id > request.after]
        rows = [
            commands.ConversationInfo(
                room.id,
                room.kind,
                room.named_for(user),
                room.topic,
                len(room.messages),
                room.members[user],
                0,
                0,
            )
            for room in mine[:2]
        ]
        return commands.ConversationsReply(rows, len(mine) > 2)

    def _group_create(self, asked: Request, user: str, request: commands.CreateGroup) -> Body:
        if any(room.name == f"#{request.group}" for room in self.rooms.values()):
            raise Conflict("That name is taken.")
        topic = self.topic(TopicKind.CONVERSATION)
        room = Room(len(self.rooms) + 1, "group", f"#{request.group}", topic, {user: 0})
        self.rooms[room.id] = room
        return commands.GroupReply(room.id, room.topic, 0)

    def _group_join(self, asked: Request, user: str, request: commands.JoinGroup) -> Body:
        room = next(room for room in self.rooms.values() if room.name == f"#{request.group}")
        room.members.setdefault(user, len(room.messages))
        self.publish(self.users[user].topic, events.TopicsEvent(room.id))
        return commands.GroupReply(room.id, room.topic, len(room.messages))

    def _group_leave(self, asked: Request, user: str, request: commands.NameGroup) -> Body:
        room = next(room for room in self.rooms.values() if room.name == f"#{request.group}")
        del room.members[user]
        self.replace_topic(room)
        return commands.Empty()

    def replace_topic(self, room: Room) -> None:
        old, room.topic = room.topic, self.topic(TopicKind.CONVERSATION)
        self.publish(old, events.TopicsEvent(room.id))
        for member in room.members:
            self.publish(self.users[member].topic, events.TopicsEvent(room.id))
