"""The thread with the socket: chunks come in through the broker's proxy, answers go back the same way.

Here: frames, whose turn it is, and what waits for slow hands. Not here: what a request means (``desk``).

It never waits for the socket to take an answer: the proxy may be waiting for this very thread to take a
chunk. So chunks to be stored are taken at once, and parts to be read are read only when there is room for
an answer, in turns among those who ask (``turns``). What waits is therefore small: requests for parts, at
most a few windows for each connection.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import Any, Final, NamedTuple

import zmq

from config.folders import socket_folder
from config.heap import keep_chunks
from config.log import ServerLog, open_log
from config.priority import step_back
from config.settings import Settings
from protocol.body import Empty
from protocol.errors import Busy
from protocol.limits import FILE_CHUNK_BYTES
from services.file.blobs import open_blobs
from services.file.bulk.desk import Desk, Reading, Sealing, refused, replied
from services.file.bulk.janitor import Janitor
from services.file.bulk.sealing import RETRY_AFTER, Sealer, Shared
from services.file.bulk.turns import Readings, Seals
from services.storage import open_store

SOCKET: Final = "bulk.sock"
"""Where the broker's proxy is, in the folder of sockets."""
QUEUE: Final = 16
"""Messages that wait on either side: with chunks in them, so few."""
PIPE: Final = 2 * FILE_CHUNK_BYTES
"""Bytes that the system holds between us and the proxy: a whole chunk goes at once."""
RECONNECT_MS: Final = 50
LINGER_MS: Final = 200
AT_ONCE: Final = 16
"""Requests taken, and answers sent, before it is the other's turn."""
ENVELOPE_MAX: Final = 4096
"""Bytes of a request beside the chunk."""
PARTS_AT_ONCE: Final = 2000
"""Surplus parts of a message that are passed over in one turn."""
OWED: Final = 10_000
"""Answers without bytes that wait while the broker is away; the rest is dropped."""
HANDS: Final = 4
"""Threads that seal, each for another user."""
HASHING_HANDS: Final = 2
"""Threads that hash, for all of those."""
FAR_HANDS: Final = 8
"""Threads that read from a store that is far away, each a chunk at a time."""
TICK_MS: Final = 1000
HUNG_AFTER: Final = 20.0
"""Seconds without a turn after which this thread counts as hung."""

NOBLOCK: Final = int(zmq.NOBLOCK)
MORE: Final = int(zmq.SNDMORE)


class Owed(NamedTuple):
    """An answer that is ready."""

    peer: bytes
    envelope: bytes
    payload: bytes | None = None


class Seal(NamedTuple):
    """What is to be sealed, for whom, and since when they wait (seconds, monotonic)."""

    peer: bytes
    asked: Sealing
    since: float


