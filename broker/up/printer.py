"""What ``pesan up`` prints: its processes' lines in honcho's columns, and its own.

The one line that tools wait for, ``pesan ready …``, stays as the broker wrote it. When nobody reads any
more (a pipe is closed, the terminal is gone) the server goes on without printing.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import IO, Final

from honcho.colour import get_colours
from honcho.printer import Message, Printer

READY: Final = b"pesan ready "
OURS: Final = "up"


class Lines:
    """Prints to ``output``, a file of the system's; ``names`` are those of the processes."""

    def __init__(self, output: IO[str], names: list[str]) -> None:
        self._output = output
        self._printer = Printer(output, width=max(map(len, [OURS, *names])))
        self._colours = dict(zip(names, get_colours(), strict=False))

    def line(self, name: str, text: bytes) -> None:
        """A line of a process."""
        try:
            if text.startswith(READY):
                print(text.decode("utf-8", "replace").rstrip(), file=self._output, flush=True)
            else:
                self._printer.write(Message("line", text, datetime.now(), name, self._colours.get(name)))
        except OSError:
            self._hush()

    def say(self, text: str) -> None:
        """A line of our own."""
        self.line(OURS, text.encode())

    def _hush(self) -> None:
        """Nobody reads. What is still in the buffer must not fail once more when Python ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._output.fileno())
        os.close(nowhere)
