"""Chunks on their way: which may fly, which fly again, and when to give up. It decides, others carry out.

Belongs here: credit, patience, pauses. What a chunk holds and what an answer means to a file is
``uploading``'s and ``downloading``'s. No socket and no clock: every input brings ``now`` (in seconds).

A *lane* is one transfer. At most ``FILE_WINDOW`` of its chunks fly at once, and at most ``LANES_MOST`` times
as many of all lanes, which take turns. Where answers are large, all lanes together have one ``FILE_WINDOW``:
the server keeps no more of them for one connection. A lane begins with ``ROOM_FIRST`` and has room for one
more with each answer, so that a slow line is not filled with what is then taken for lost. A chunk flies again
under a new request id when the connection is a new one, after a refusal for now, or when there was no answer
in a few times what answers took lately. Each may be done twice, so an answer to any of its flights is one.
"""

from __future__ import annotations

import enum
import random
from collections import deque
from collections.abc import Iterator
from typing import Final

from client.errors import LoggedOut, Offline, Timeout
from client.timers import GROWTH, Timers
from protocol.errors import Failure, Retry
from protocol.limits import FILE_WINDOW

LANES_MOST: Final = 4
ROOM_FIRST: Final = 1
PATIENCE_FIRST: Final = 15.0
"""Seconds without an answer after which a chunk flies again, while nobody knows how long answers take."""
PATIENCE_LEAST: Final = 1.5
PATIENCE_ALLOWED: Final = 3.0
"""The same for what may take long: it waits in the server, where to ask again costs nothing."""
PATIENCE_MOST: Final = 300.0
PATIENCE_TIMES: Final = 4.0
"""How many times as long as answers took lately."""
FADING: Final = 0.95
"""What is left of the longest answer's time with each later answer."""
DELAY_MOST: Final = 5.0
QUIET: Final = 30.0
"""Seconds without any answer, while the server is there, after which a lane gives up at the earliest: what
one chunk may take on a line of 20 kB a second."""
QUIET_ABROAD: Final = 90.0
"""Seconds more while the server fetches the file from another realm itself, and nothing new reaches it."""


class State(enum.Enum):
    """Where a chunk is."""

    WAITING = "waiting"
    FLYING = "flying"
    PAUSED = "paused"
    """Refused for now."""
    DONE = "done"


class Chunk:
    """One request. ``what`` is the shell's; ``allowance``: seconds its answer may take beyond others'."""

    __slots__ = ("allowance", "failure", "flights", "lane", "state", "tries", "what")

    def __init__(self, lane: Lane, what: object, allowance: float) -> None:
        self.lane = lane
        self.what = what
        self.allowance = allowance
        self.state = State.WAITING
        self.flights: dict[int, float] = {}
        """When it was sent over this connection by request id, the newest last."""
        self.tries = 0
        self.failure: Failure | None = None
        """The last refusal that was only for now."""


class Lane:
    """The chunks of one transfer. ``over``: why nothing more will come of it, once that is so."""

    def __init__(self, large_answers: bool) -> None:
        self.large_answers = large_answers
        self.over: Exception | None = None
        self.open: dict[Chunk, None] = {}
        """Every chunk without an answer, in the order in which they were added."""
        self.waiting: deque[Chunk] = deque()
        self.flying = 0
        self.room = ROOM_FIRST
        self.round_trip = 0.0
        """How long answers took lately, rather too long; 0 while there was none."""
        self.heard_at = 0.0
        """When an answer came, or when there was first something to wait for."""
        self.coming: int | None = None
        """How many bytes the server has of a file that it fetches itself; None: it does not."""
        self.watched = 0
        """Number of the watch that will end it should it stay quiet; 0: none."""

    def patience(self, chunk: Chunk) -> float:
        """Seconds after which ``chunk`` flies again."""
        usual = PATIENCE_ALLOWED if chunk.allowance else PATIENCE_FIRST
        if self.round_trip and not chunk.allowance:
            usual = max(PATIENCE_TIMES * self.round_trip, PATIENCE_LEAST)
        return min(usual * 2.0 ** min(chunk.tries, 8), PATIENCE_MOST)


