"""One call on its way through a worker, once it is known to be fit to be handled."""

from __future__ import annotations

from typing import Any, NamedTuple

from protocol.backend import Call
from protocol.commands import Command
from services.context import Finish


class Job(NamedTuple):
    """``row``: its command. ``request``: its body, typed. ``since``: when it was taken in, nanoseconds.

    ``straight``: what handles it in a transaction of its own: a handler that is ``Apart``, or one in place
    of the service's slow handler, when it needs none of that.
    """

    call: Call
    row: Command
    request: Any
    since: int
    straight: Finish | None = None
