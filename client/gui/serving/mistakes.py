"""Mistakes in the process that serves windows, told in the server's log by their kind and place.

Belongs here: what Flet, uvicorn and asyncio log, and we. Their texts may quote what somebody typed, so none
of them is written anywhere; without a handler Python would print them.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from client.gui import faults
from config.log import ServerLog


class Mistakes(logging.Handler):
    """Writes a line for each record, without its text."""

    def __init__(self, log: ServerLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """One line: of an error its type and its way through the code, else where the record was made."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self._log.fault("web", record.name, error)
        elif record.name == faults.LOG.name:  # which has done the same already
            self._log.warning("fault in a window", where=record.getMessage())
        else:
            place = f"{Path(record.pathname).name}:{record.lineno} {record.funcName}"
            self._log.warning("noted", where=record.name, place=place)


@contextlib.contextmanager
def told_to(log: ServerLog) -> Iterator[None]:
    """Have everything that is logged meanwhile told to ``log`` in this way, and to nobody else."""
    handler, root = Mistakes(log), logging.getLogger()
    before, root.handlers = root.handlers, [handler]
    try:
        yield
    finally:
        root.handlers = before