class Window:
    """Every lane over one connection. ``timeout``: seconds that the server may be gone."""

    def __init__(self, rng: random.Random, request_ids: Iterator[int], timeout: float) -> None:
        self.online = False
        """Whether the server is reached."""
        self.unreachable = "The server's port for files cannot be reached."
        """Said when it never was."""
        self._rng = rng
        self._request_ids = request_ids
        self._timeout = timeout
        self._timers = Timers()
        self._lanes: deque[Lane] = deque()
        self._flights: dict[int, Chunk] = {}
        self._reached = False
        self._changed_at = 0.0

    # --- from the transfers ---------------------------------------------------------------------

    def lane(self, large_answers: bool = False) -> Lane:
        """A new transfer. ``large_answers``: they bring chunks."""
        lane = Lane(large_answers)
        self._lanes.append(lane)
        return lane

    def add(self, now: float, lane: Lane, what: object, allowance: float = 0.0) -> None:
        """Something more to ask; ``ship`` says when it flies."""
        chunk = Chunk(lane, what, allowance)
        if not lane.open:
            lane.heard_at = now
        lane.open[chunk] = None
        lane.waiting.append(chunk)
        if not lane.watched:
            self._watch(lane)

    def end(self, lane: Lane) -> None:
        """The transfer is over, done or not: nobody waits for its answers any more."""
        for chunk in list(lane.open):
            self._finish(chunk)
        lane.waiting.clear()
        if lane in self._lanes:
            self._lanes.remove(lane)

    # --- from the socket ------------------------------------------------------------------------

    def connected(self, now: float) -> None:
        """The server is reached, anew: answers to what flew before will not come."""
        self.online = self._reached = True
        self._changed_at = now
        self._flights.clear()
        for lane in self._lanes:
            lane.flying = 0
            lane.room = ROOM_FIRST
            lane.waiting.clear()
            for chunk in lane.open:
                chunk.flights.clear()
                if chunk.state is not State.PAUSED:
                    chunk.state = State.WAITING
                    lane.waiting.append(chunk)

    def disconnected(self, now: float) -> None:
        """The server is gone; it may come back."""
        if not self.online:
            return
        self.online = False
        self._changed_at = now
        for lane in self._lanes:
            self._watch(lane)  # one with nothing open, too: an earlier watch would be too late for what comes

    def answered(self, now: float, request_id: int, failure: Failure | None = None) -> Chunk | None:
        """An answer: the chunk if that was a yes, and the first for it. A final no ends the lane."""
        chunk = self._flights.get(request_id)
        if chunk is None:
            return None
        lane, newest = chunk.lane, next(reversed(chunk.flights)) == request_id
        if failure is None:
            lane.heard_at = now
            lane.coming = None
            lane.room = min(lane.room + 1, FILE_WINDOW)
            if not chunk.allowance:
                lane.round_trip = max(now - chunk.flights[request_id], FADING * lane.round_trip)
            self._finish(chunk)
            return chunk
        if not newest or chunk.state is not State.FLYING:
            return None  # a later flight brings its own answer
        if failure.retry is Retry.LATER:
            self._pause(now, chunk, failure)
        elif failure.retry is Retry.RESUME:
            lane.over = LoggedOut("The session has ended; log in again.")
        else:
            lane.over = failure
        return None

    # --- out ------------------------------------------------------------------------------------

    def ship(self, now: float) -> list[tuple[int, Chunk]]:
        """(request id, chunk) of whatever may fly now, of one lane after the other in turn."""
        shipped: list[tuple[int, Chunk]] = []
        total, idle = sum(lane.flying for lane in self._lanes), 0
        large = sum(lane.flying for lane in self._lanes if lane.large_answers)
        while self.online and total < LANES_MOST * FILE_WINDOW and idle < len(self._lanes):
            lane = self._lanes[0]
            self._lanes.rotate(-1)
            full = lane.flying >= lane.room or (lane.large_answers and large >= FILE_WINDOW)
            if not lane.waiting or full or lane.over is not None:
                idle += 1
                continue
            large += lane.large_answers
            chunk = lane.waiting.popleft()
            shipped.append((self._fly(now, chunk), chunk))
            total, idle = total + 1, 0
        return shipped

    def wake(self, now: float) -> None:
        """Time has passed."""
        self._timers.run(now)

    def wake_at(self) -> float:
        """When to call ``wake`` at the latest."""
        return self._timers.next()

    # --- below ----------------------------------------------------------------------------------

    def _fly(self, now: float, chunk: Chunk) -> int:
        request_id = next(self._request_ids)
        self._flights[request_id] = chunk
        chunk.flights[request_id] = now
        chunk.state = State.FLYING
        chunk.lane.flying += 1
        # By its number, lest a timer keeps what has long been answered in memory.
        self._timers.at(now + chunk.lane.patience(chunk), self._overdue, request_id)
        return request_id

    def _overdue(self, now: float, request_id: int) -> None:
        chunk = self._flights.get(request_id)
        if chunk is None or next(reversed(chunk.flights)) != request_id:
            return
        if chunk.state is State.FLYING:
            chunk.tries += 1
            chunk.lane.room = min(chunk.lane.room, ROOM_FIRST)
            self._again(chunk)

    def _pause(self, now: float, chunk: Chunk, failure: Failure) -> None:
        """Refused for now. Fewer fly at once: who is short of room is not asked in vain for more."""
        lane = chunk.lane
        self._note_coming(now, chunk, failure)
        chunk.failure = failure
        chunk.state = State.PAUSED
        lane.flying -= 1
        lane.room = max(lane.room // 2, 1)
        delay = failure.retry_after * GROWTH ** min(chunk.tries, 32)
        delay = min(delay, max(failure.retry_after, DELAY_MOST))
        chunk.tries += 1
        self._timers.at(now + delay * self._rng.uniform(1.0, 1.5), self._paused, chunk)

    def _note_coming(self, now: float, chunk: Chunk, failure: Failure) -> None:
        """While ever more of it reaches the server, it is as if it came to us."""
        held = failure.fields.get("held")
        if type(held) is not int:
            return
        if chunk.lane.coming is None or held > chunk.lane.coming:
            chunk.lane.heard_at = now
            chunk.tries = 0
        chunk.lane.coming = held

    def _paused(self, now: float, chunk: Chunk) -> None:
        if chunk.state is State.PAUSED:
            self._again(chunk)

    def _again(self, chunk: Chunk) -> None:
        """Before those that never flew: what comes behind it may wait for it."""
        if chunk.state is State.FLYING:
            chunk.lane.flying -= 1
        chunk.state = State.WAITING
        chunk.lane.waiting.appendleft(chunk)

    def _finish(self, chunk: Chunk) -> None:
        lane = chunk.lane
        if chunk.state is State.FLYING:
            lane.flying -= 1
        elif chunk.state is State.WAITING:
            lane.waiting.remove(chunk)
        for request_id in chunk.flights:
            self._flights.pop(request_id, None)
        chunk.state = State.DONE
        del lane.open[chunk]

    # --- giving up ------------------------------------------------------------------------------

    def _quiet_until(self, lane: Lane) -> float:
        """When the lane gives up unless something comes. A server that comes back has its time again."""
        until = max(lane.heard_at, self._changed_at) + self._timeout
        if not self.online:
            return until
        quiet = QUIET if lane.coming is None else QUIET + QUIET_ABROAD
        return max(until, lane.heard_at + quiet + max(chunk.allowance for chunk in lane.open))

    def _watch(self, lane: Lane) -> None:
        lane.watched += 1
        self._timers.at(self._quiet_until(lane), self._look, (lane, lane.watched))

    def _look(self, now: float, watch: tuple[Lane, int]) -> None:
        lane, number = watch
        if lane.watched != number or lane.over is not None:
            return
        if not lane.open:
            lane.watched = 0
            return
        if self._quiet_until(lane) > now:
            self._watch(lane)
            return
        refusal = next((chunk.failure for chunk in lane.open if chunk.failure is not None), None)
        if refusal is not None:
            lane.over = refusal
        elif not self._reached:
            lane.over = Offline(self.unreachable)
        else:
            lane.over = Timeout("Nothing was heard of the file in time; what was transferred so far stays.")
