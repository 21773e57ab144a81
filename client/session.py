"""The session machine: calls in, frames out; frames in, answers out. It decides, others carry out.

Belongs here: who we are, resuming, deadlines, and what each input means to the parts: requests
are repeated by ``requests``, messages kept in order by ``outbox``, events made complete by
``listening``, life is shown by ``pings``. No socket, clock or sleep: every input brings ``now``
(seconds, monotonic), randomness is injected, and what is to be done gathers in ``frames``,
``subscriptions``, ``events``, ``baselines``, ``pauses`` and ``answers`` until the shell takes it.
``wake_at`` says when ``wake`` wants to be called.

Nothing leaves while the server is not reached; then ``connected`` sends whatever has no answer. An
unknown token is answered with a resume, while everything that needs the session waits. The caller's
deadline ends all of it: ``Offline`` when the call never left, the server's last refusal if there was
one, else ``Timeout``.
"""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import Final

from client.errors import ClientError, LoggedOut, Offline, Timeout, WrongServerKey
from client.inbox import Event
from client.listening import Listening
from client.outbox import Entry, Outbox
from client.pings import PING, Pings
from client.requests import OnAnswer, Request, Requests, read_answer, unsendable
from client.timers import NEVER, Timers
from protocol.commands import (
    COMMANDS,
    Body,
    Empty,
    GroupReply,
    LoginReply,
    Resume,
    Send,
    SendReply,
    WhoamiReply,
    body_of,
)
from protocol.envelope import NotAnEnvelope, pack_body, pack_request, unpack_event, unpack_reply
from protocol.errors import Failure, InvalidCredentials, RateLimited, Retry
from protocol.files import FinishReply

IN_DOUBT: Final = "No answer in time: it may or may not have been done."
REFUSALS: Final = 2
"""Failed handshakes in a row that mean a wrong key. One may be a server that just died."""


def _at_once(now: float) -> float:
    return now


