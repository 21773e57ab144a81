"""Somebody with an account, who logs in now and then while the server is under attack."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import zmq

from benchmarks.figures import latency_figures
from benchmarks.logins.beside import again_and_again
from benchmarks.logins.source import FromAddress
from benchmarks.wire import PASSWORD
from protocol.errors import Failure

HOME = 15_000
"""Number of the address that this person always comes from."""
PAUSE = 0.5
GIVE_UP = 10.0
"""Seconds, as in the client library."""


class Honest:
    """``name`` has an account, and has logged in from home before."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], server: str, name: str) -> None:
        self.name = name
        self.took: list[float] = []
        """Seconds that each login took."""
        self.refused: Counter[str] = Counter()
        self._user = FromAddress(context, server, HOME)
        self._user.call("auth.register", username=name, password=PASSWORD)
        self._user.login(name)
        self._user.token = b""

    def close(self) -> None:
        """Close the connection."""
        self._user.close()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Inside, they log in again and again."""
        with again_and_again(self._once, PAUSE):
            yield

    def _once(self) -> None:
        begun = time.monotonic()
        if self._logged_in(begun):
            self.took.append(time.monotonic() - begun)
        else:
            self.refused["gave up"] += 1

    def figures(self) -> dict[str, Any]:
        """How many logins there were, how long they took, and how often they had to be repeated."""
        return {"count": len(self.took), "refused": dict(self.refused), **latency_figures(self.took)}

    def _logged_in(self, begun: float) -> bool:
        """Try until it works, as the client library does."""
        while time.monotonic() < begun + GIVE_UP:
            self._user.post("auth.login", {"username": self.name, "password": PASSWORD})
            try:
                self._user.answer()
                return True
            except Failure as refusal:
                self.refused[refusal.code] += 1
                if refusal.retry != "later":
                    return False
                time.sleep(min(refusal.retry_after, 2.0))
        return False
