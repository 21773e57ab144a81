"""The socket for chunks of files, and the way behind it to the file workers.

Here: a thread that hands frames from the one to the other, in C: no byte of a file meets the broker's loop,
and its context, with an I/O thread of its own, encrypts and decrypts beside that of messages. Who may send
what is for the file workers to judge: nobody here looks at a frame.

What waits is bounded for each connection, by ``QUEUE_IN`` and ``QUEUE_OUT``: a reply beyond that is dropped,
and its client asks again. Nothing bounds the number of connections, so ``Bulk.look`` ends all of them
when this process grows too much; clients come back and go on.
"""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import zmq

from broker.door import open_to_strangers
from broker.memory import resident, trim
from config.folders import socket_folder
from config.heap import keep_chunks
from config.keys import KeyPair
from config.priority import step_back
from config.settings import Settings
from protocol.limits import FILE_CHUNK_BYTES, FILE_WINDOW

ROOM: Final = 4096
"""Bytes of a frame beside a chunk."""
QUEUE_IN: Final = 4
"""Messages from one connection that wait for a file worker; the rest waits at the client."""
QUEUE_OUT: Final = 2 * 4 * FILE_WINDOW + 4
"""Replies that wait for one connection: of four transfers, each with a window of chunks on its way here.
libzmq learns of what was read in steps of half a queue, so with half as many some would be dropped."""
QUEUE_BACK: Final = 8
"""Messages on their way to one worker."""
QUEUE_FORTH: Final = 16
"""Messages on their way from one worker."""
PIPE: Final = 2 * FILE_CHUNK_BYTES
"""Bytes that the system holds between us and one worker: a whole chunk goes at once, and nobody is woken for
each part of it."""
SOCKET: Final = "bulk.sock"
"""Where file workers connect, in the folder of sockets."""
MEMORY: Final = 512 << 20
"""Bytes that this process may grow by; then everybody is hung up on. It is an eighth of what the process may
have, if that is more: so many slow downloads, each with a window, have room. And half, if that is less."""
LOOK: Final = 1.0
"""Seconds between two looks at that."""


class Bulk:
    """The thread. ``bind`` raises ``zmq.ZMQError`` when the address is taken; ``size`` tells our memory."""

    def __init__(self, settings: Settings, keys: KeyPair, size: Callable[[], int] = resident) -> None:
        self._settings = settings
        self._keys = keys
        allowed, _ = resource.getrlimit(resource.RLIMIT_DATA)  # as ``pesan up`` has set it
        limited = allowed != resource.RLIM_INFINITY
        self._memory = max(min(MEMORY, allowed // 2), allowed // 8) if limited else MEMORY
        self._size = size
        self._least: int | None = size()
        self._next_look = 0.0
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._thread: threading.Thread | None = None

    def bind(self) -> None:
        """Open the door and begin to hand on."""
        bound = threading.Event()
        errors: list[zmq.ZMQError | OSError] = []
        self._thread = threading.Thread(target=self._run, args=(bound, errors), name="bulk", daemon=True)
        self._thread.start()
        bound.wait()
        if errors:
            self._thread.join()
            raise errors[0]

    def close(self) -> None:
        """Hang up on everybody."""
        if self._context is not None and self._thread is not None:
            self._context.term()
            self._thread.join()
            self._context = None

    def look(self, now: float) -> bool:
        """Called at every tick: whether everybody was hung up on, because too much memory was taken."""
        if now < self._next_look:
            return False
        self._next_look = now + LOOK
        size = self._size()
        self._least = size if self._least is None else min(self._least, size)
        crowded = self._context is not None and size > self._least + self._memory
        if crowded:
            self.close()
            trim()
            self._least = None  # what is left by the next look is not ours
        if self._context is None:
            with suppress(zmq.ZMQError, OSError):  # what has just been closed may be in the way for a moment
                self.bind()
        return crowded

    # --- in the thread --------------------------------------------------------------------------

    def _run(self, bound: threading.Event, errors: list[zmq.ZMQError | OSError]) -> None:
        step_back(self._settings.transfer_nice)
        keep_chunks()
        # Only now: libzmq's I/O thread has the priority of the thread that makes the first socket.
        context = zmq.Context()
        front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
        front.setsockopt(zmq.LINGER, 0)
        back.setsockopt(zmq.LINGER, 0)
        try:
            self._open(front, back)
        except (zmq.ZMQError, OSError) as error:
            errors.append(error)
            front.close()
            back.close()
            context.term()
            bound.set()
            return
        self._context = context
        bound.set()
        try:
            zmq.proxy(front, back)
        except zmq.ContextTerminated:
            pass
        finally:
            front.close()
            back.close()

    def _open(self, front: zmq.Socket[bytes], back: zmq.Socket[bytes]) -> None:
        open_to_strangers(front, self._settings, self._keys, FILE_CHUNK_BYTES + ROOM)
        front.setsockopt(zmq.RCVHWM, QUEUE_IN)
        front.setsockopt(zmq.SNDHWM, QUEUE_OUT)
        back.setsockopt(zmq.SNDBUF, PIPE)
        back.setsockopt(zmq.SNDHWM, QUEUE_BACK)
        back.setsockopt(zmq.RCVHWM, QUEUE_FORTH)
        back.bind(f"ipc://{socket_folder(self._settings.home) / SOCKET}")
        front.bind(self._settings.bulk_address)
