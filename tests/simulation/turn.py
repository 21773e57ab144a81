"""A worker's turn that may stand still in the middle: stopped in a transaction, or waiting for one.

Such a turn has a thread of its own, but never runs beside anything: whoever lets it go on waits until it
stands still again or is over, so a run is the same every time. A turn that cannot be held up needs none.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Killed(BaseException):
    """The process is dead. Raised where its turn stood still, so that its transaction is undone."""


class Turn:
    """``action``, in as many pieces as it is held up."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action
        self._go = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._error: BaseException | None = None
        self._killed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.over = False

    def _run(self) -> None:
        self._go.acquire()
        try:
            self._action()
        except Killed:
            pass
        except BaseException as error:
            self._error = error
        self.over = True
        self._back.release()

    def go_on(self) -> None:
        """Run on to the next stop. Raises what the action raises."""
        self._go.release()
        self._back.acquire()
        if self.over:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Called by the action: stand still until somebody says ``go_on``."""
        self._back.release()
        self._go.acquire()
        if self._killed:
            raise Killed

    def kill(self) -> None:
        """Undo what was begun."""
        self._killed = True
        if not self.over:
            self.go_on()


class WriteLock:
    """The lock that writers of the database take, as far as it is held while others have their turn."""

    def __init__(self) -> None:
        self.held = False
        self._waiting: deque[Callable[[], None]] = deque()

    def wait(self, go_on: Callable[[], None]) -> None:
        """``go_on`` is called some time after the lock was free; it may be held again by then."""
        self._waiting.append(go_on)

    def release(self) -> list[Callable[[], None]]:
        """It is free; who waited for that, in order."""
        self.held = False
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting
