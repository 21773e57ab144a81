"""Trunks: many sessions of one program on few sockets, as a gateway needs it.

Belongs here: which connection a reply is for, and the gateway's own word to the broker. Who hears what is
``ears``', what frames mean ``session``'s, how sockets are driven ``sockets``'.

A *trunk* is a commands socket and an events socket, or several (``ears``). Each connection on it has a
*lane*, which takes the place of the sockets it would have had. The lane's number is the upper half of its
request ids, so a reply says by itself whose it is. A topic is subscribed to once, however many hold it; what
is heard on it is read once, and handed to all of them. Kinds of events that nobody here wants are dropped
before that.

A lane that closes is forgotten: its late replies find nobody, for its number is not given again.

With a secret, a trunk introduces itself as a gateway each time it has connected, and lets its connections
send once that is answered. Only of a gateway does the broker believe for whom it speaks: ``origin``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

import zmq

from client import sockets
from client.alarms import Alarms
from client.ears import Ears
from client.errors import Closed
from client.lane import Lane
from client.requests import read_answer
from client.sockets import Link
from protocol import connection_string
from protocol.commands import COMMANDS, IntroduceGateway, body_of
from protocol.envelope import NotAnEnvelope, pack_body, pack_request, unpack_reply
from protocol.errors import Failure, Retry

if TYPE_CHECKING:
    from client.connection import Connection

SESSIONS: Final = 500
"""Sessions on one trunk, unless told otherwise."""
INTRODUCTION_PATIENCE: Final = 2.0
"""Seconds without an answer after which a trunk introduces itself again."""
INTRODUCTION_EVERY: Final = 60.0
"""Seconds after which it does so in any case: a broker forgets gateways that are silent for five minutes."""
ROUNDS_A_SECOND: Final = 400
"""When a topic is replaced that all hear, so many of them ask each second what has become of it. All at once
would keep everybody else waiting for a second or two."""
KINDS: Final[frozenset[str]] = frozenset()
"""Kinds of events that connections on trunks are handed besides messages, unless told otherwise."""
LANES_MOST: Final = 2**32 - 1
"""The highest number of a lane; afterwards they begin anew."""
_LANE: Final = slice(3, 7)
"""Where a reply has the upper half of its request id: list of four, version, uint64, and the id itself."""
_UINT64: Final = 0xCF


class Trunks:
    """The trunks to one server. Hand it to ``Chat.connect``; close it after the last chat.

    ``secret``: the gateway's, 32 bytes; empty: go as an ordinary client. ``on_refusal`` is told when the
    server does not believe it; the sessions then go on as an ordinary client's. ``kinds``: of
    ``protocol.events.EVENTS``, those that are handed on besides messages; of membership always what concerns
    the session's own user. Raises ``ValueError`` when ``server`` is no connection string.
    """

    def __init__(
        self,
        server: str,
        *,
        secret: bytes = b"",
        sessions_per_trunk: int = SESSIONS,
        kinds: Collection[str] = KINDS,
        on_refusal: Callable[[Failure], object] = lambda refusal: None,
    ) -> None:
        self.text = server
        self.server = connection_string.parse(server)
        self.secret = secret
        self.kinds = frozenset(kinds)
        self.on_refusal = on_refusal
        self.closed = False
        self.reached = False
        """Whether the server was ever there: then it has the key, and later refusals do not mean it."""
        self._most = sessions_per_trunk
        self._numbers = 0
        self._turn = 0.0
        self._trunks: list[Trunk] = []
        self._alarms: Alarms | None = None

    def __len__(self) -> int:
        """Trunks that are open."""
        return len(self._trunks)

    @property
    def away(self) -> bool:
        """Whether there are trunks, and the server is reached over none of them."""
        return bool(self._trunks) and not any(trunk.through for trunk in self._trunks)

    def number(self) -> int:
        """A lane's number, not one of the last four billion; 0 is the trunks' own."""
        self._numbers = self._numbers % LANES_MOST + 1
        return self._numbers

    def turn(self, now: float) -> float:
        """When the next of all sessions may ask what the same event makes each of them ask."""
        self._turn = max(self._turn, now) + 1 / ROUNDS_A_SECOND
        return self._turn

    def lane(self, number: int, origin: str, connection: Connection) -> Lane:
        """A lane on the first trunk that has room; needs a running loop. Raises ``Closed``."""
        if self.closed:
            raise Closed("The trunks were closed.")
        if self._alarms is None:
            self._alarms = Alarms(asyncio.get_running_loop())
        trunk = next((trunk for trunk in self._trunks if trunk.room(self._most)), None)
        if trunk is None:
            trunk = Trunk(self, self._alarms)
            self._trunks.append(trunk)
        return trunk.join(number, origin, connection)

    def close(self) -> None:
        """Close the sockets; every chat on them is closed with them. A second time does nothing."""
        self.closed = True
        for trunk in self._trunks:
            trunk.close()
        self._trunks.clear()
        if self._alarms is not None:
            self._alarms.close()


class Trunk:
    """A commands socket and the events sockets, shared."""

    def __init__(self, owner: Trunks, alarms: Alarms) -> None:
        self.believed = False
        """Whether the broker knows this connection as a gateway's."""
        self.alarms = alarms
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[bytes, Lane] = {}
        self._touched: list[Lane] = []
        self._out: list[bytes] = []
        self._flushing = False
        self._closed = False
        self._connected = False
        """Whether the commands socket is through to the server."""
        self.through = False
        """Whether the server is reached, and connections may send."""
        self._asked = 0
        """Introductions so far; the answer must be to the last one."""
        self._refusal = 0
        """The last failed handshake; 0 when none failed since the last that succeeded."""
        self._timer: asyncio.TimerHandle | None = None
        self._ears = Ears(owner, self)
        self._commands = Link(
            owner.server, owner.server.port, zmq.DEALER, self._reply, self._commands_changed, self.turn
        )

    @property
    def hears(self) -> bool:
        """Whether there is an events socket."""
        return bool(self._ears)

    def room(self, most: int) -> bool:
        """Whether there is room for one more."""
        return len(self._lanes) < most

    def join(self, number: int, origin: str, connection: Connection) -> Lane:
        """A lane for this connection, which is told by ``greet`` how things stand."""
        lane = Lane(self, number, origin, connection)
        self._lanes[lane.key] = lane
        return lane

    def greet(self, lane: Lane) -> None:
        """Tell a new lane whether the server is there, or was the wrong one."""
        if self.through and not lane.told:
            self._tell(lane, sockets.CONNECTED)
        elif self._refusal:
            self._tell(lane, self._refusal)

    def leave(self, lane: Lane) -> None:
        """This lane is closed."""
        if self._lanes.pop(lane.key, None) is None:
            return
        self._ears.leave(lane)
        self.alarms.drop(lane)

    def close(self) -> None:
        """Close the sockets and every connection."""
        self._closed = True
        for lane in list(self._lanes.values()):
            lane.connection.close()
        if self._timer is not None:
            self._timer.cancel()
        self._commands.close()
        self._ears.close()
        self._lanes.clear()

    # --- commands -------------------------------------------------------------------------------

    def send(self, frames: list[bytes]) -> None:
        """Send every frame, together with whatever else is sent in this turn."""
        self._out += frames
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        frames, self._out = self._out, []
        if frames and not self._closed:
            self._commands.send(frames)

    def _reply(self, frame: bytes) -> None:
        lane = self._lanes.get(frame[_LANE])
        if lane is not None and frame[2] == _UINT64:
            lane.connection.reply(frame)
            self.touch(lane)
        elif frame[2:3] != b"\xcf":
            self._introduced(frame)

    def _commands_changed(self, change: int) -> None:
        connected, self._connected = self._connected, change == sockets.CONNECTED
        self.through = self.believed = False
        self._out.clear()  # whoever asked asks again, when the server is there
        self._asked += 1  # an answer from before is none
        if self._timer is not None:
            self._timer.cancel()
        if change == sockets.CONNECTED:
            self._refusal = 0
            self._owner.reached = True
            if self._owner.secret:
                self._introduce()
            else:
                self._open_to_all()
            return
        if change == sockets.DISCONNECTED:
            # What was not sent yet would go out before the introduction, and all of it is asked again. Only
            # once a connection that was one: after a refusal libzmq, or our pause, says when to try again.
            if connected:
                self._commands.start_over()
        elif self._owner.reached:
            return  # it is being restarted, or something else listens there meanwhile: to visitors it is away
        else:
            self._refusal = change
        self._tell_all(change)

    def _tell_all(self, change: int) -> None:
        for lane in list(self._lanes.values()):
            if change != sockets.DISCONNECTED or lane.told:
                self._tell(lane, change)

    def _tell(self, lane: Lane, change: int) -> None:
        lane.told = change == sockets.CONNECTED
        lane.connection.commands_changed(change)
        self.touch(lane)

    def _open_to_all(self) -> None:
        self.through = True
        self._tell_all(sockets.CONNECTED)

    def _introduce(self) -> None:
        """Say who we are; again and again until it is answered, for nothing else is answered sooner."""
        self._say_who_we_are()
        self._introduce_in(INTRODUCTION_PATIENCE)

    def _remind(self) -> None:
        """Say so again to a broker that knows: nobody waits for the answer, nothing stops."""
        self._say_who_we_are()
        self._timer = self._loop.call_later(INTRODUCTION_EVERY, self._remind)

    def _say_who_we_are(self) -> None:
        self._asked += 1
        body = pack_body(body_of(IntroduceGateway(self._owner.secret)))
        self._commands.send([pack_request(self._asked, b"", "gateway.introduce", body)])

    def _introduce_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._introduce)

    def _introduced(self, frame: bytes) -> None:
        try:
            _, asked, status, packed = unpack_reply(frame)
        except NotAnEnvelope:
            return
        if asked != self._asked or self.through:
            return
        answer = read_answer(COMMANDS["gateway.introduce"], status, packed)
        if isinstance(answer, Failure) and answer.retry is Retry.LATER:
            self._introduce_in(answer.retry_after)
            return
        if self._timer is not None:
            self._timer.cancel()
        self.believed = not isinstance(answer, Failure)
        self._open_to_all()
        if self.believed:
            self._timer = self._loop.call_later(INTRODUCTION_EVERY, self._remind)
        if isinstance(answer, Failure):
            self._owner.on_refusal(answer)

    # --- events ---------------------------------------------------------------------------------

    def listen(self, lane: Lane, port: int, topics: int) -> None:
        """As ``Lane.listen``."""
        self._ears.listen(lane, port, topics)

    def subscribe(self, lane: Lane, changes: list[tuple[bool, bytes]]) -> None:
        """Carry out what one connection wants to hear and what not, in order."""
        self._ears.subscribe(lane, changes)

    def fault(self, lane: Lane, error: Exception) -> None:
        """A mistake of ours in one session: it is closed, for nobody knows how it stands. Others go on."""
        lane.connection.fail()
        what = f"A session on a trunk failed: {type(error).__name__}."
        self._loop.call_exception_handler({"message": what, "exception": error})

    # --- at the end of a turn -------------------------------------------------------------------

    def touch(self, lane: Lane) -> None:
        """This lane was spoken to."""
        if not lane.touched:
            lane.touched = True
            self._touched.append(lane)

    def turn(self) -> None:
        """Everybody who was spoken to carries out what came of it, once; then all of it is sent together."""
        touched, self._touched = self._touched, []
        flushing, self._flushing = self._flushing, True
        for lane in touched:
            lane.touched = False
            try:
                lane.connection.carry_out()
            except Exception as error:
                self.fault(lane, error)
        self._flush()
        self._flushing = flushing
