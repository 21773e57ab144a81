"""The routing machine: requests in, work out, results in, replies and events out.

It has no socket, clock, sleep or randomness: every call brings ``now`` (seconds, monotonic), and
what is to be sent gathers in ``replies``, ``events`` and the workers' batches until the shell takes
it. So a simulation can run it a million steps a minute.

How a request goes: its envelope is checked, its command looked up, the preconditions of that row
checked (session, size, rate), a worker chosen, and the request stamped with the caller's identity.
It is then a *flight* under a handle, until the worker answers, dies, or takes too long. Handles
begin at a number of this broker's own, so that an answer meant for an earlier broker fits nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from broker.answers import answer
from broker.buckets import Buckets
from broker.flight import Flight
from broker.peers import Peers
from broker.presence import Presence
from broker.sessions import Session, Sessions, Stick
from broker.workers import Worker, Workers
from config.settings import Settings
from protocol import VERSION, backend
from protocol.commands import BY_ADDRESS, COMMANDS, Command, Rate, body_of
from protocol.envelope import BadRequest, NotAnEnvelope, pack_body, pack_reply, unpack_request
from protocol.errors import (
    OK,
    Busy,
    Failure,
    Forbidden,
    Internal,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Version,
)

RETRY_WHEN_BUSY = 0.1
RETRY_WHEN_UNAVAILABLE = 0.3


class Core:
    """The broker without its sockets.

    ``first_handle`` must differ from one start to the next; ``name`` must not, for the auth
    service keeps presence under it. ``gateway_secret`` is what a gateway has to show; empty: nobody can.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        name: bytes,
        version: str,
        first_handle: int,
        epoch: int,
        gateway_secret: bytes = b"",
    ) -> None:
        self.settings = settings
        self.version = version
        self.epoch = epoch
        self.wall = 0.0
        """What to add to ``now`` to have seconds since the Unix epoch."""
        self.sessions = Sessions(settings.sessions, settings.session_timeout)
        self.workers = Workers(settings.worker_timeout, settings.worker_capacity_bytes)
        self.presence = Presence(name)
        self.replies: list[tuple[bytes, bytes]] = []
        """(routing id, frame) to send to clients."""
        self.events: list[bytes] = []
        """Frames to publish."""
        self.signals: list[tuple[bytes, str]] = []
        """(routing id, backend.PROBE or STOP) to send to workers, after their batches."""
        self.counts: Counter[str] = Counter()
        """What was dropped or refused without being a worker's business."""
        self.peers = Peers(settings.rates, settings.connections, gateway_secret)
        self._flights: dict[int, Flight] = {}
        self._handle = first_handle

    @property
    def in_flight(self) -> int:
        """Requests without an answer yet."""
        return len(self._flights)

    # --- from clients ---------------------------------------------------------------------------

    def request(self, now: float, peer: bytes, frame: bytes) -> None:
        """One frame from a client."""
        try:
            version, request_id, token, name, body, origin = unpack_request(frame)
        except NotAnEnvelope:
            self.counts["not_an_envelope"] += 1
            return
        except BadRequest as error:
            self._turn_away(now, peer, error.request_id, error)
            return
        if origin and not self.peers.gateway(peer, now):
            origin = ""  # anyone may write anything there
        try:
            if version != VERSION:
                raise Version(f"This server speaks version {VERSION}.", supported=[VERSION])
            command = COMMANDS.get(name)
            if command is None or command.internal:
                raise NotFound(f"There is no command {name!r}.")
            if len(body) > command.limit:
                raise TooLarge(f"The body of {name} may have {command.limit} bytes.", limit=command.limit)
            session = self._admit(now, peer, token, command, origin)
            if command.service:
                self._dispatch(now, peer, request_id, command, session, body, origin)
            else:
                reply = body_of(answer(self, now, peer, command, body))
                self.replies.append((peer, pack_reply(request_id, OK, pack_body(reply))))
        except Failure as error:
            self._turn_away(now, peer, request_id, error, origin)

    def _admit(self, now: float, peer: bytes, token: bytes, command: Command, origin: str) -> Session | None:
        """The preconditions of the table that concern the caller. Raises the refusal."""
        session = self.sessions.find(token)
        if session is not None:
            if now - session.seen > 1.0 or not session.online:
                self.sessions.heard(session, now)
            if peer in session.links:
                session.links[peer] = now
            else:
                self.sessions.linked(session, peer, now, self.peers.gateway(peer, now))
        elif command.session:
            raise Unauthenticated("This session is not known here: resume it." if token else "Log in first.")
        if command.gateway and not self.peers.gateway(peer, now):
            raise Forbidden("Only gateways may ask this.")
        if self.settings.rate_limits:
            rate = command.rate
            if command.visitors is not None and session is not None and not session.native:
                rate = command.visitors
            self._meter(now, peer, session, rate, origin)
        return session

    def _meter(self, now: float, peer: bytes, session: Session | None, rate: Rate, origin: str) -> None:
        if session is None or rate in BY_ADDRESS:
            wait = self.peers.take(peer, rate, now, origin)
        else:
            wait = session.buckets.take(rate, now)
        if wait:
            raise RateLimited("That is too often; wait a little.", retry_after=round(wait, 3))

    def _turn_away(self, now: float, peer: bytes, request_id: int, error: Failure, origin: str = "") -> None:
        """Refuse a request that has gone nowhere, or drop it if this address hears refusals all the time."""
        if self.settings.rate_limits and self.peers.take(peer, Rate.REFUSAL, now, origin):
            self.counts["refused_in_silence"] += 1
        else:
            self._refuse(peer, request_id, error)

    def _dispatch(
        self,
        now: float,
        peer: bytes,
        request_id: int,
        command: Command,
        session: Session | None,
        body: bytes,
        origin: str = "",
    ) -> None:
        """Hand a request to a worker, or raise why not."""
        self._handle = handle = self._handle + 1
        address = self.peers.address(peer, origin) if command.rate in BY_ADDRESS else ""
        if session is None:
            call = backend.call((handle, command.name, 0, "", 0, False, body, address, False))
        else:
            if session.open >= self.settings.session_open_requests:
                raise Busy("Too many requests of this session are open.", retry_after=RETRY_WHEN_BUSY)
            user = session.user
            devices, gateway = user.links > 1, not session.native
            call = backend.call(
                (handle, command.name, user.id, user.name, session.id, devices, body, address, gateway)
            )
        self._assign(Flight(peer, request_id, command, session, call, now))
        if session is not None:
            session.open += 1

    def _assign(self, flight: Flight) -> None:
        """Choose a worker: the one the session's open requests are with, else the least loaded."""
        service, size, session = flight.service, len(flight.call.body), flight.session
        stick = None if session is None else session.sticks.get(service)
        if stick is not None and stick.count:
            worker: Worker | None = stick.worker
        else:
            worker = self.workers.choose(service, size)
        if worker is None or not self.workers.room(worker, size):
            raise self._no_room(service)
        if session is not None:
            if stick is None:
                stick = session.sticks[service] = Stick(worker)
            stick.worker = worker
            stick.count += 1
            flight.stick = stick
        flight.worker = worker
        worker.open += 1
        worker.bytes += size
        worker.batch.append(flight.call)
        self._flights[flight.call.handle] = flight

    def _no_room(self, service: str) -> Failure:
        if self.workers.has(service):
            return Busy(f"The {service} service is busy.", retry_after=RETRY_WHEN_BUSY)
        name = "This server's realm process" if service == backend.REALM else f"The {service} service"
        return Unavailable(f"{name} is not running.", retry_after=RETRY_WHEN_UNAVAILABLE)

    def _refuse(self, peer: bytes, request_id: int, error: Failure) -> None:
        self.counts[error.code] += 1
        self.replies.append((peer, pack_reply(request_id, error.code, pack_body(error.body()))))

    # --- from workers ---------------------------------------------------------------------------

    def backend(self, now: float, routing_id: bytes, frame: bytes) -> None:
        """One frame from a worker."""
        try:
            kind, *fields = backend.unpack(frame)
            if kind == backend.DONE:
                self._done(now, routing_id, *backend.read_done(fields))
            elif kind == backend.BEAT:
                self._beat(now, routing_id, *backend.read_beat(fields))
        except ValueError:
            self.counts["backend_junk"] += 1

    def _beat(self, now: float, routing_id: bytes, service: str, name: str, capacity: int) -> None:
        new = self.workers.get(routing_id) is None
        worker = self.workers.heard(routing_id, service, name, capacity, now)
        if worker.retiring:
            self.signals.append((routing_id, backend.STOP))
        elif new:  # so it hears that it is known, and can say that it serves
            self.signals.append((routing_id, backend.PROBE))

    def _done(
        self,
        now: float,
        routing_id: bytes,
        replies: tuple[tuple[int, str, bytes], ...],
        events: tuple[bytes, ...],
        effects: tuple[tuple[Any, ...], ...],
    ) -> None:
        """Results of a batch. They are committed, so events count even from a worker given up for dead."""
        worker = self.workers.get(routing_id)
        if worker is not None:
            worker.seen = now
        for kind, *fields in effects:
            self._effect(now, kind, fields)
        self.events.extend(events)
        for handle, status, body in replies:
            flight = self._flights.get(handle)
            if flight is None or flight.worker is not worker:
                self.counts["late_reply"] += 1
                continue
            self._land(flight)
            if status == backend.ELSEWHERE:
                self._pass_on(flight)
                continue
            if flight.session is not None:
                flight.session.open -= 1
            if flight.peer:
                self.replies.append((flight.peer, pack_reply(flight.request_id, status, body)))
            else:
                self.presence.answered(status == OK)

    def _pass_on(self, flight: Flight) -> None:
        """A request that concerns another realm goes to the realm process, once."""
        try:
            if flight.service == backend.REALM:
                raise Internal("The server made a mistake: nobody here does this.")
            if not self._current(flight.session):
                raise Unauthenticated("This session has ended; log in again.")
            flight.service = backend.REALM
            self._assign(flight)
        except Failure as error:
            self._give_up(flight, error)

    def _current(self, session: Session | None) -> bool:
        return session is None or self.sessions.find(session.token) is session

    def _effect(self, now: float, kind: str, fields: list[Any]) -> None:
        if kind == backend.OPEN:
            token, session_id, user_id, user = backend.read_open(fields)
            self.sessions.opened(token, session_id, user_id, user, Buckets(self.settings.rates), now)
        elif kind == backend.CLOSE:
            self.sessions.closed(backend.read_close(fields))
        elif kind == backend.TELL:
            self.workers.tell(*backend.read_telling(fields))

    def _land(self, flight: Flight) -> None:
        """The flight is no longer with its worker."""
        del self._flights[flight.call.handle]
        flight.worker.open -= 1
        flight.worker.bytes -= len(flight.call.body)
        if flight.stick is not None:
            flight.stick.count -= 1

    def worker_gone(self, now: float, routing_id: bytes) -> None:
        """A worker is dead: its requests go to another one where the table allows, in their order."""
        worker = self.workers.gone(routing_id)
        if worker is None:
            return
        self.counts["worker_gone"] += 1
        lost = [flight for flight in self._flights.values() if flight.worker is worker]
        # All of them leave first, so that a session's requests may move to the new worker together.
        for flight in lost:
            self._land(flight)
        for flight in lost:
            self._again(flight)

    def _again(self, flight: Flight) -> None:
        """Hand it to another worker; where none may or can take it, nobody knows what was done."""
        # One whose session has ended meanwhile is not begun anew.
        if flight.command.retry and self._current(flight.session):
            try:
                self._assign(flight)
                return
            except Failure:
                pass
        message = "The server failed while it worked on this; it may or may not have been done."
        self._give_up(flight, _uncertain(message))

    def _give_up(self, flight: Flight, error: Failure) -> None:
        if flight.session is not None:
            flight.session.open -= 1
        if flight.peer:
            self._refuse(flight.peer, flight.request_id, error)
        else:
            self.presence.answered(False)

    # --- time -----------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """What time alone brings about; called several times a second."""
        for worker in self.workers.silent(now):
            self.worker_gone(now, worker.id)
        self._time_out(now)
        self.sessions.expire(now)
        self.report_presence(now)

    def _time_out(self, now: float) -> None:
        """Flights are in order of their start, but for those that changed worker: they wait longer."""
        before = now - self.settings.request_timeout
        late = []
        for flight in self._flights.values():
            if flight.at > before:
                break
            late.append(flight)
        for flight in late:
            self._land(flight)
            self._give_up(flight, _uncertain("No answer in time."))

    def report_presence(self, now: float) -> None:
        """Tell the auth service who came and went. Called with the tick, and when a turn has brought some:
        whoever hears that they are logged in, or out, finds it so when they look.
        """
        if not self.workers.has("auth"):
            return
        report = self.presence.report(self.sessions, now)
        if report is None:
            return
        command = COMMANDS["presence.report"]
        try:
            self._dispatch(now, b"", 0, command, None, pack_body(body_of(report)))
        except Failure:
            self.presence.answered(False)

    # --- what goes out --------------------------------------------------------------------------

    def work(self) -> list[tuple[bytes, bytes]]:
        """(routing id, frame) of every worker's batch, which is then empty, and of what it is told."""
        frames = []
        for worker in self.workers:
            if worker.batch:
                frames.append((worker.id, backend.pack_work(worker.batch)))
                worker.batch = []
            if worker.told:
                frames += [(worker.id, backend.pack_tell(payload)) for payload in worker.told]
                worker.told = []
        return frames

    def dismiss(self) -> None:
        """Tell every worker that no more will come: one that is about to end need not wait to hear it."""
        self.signals.extend((worker.id, backend.STOP) for worker in self.workers)

    def probe(self) -> None:
        """Ask every worker whether it is there: a dead one cannot be sent to."""
        self.signals.extend((worker.id, backend.PROBE) for worker in self.workers)


def _uncertain(message: str) -> Failure:
    return Unavailable(message, retry_after=RETRY_WHEN_UNAVAILABLE, uncertain=True)
