"""A thread for what may wait on a disk, one for each transfer.

Everything about one open file happens in its own thread, in the order of the calls, its closing last: so
whoever is cancelled while it is read never closes it under the reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class OneThread:
    """Calls, made one after the other in a thread that begins with the first."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "pesan-file")

    def start(self, do: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
        """Begin a call; the future of its answer."""
        answer = asyncio.wrap_future(self._executor.submit(do, *args, **kwargs))
        # Of a call that nobody waits for any more, nobody wants to hear how it failed either.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        return answer

    async def end(self, close: Callable[[], object]) -> None:
        """``close`` behind whatever is under way, then the thread ends. Happens even if this is cancelled."""
        closing = self.start(close)
        self._executor.shutdown(wait=False)
        await asyncio.shield(closing)
