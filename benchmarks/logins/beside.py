"""What goes on beside a measurement: a piece of work again and again, and the pair whose latency is taken.

Not here: which work (``honest``, ``logouts``), and what is made of the figures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.dm import Pair, drive


@contextmanager
def again_and_again(work: Callable[[], object], pause: float) -> Iterator[None]:
    """Inside, ``work`` is done in a thread, with so many seconds before each time."""
    end = threading.Event()

    def go_on() -> None:
        while not end.wait(pause):
            work()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def latencies(pair: Pair, seconds: float) -> list[float]:
    """Latencies of one pair that chats so long, one message in flight."""
    pair.latencies.clear()
    drive([pair], 1, seconds)
    return list(pair.latencies)