class Session:
    """One client's conversation with the server. ``timeout`` is how many seconds a call may take.

    ``first_id``: where its request ids begin.
    """

    def __init__(
        self,
        rng: random.Random,
        *,
        token: bytes = b"",
        timeout: float = 10.0,
        cursors: dict[int, int] | None = None,
        first_id: int = 1,
    ) -> None:
        self.user = ""
        self.token = token
        self.number = 0
        """Of the session; 0 while not known."""
        self.topic = b""
        self.frames: list[bytes] = []
        """To send on the commands socket."""
        self.subscriptions: list[tuple[bool, bytes]] = []
        """(subscribe?, topic) for the events socket, in order."""
        self.events: list[Event] = []
        """To hand to the program."""
        self.baselines: list[tuple[int, int | None]] = []
        """(conversation, seq from behind which it is heard; None: no longer heard)."""
        self.answers: list[tuple[int, Body | Exception]] = []
        """(handle, reply or what to raise)."""
        self.pauses: list[RateLimited] = []
        """Refusals for now that were heard, while the call waits: for whoever wants to tell a person."""
        self.over: ClientError | None = None
        """Why nothing more will come of this session, once that is so."""
        self.online = False
        """Whether the commands socket is through to the server."""
        self.events_online = False
        self.junk = 0
        """Frames that were none of the protocol's."""
        self.turn: Callable[[float], float] = _at_once
        """When to ask what every session of this program asks for the same cause; given: now."""
        self.rng = rng
        self.timers = Timers()
        self.listening = Listening(self, cursors)
        self._timeout = timeout
        self._request_ids = itertools.count(first_id)
        self._outbox = Outbox(rng, self._request_ids)
        self._requests = Requests(rng, self.timers, self._request_ids, self._done, self.pauses)
        self._deadlines: deque[Request | Entry] | None = None
        """Of calls without an answer, in order; None when there is none (see ``requests``)."""
        self._listeners: list[int] = []
        self._resuming = False
        self._refusals = 0
        self._reached = False
        self._pings = Pings(self)

    # --- from the program -----------------------------------------------------------------------

    def request(self, now: float, handle: int, command: str, body: Body) -> None:
        """Ask something. The answer comes in ``answers`` under ``handle``."""
        if self._fails_at_once(handle, command, body):
            return

        def answer(now: float, answer: Body | Exception) -> None:
            self.answers.append((handle, answer))

        self._enqueue(now, command, body, answer, now + self._timeout)

    def ask(self, now: float, command: str, body: Body, on_answer: OnAnswer) -> None:
        """Ask something for the machine itself: no deadline, and refusals for now are waited out."""
        self._enqueue(now, command, body, on_answer, NEVER)

    def send(self, now: float, handle: int, to: str, body: str, id: bytes) -> None:
        """Post a message, behind those already on their way to the same address."""
        if self._fails_at_once(handle, "message.send", Send(to, body, id)):
            return
        entry = self._outbox.add(handle, to, body, id)
        entry.deadline = now + self._timeout
        self._limit(entry)
        self._pump(now)

    def listen(self, now: float, handle: int) -> None:
        """Begin to hear events. Answered with ``Empty`` once nothing can be missed any more."""
        if self._fails_at_once(handle, "conversation.list", Empty()):
            return
        self._listeners.append(handle)
        self.listening.start(now)
        if self.listening.live:
            self.now_live()

    def now_live(self) -> None:
        """Listening is complete; whoever waited for that is told."""
        self.answers.extend((handle, Empty()) for handle in self._listeners)
        self._listeners.clear()

    def forget(self, now: float) -> None:
        """The session is over; a login may begin another."""
        self.over = LoggedOut("The session has ended; log in again.")
        self.token, self.user, self.number, self.topic = b"", "", 0, b""
        self.listening.stop()
        self.listening = Listening(self, None)
        self._fail_all(now, self.over)

    def _fails_at_once(self, handle: int, command: str, body: Body) -> bool:
        error = unsendable(command, body) or (self.over if COMMANDS[command].session else None)
        if self._refusals >= REFUSALS:
            error = WrongServerKey()
        if error is not None:
            self.answers.append((handle, error))
        return error is not None

    # --- from the sockets -----------------------------------------------------------------------

    def connected(self, now: float) -> None:
        """The commands socket is through to the server, anew: what it had in flight is repeated."""
        if self.online:
            self.disconnected(now)
        self.online = True
        self._refusals, self._reached = 0, True
        self._requests.connected()
        self._outbox.rewind()
        self.listening.want(now)
        if self.token:
            self._pings.schedule(now, 0.0 if self.listening.on else PING)
        self._pump(now)

    def disconnected(self, now: float, reason: str = "The connection to the server was lost.") -> None:
        """The commands socket lost the server. Answers to what is in flight will not come."""
        if not self.online:
            return
        self.online = False
        self._requests.disconnected(now)
        self.listening.say(False, reason)

    def events_connected(self, now: float) -> None:
        """The events socket is through to the server, anew."""
        self.events_online = True
        self.listening.events_connected(now)
        self._pump(now)

    def events_disconnected(self, now: float, reason: str = "The events of the server were lost.") -> None:
        """The events socket lost the server."""
        self.events_online = False
        self.listening.say(False, reason)

    def refused(self, now: float, final: bool = False) -> None:
        """A handshake failed at once; ``final``: in a way that no second try can mend.

        A server that was through once has the key: it is being restarted behind something that listens.
        """
        if self._reached:
            return
        self._refusals += REFUSALS if final else 1
        if self._refusals >= REFUSALS:
            self._fail_all(now, WrongServerKey())

    def reply(self, now: float, frame: bytes) -> None:
        """A frame from the commands socket."""
        try:
            _, request_id, status, packed = unpack_reply(frame)
        except NotAnEnvelope:
            self.junk += 1
            return
        request = self._requests.find(request_id)
        if request is not None:
            self._answered(now, request, request_id, read_answer(request.command, status, packed))
        elif request_id in self._outbox:
            self._message_answered(now, request_id, read_answer(COMMANDS["message.send"], status, packed))
        self._pump(now)

    def event(self, now: float, frame: bytes) -> None:
        """A frame from the events socket."""
        try:
            self.listening.heard(now, unpack_event(frame))
        except NotAnEnvelope:
            self.junk += 1
        self._pump(now)

    def heard(self, now: float, topic: bytes, event: Body) -> None:
        """The same, read already."""
        if self.listening.on:
            self.listening.told(now, topic, event)
        self._pump(now)

    # --- time -----------------------------------------------------------------------------------

    def wake(self, now: float) -> None:
        """Time has passed."""
        self.timers.run(now)
        self._expire(now)
        self._pump(now)

    def wake_at(self) -> float:
        """When to call ``wake`` at the latest."""
        calls = self._deadlines
        while calls and calls[0].done:
            calls.popleft()
        if not calls:
            self._deadlines = None
        moment = min(self.timers.next(), calls[0].deadline) if calls else self.timers.next()
        if self._outbox.busy and self._may_send_session:
            return min(moment, self._outbox.due())
        return moment

    def _expire(self, now: float) -> None:
        """Every call waits equally long, so those at the head are the first to give up."""
        calls = self._deadlines
        while calls and (calls[0].done or calls[0].deadline <= now):
            call = calls.popleft()
            if call.done:
                continue
            doubt = isinstance(call, Entry) or call.command.writes
            error: Exception = Timeout(IN_DOUBT if doubt else "The server did not answer in time.")
            if call.failure is not None:
                error = call.failure
            elif not call.flights and not self.online:
                error = Offline("The server cannot be reached.")
            if isinstance(call, Entry):
                self._outbox.drop(call)
                self.answers.append((call.handle, error))
            else:
                self._requests.finish(now, call, error)

    # --- out ------------------------------------------------------------------------------------

    def _enqueue(self, now: float, command: str, body: Body, on_answer: OnAnswer, deadline: float) -> None:
        request = Request(COMMANDS[command], pack_body(body_of(body)), on_answer, deadline)
        if deadline != NEVER:
            self._limit(request)
        self._requests.add(request)
        self._pump(now)

    def _limit(self, call: Request | Entry) -> None:
        """This call has a deadline."""
        if self._deadlines is None:
            self._deadlines = deque()
        self._deadlines.append(call)

    @property
    def _may_send_session(self) -> bool:
        return self.online and not self._resuming and self.over is None

    def _pump(self, now: float) -> None:
        """Send what may be sent."""
        if not self.online:
            return
        if self._requests.waiting:
            self.frames.extend(self._requests.ship(now, self.token, self._may_send_session))
        if self._outbox.busy and self._may_send_session:
            for request_id, command, body in self._outbox.ship(now):
                self.frames.append(pack_request(request_id, self.token, command, pack_body(body_of(body))))

    # --- in -------------------------------------------------------------------------------------

    def _answered(self, now: float, request: Request, request_id: int, answer: Body | Failure) -> None:
        resumable = request.command.session and bool(self.token)
        if isinstance(answer, Failure) and answer.retry is Retry.RESUME and resumable:
            if not self._requests.outdated(request, request_id):
                self._requests.again(request)
                if request.token == self.token:
                    self._resume(now)
            return
        self._requests.answered(now, request, request_id, answer)

    def _done(self, now: float, request: Request, answer: Body | Exception) -> None:
        """What an answer means to the session, before the caller hears it."""
        name = request.command.name
        if isinstance(answer, LoginReply):
            if name == "auth.login" or answer.token == self.token:
                self._adopt(now, answer)
        elif isinstance(answer, WhoamiReply):
            self.user, self.number, self.topic = answer.user, answer.session, answer.topic
        elif isinstance(answer, GroupReply):
            self.listening.joined(now, answer)
        elif isinstance(answer, FinishReply) and answer.conversation:
            self.listening.posted(now, answer.conversation, answer.seq)
        elif name in ("group.leave", "auth.password") and not isinstance(answer, Exception):
            self.listening.want(now, fence=False)

    def _message_answered(self, now: float, request_id: int, answer: Body | Failure) -> None:
        if isinstance(answer, SendReply):
            entry = self._outbox.stored(request_id)
            if entry is not None:
                self.answers.append((entry.handle, answer))
                self.listening.sent(now, entry, answer)
            return
        assert isinstance(answer, Failure)
        resume = answer.retry is Retry.RESUME and not self._outbox.outdated(request_id)
        if resume and not self.token:
            entry = self._outbox.stored(request_id)  # there is nothing to resume: final
        else:
            entry = self._outbox.refused(now, request_id, answer)
        if entry is not None:
            self.answers.append((entry.handle, answer))
        elif resume:
            self._resume(now)

    # --- the session ----------------------------------------------------------------------------

    def _adopt(self, now: float, reply: LoginReply) -> None:
        """Logged in or resumed."""
        if self.listening.on and self.user not in ("", reply.user):
            self.listening.stop()
            self.listening = Listening(self, None)
            self.listening.start(now)
        self.user, self.token, self.number, self.topic = reply.user, reply.token, reply.session, reply.topic
        self.over = None
        self._pings.begin(now)
        self._requests.unpark()
        self.listening.want(now)

    def _resume(self, now: float) -> None:
        if self._resuming:
            return
        self._resuming = True
        self._outbox.rewind()
        self.ask(now, "auth.resume", Resume(self.token), self._resumed)

    def _resumed(self, now: float, answer: Body | Exception) -> None:
        self._resuming = False
        if isinstance(answer, InvalidCredentials):
            self.forget(now)
        elif isinstance(answer, Exception):
            # A fault of the server's: its answer may differ next time.
            self._resuming = True
            self.timers.at(now + self.rng.uniform(1.0, 2.0), self._resume_again)
        else:
            self._outbox.rewind()
            self._requests.unpark()

    def _resume_again(self, now: float, _: object) -> None:
        self._resuming = False
        if self.token:
            self._resume(now)

    def _fail_all(self, now: float, error: ClientError) -> None:
        """End what cannot be answered: with ``LoggedOut`` all that needs a session, else all calls."""
        logged_out = isinstance(error, LoggedOut)
        for request in self._requests.all():
            if request.command.session if logged_out else request.deadline != NEVER:
                self._requests.finish(now, request, error)
        self.answers.extend((entry.handle, error) for entry in self._outbox.clear())
        self.answers.extend((handle, error) for handle in self._listeners)
        self._listeners.clear()
