"""One call on its way through a worker, once it is known to be fit to be handled."""

from __future__ import annotations

from typing import Any, NamedTuple

from protocol.backend import Call
from protocol.commands import Command


class Job(NamedTuple):
    """``row``: its command. ``request``: its body, typed. ``since``: when it was taken in, nanoseconds."""

    call: Call
    row: Command
    request: Any
    since: int