class Line:
    """``start`` it once; ``close`` waits for its end. The constructor raises ``OSError`` with a sentence."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._blobs = open_blobs(settings)
        self._stopping = False
        self._turned_at = time.monotonic()
        self._wakeup, self._alarm = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._alarm, False)
        self._owed: deque[Owed] = deque()
        self._readings = Readings()
        self._far = 0
        self._skipping = False
        self._sealing: set[tuple[int, bytes]] = set()
        """What is being sealed, or waits for it."""
        self._seals: Seals[Seal] = Seals(HANDS)
        self._finished: deque[Callable[[], None]] = deque()
        self._at_work: set[Future[Any]] = set()
        """What slow hands have in hand, and some that they have finished."""
        self._thread = threading.Thread(target=self._guarded, name="bulk")

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def lives(self, now: float) -> bool:
        """Whether it had a turn lately; ``now`` in seconds, monotonic."""
        return now - self._turned_at < HUNG_AFTER

    def close(self) -> None:
        """Answer no more. What was not answered is asked again by whoever asked."""
        self._stopping = True
        self._wake()
        if self._thread.ident is not None:
            self._thread.join()
        os.close(self._wakeup)
        os.close(self._alarm)

    # --- the thread -----------------------------------------------------------------------------

    def _guarded(self) -> None:
        """Without this thread the process is of little use: it ends, and is started again."""
        with closing(open_log(self._settings, "file")) as log:
            try:
                self._run(log)
            except Exception as error:
                log.fault("file", "bulk", error)
                os.kill(os.getpid(), signal.SIGTERM)

    def _run(self, log: ServerLog) -> None:
        keep_chunks()
        settings, self._log = self._settings, log
        with ExitStack() as opened:
            hashing = ThreadPoolExecutor(HASHING_HANDS, "hash", step_back, (settings.transfer_nice,))
            opened.callback(hashing.shutdown, cancel_futures=True)
            shared = Shared(opened.enter_context(closing(open_store(settings))))
            store = opened.enter_context(closing(open_store(settings)))
            # Before the hands, so that it is let go of after them: it must have its lock as long as it looks.
            self._janitor = Janitor(settings, shared, self._blobs, log, _wall)
            opened.callback(self._janitor.close)
            self._hands, self._broom, touching = (
                _threads(HANDS, "seal"),
                _threads(1, "janitor"),
                _threads(1, "touch"),
            )
            for each in (self._hands, self._broom, touching):
                opened.callback(each.shutdown, cancel_futures=True)
            step_back(settings.transfer_nice)
            self._desk = Desk(settings, store, log, _wall, shared, touching.submit)
            opened.callback(self._desk.close)
            aside = partial(_result_of, hashing)
            self._sealer = Sealer(settings, shared, self._blobs, _wall, aside)
            self._far_hands = ThreadPoolExecutor(FAR_HANDS, "far")
            opened.callback(self._far_hands.shutdown, cancel_futures=True)
            # Only now: libzmq's I/O thread has the priority of the thread that makes the first socket.
            context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
            opened.callback(context.term)
            self._socket = self._connected(context)
            opened.callback(self._socket.close)
            self._turns()
            self._let_go()

    def _let_go(self) -> None:
        """Give what is in hand a moment. No more: whatever is cut off goes on when it is asked again."""
        for each in self._at_work:
            each.cancel()
        if wait(self._at_work, self._settings.drain_timeout).not_done:
            self._log.info("stopped amid slow work")
            os._exit(0)  # in any other way, who ends would wait for it

    def _connected(self, context: zmq.Context[zmq.Socket[bytes]]) -> zmq.Socket[bytes]:
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, LINGER_MS)
        socket.setsockopt(zmq.SNDBUF, PIPE)
        socket.setsockopt(zmq.RCVHWM, QUEUE)
        socket.setsockopt(zmq.SNDHWM, QUEUE)
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        socket.connect(f"ipc://{socket_folder(self._settings.home) / SOCKET}")
        return socket

    def _turns(self) -> None:
        poller = zmq.Poller()
        poller.register(self._wakeup, zmq.POLLIN)
        while not self._stopping:
            to_send = self._owed or (len(self._readings) and self._far < FAR_HANDS)
            poller.register(self._socket, zmq.POLLIN | (zmq.POLLOUT if to_send else 0))
            happened = dict(poller.poll(TICK_MS))
            self._turned_at = time.monotonic()
            if self._wakeup in happened:
                os.read(self._wakeup, 64)
            while self._finished:
                self._finished.popleft()()
            if happened.get(self._socket, 0) & zmq.POLLIN:
                self._take_some()
            if to_send or self._owed:
                self._send_some()
            if self._janitor.due(self._turned_at):
                self._desk.tidy()
                self._at_work = {each for each in self._at_work if not each.done()}
                self._at_work.add(self._broom.submit(self._janitor.look))

    def _wake(self) -> None:
        """From another thread: there is something to do. A full pipe says that already."""
        with suppress(BlockingIOError):
            os.write(self._alarm, b"!")

    # --- in -------------------------------------------------------------------------------------

    def _take_some(self) -> None:
        with suppress(zmq.Again):
            for _ in range(AT_ONCE):
                if not self._skipped():
                    return
                self._take()

    def _take(self) -> None:
        """One message: peer, request, and perhaps a chunk. Raises ``zmq.Again`` when there is none."""
        socket = self._socket
        peer = socket.recv(NOBLOCK)
        if not socket.getsockopt(zmq.RCVMORE):
            return
        envelope = socket.recv(NOBLOCK)
        payload: memoryview | None = None
        if socket.getsockopt(zmq.RCVMORE):
            frame = socket.recv(NOBLOCK, copy=False)
            payload, self._skipping = frame.buffer, frame.more
        if self._skipping or len(envelope) > ENVELOPE_MAX:
            return
        answer = self._desk.answer(envelope, payload)
        if isinstance(answer, Reading):
            self._readings.add(peer, answer)
        elif isinstance(answer, Sealing):
            self._seal(peer, answer)
        elif answer is not None:
            self._owe(Owed(peer, answer))

    def _skipped(self) -> bool:
        """Pass over surplus parts; False: there are more of them, and it is the others' turn."""
        for _ in range(PARTS_AT_ONCE):
            if not self._skipping:
                return True
            self._socket.recv(NOBLOCK)
            self._skipping = bool(self._socket.getsockopt(zmq.RCVMORE))
        return not self._skipping

    # --- what is slow ---------------------------------------------------------------------------

    def _seal(self, peer: bytes, asked: Sealing) -> None:
        key = asked.user, asked.upload
        if key in self._sealing:
            self._owe(Owed(peer, _busy(asked, "It is being sealed.")))
        elif not self._seals.add(asked.user, Seal(peer, asked, time.monotonic())):
            self._owe(Owed(peer, _busy(asked, "Too many uploads wait to be sealed.")))
        else:
            self._sealing.add(key)
            self._begin_to_seal()

    def _begin_to_seal(self) -> None:
        while seal := self._seals.begin():
            user, upload = seal.asked.user, seal.asked.upload
            future = self._hands.submit(self._sealer.seal, user, upload, seal.asked.tally)
            self._when_done(future, partial(self._was_sealed, seal))

    def _was_sealed(self, seal: Seal, future: Future[Any]) -> None:
        peer, asked, since = seal
        self._sealing.discard((asked.user, asked.upload))
        self._seals.done(asked.user)
        self._begin_to_seal()
        error = future.exception()
        outcome = "ok" if error is None else getattr(error, "code", type(error).__name__)
        took = int((time.monotonic() - since) * 1e6)
        self._log.info("sealed", user=asked.user, outcome=outcome, duration_us=took)
        if error is None:
            self._owe(Owed(peer, replied(asked.request_id, future.result())))
        else:
            self._owe(Owed(peer, self._desk.failed(asked.request_id, "chunk.seal", error)))

    def _was_read(self, peer: bytes, reading: Reading, future: Future[bytes]) -> None:
        self._far -= 1
        error = future.exception()
        if error is None:
            self._owed.append(Owed(peer, replied(reading.request_id, Empty()), future.result()))
        else:
            self._owed.append(Owed(peer, self._desk.failed(reading.request_id, "chunk.get", error)))

    def _when_done(self, future: Future[Any], then: Callable[[Future[Any]], None]) -> None:
        """Have it dealt with in this thread, once it is done."""

        def done(future: Future[Any]) -> None:
            if not future.cancelled():
                self._finished.append(partial(then, future))
                self._wake()

        self._at_work.add(future)
        future.add_done_callback(done)

    # --- out ------------------------------------------------------------------------------------

    def _owe(self, owed: Owed) -> None:
        if len(self._owed) < OWED:
            self._owed.append(owed)

    def _send_some(self) -> None:
        """Send what is owed, then read for those who wait, as long as the socket takes it."""
        with suppress(zmq.Again):
            for _ in range(AT_ONCE):
                if self._owed:
                    self._send(self._owed[0])
                    self._owed.popleft()
                elif len(self._readings) and self._far < FAR_HANDS:
                    self._read(*self._readings.next())
                else:
                    return

    def _read(self, peer: bytes, reading: Reading) -> None:
        """Owe a part, at once or when it has come from far away."""
        work = partial(self._blobs.read, reading.sha256, reading.offset, reading.length)
        if self._blobs.far and reading.length:
            self._far += 1
            self._when_done(self._far_hands.submit(work), partial(self._was_read, peer, reading))
            return
        try:
            part = work() if reading.length else b""
            owed = Owed(peer, replied(reading.request_id, Empty()), part)
        except Exception as error:
            owed = Owed(peer, self._desk.failed(reading.request_id, "chunk.get", error))
        self._owed.append(owed)

    def _send(self, owed: Owed) -> None:
        self._socket.send(owed.peer, NOBLOCK | MORE)
        if owed.payload is None:
            self._socket.send(owed.envelope, NOBLOCK)
        else:
            self._socket.send(owed.envelope, NOBLOCK | MORE)
            self._socket.send(owed.payload, NOBLOCK, copy=False)


def _threads(count: int, name: str) -> ThreadPoolExecutor:
    """Hands with the priority of whoever calls this: they hold the lock that writers wait for."""
    hands = ThreadPoolExecutor(count, name)
    started = threading.Barrier(count + 1)
    for _ in range(count):
        hands.submit(started.wait)
    started.wait()
    return hands


def _busy(asked: Sealing, why: str) -> bytes:
    return refused(asked.request_id, Busy(why, retry_after=RETRY_AFTER))


def _result_of(pool: ThreadPoolExecutor, work: Callable[[], bytes]) -> bytes:
    return pool.submit(work).result()


def _wall() -> int:
    return time.time_ns() // 1000
