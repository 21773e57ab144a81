"""What is seen of a transfer under way: a bar on a terminal, a line now and then where there is none.

All of it goes to stderr; results are on stdout.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from client.cli import output

if TYPE_CHECKING:
    from client.files.progress import Progress

TOLD_EVERY: Final = 10.0
"""Seconds between two lines where no bar can be drawn."""
NAME_SHOWN: Final = 28
"""Characters of a name in front of the bar."""


class Seen:
    """One transfer as it is seen. To be entered with ``with``."""

    def __init__(self, name: str) -> None:
        self._name = output.one_line(name)
        self._bar: Any = None
        self._told_at = time.monotonic()
        self._told = 0
        self._first = True
        self._waits = False

    def __enter__(self) -> Seen:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def shows(self, progress: Progress) -> None:
        """So much is there."""
        if self._first:
            self._first = False
            self._told = progress.done
            if 0 < progress.resumed < progress.size:  # all of it: the server had these bytes already
                of = f"{output.size(progress.resumed)} of {output.size(progress.size)}"
                output.note(f"{self._name}: goes on behind {of}")
            if drawable():
                self._bar = _bar(self._name, progress)
        if self._bar is not None:
            coming = "" if progress.coming is None else f"{output.size(progress.coming)} at our server"
            self._bar.set_postfix_str(coming, refresh=False)
            self._bar.update(progress.done - self._bar.n)
            if coming:
                self._bar.refresh()
        elif progress.coming is not None:
            self._tell_coming(progress, progress.coming)
        else:
            self._tell(progress)

    def _tell_coming(self, progress: Progress, coming: int) -> None:
        """It comes from another realm, and has not reached our own server yet."""
        now = time.monotonic()
        if self._waits and now - self._told_at < TOLD_EVERY:
            return
        self._waits, self._told_at = True, now
        of = f"{output.size(coming)} of {output.size(progress.size)}"
        output.note(f"{self._name}: comes from another server; {of} are at ours")

    def _tell(self, progress: Progress) -> None:
        now = time.monotonic()
        passed = now - self._told_at
        if passed < TOLD_EVERY or progress.done >= progress.size:
            return
        rate = (progress.done - self._told) / passed
        self._told_at, self._told = now, progress.done
        output.note(f"{self._name}: {state(progress.done, progress.size, rate)}")


def state(done: int, size: int, rate: float) -> str:
    """``45 MB of 1.1 GB, 12 MB/s, 1:28 left``. ``rate`` in bytes a second."""
    said = f"{output.size(done)} of {output.size(size)}, {output.size(round(rate))}/s"
    if rate <= 0:
        return said
    minutes, seconds = divmod(round((size - done) / rate), 60)
    hours, minutes = divmod(minutes, 60)
    left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{said}, {left} left"


def drawable() -> bool:
    """Whether stderr is a terminal that can do more than print."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "", None)


def _bar(name: str, progress: Progress) -> Any:
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread of its own
    short = name if len(name) <= NAME_SHOWN else name[: NAME_SHOWN - 1] + "…"
    return tqdm(
        total=progress.size,
        initial=progress.resumed,
        desc=short,
        unit="B",
        unit_scale=True,
        leave=False,
        dynamic_ncols=True,
        file=sys.stderr,
    )
