"""What a person sees on a terminal: a program in a real pty, and a screen drawn from what it writes.

Knows the few control sequences that a prompt uses, and answers when asked where the cursor is. An
unknown sequence fails the test: a screen that is drawn wrong proves nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pexpect

PATIENCE = 30.0
"""Seconds within which what must be seen is seen."""

_TOKEN = re.compile(
    r"\x1b\[(?P<mark>[?>]?)(?P<numbers>[\d;]*)(?P<final>[A-Za-z@`])"
    r"|\x1b\](?P<title>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b(?P<single>[=>78])"
    r"|(?P<unfinished>\x1b(?:\[[?>]?[\d;]*|\][^\x07\x1b]*)?$)"
    r"|(?P<plain>[^\x1b])"
)


class Screen:
    """Rows of text. What scrolls away is kept, so ``lines`` is everything ever seen from above."""

    def __init__(self, rows: int, columns: int, answer: Callable[[str], object]) -> None:
        self._rows, self._columns = rows, columns
        self._answer = answer
        self._gone: list[str] = []
        self._grid = [[" "] * columns for _ in range(rows)]
        self._row = self._column = 0
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """From the first to the last, without trailing blanks."""
        seen = [*self._gone, *("".join(row).rstrip() for row in self._grid)]
        while seen and not seen[-1]:
            seen.pop()
        return seen

    @property
    def cursor_line(self) -> str:
        """The line where the cursor is."""
        return "".join(self._grid[self._row]).rstrip()

    def feed(self, text: str) -> None:
        """Draw what the program wrote."""
        text, self._rest = self._rest + text, ""
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            assert found, f"unknown sequence {text[place : place + 12]!r}"
            if found["unfinished"] is not None:
                self._rest = text[place:]
                return
            place = found.end()
            if found["plain"] is not None:
                self._plain(found["plain"])
            elif found["final"] is not None and not found["mark"]:
                numbers = [int(number) for number in found["numbers"].split(";") if number]
                self._sequence(found["final"], numbers)

    def _plain(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            if self._row == self._rows - 1:
                self._gone.append("".join(self._grid.pop(0)).rstrip())
                self._grid.append([" "] * self._columns)
            else:
                self._row += 1
        elif character == "\b":
            self._column = max(0, self._column - 1)
        elif character >= " ":
            self._grid[self._row][min(self._column, self._columns - 1)] = character
            self._column = min(self._column + 1, self._columns)

    def _sequence(self, final: str, numbers: Sequence[int]) -> None:
        count = numbers[0] if numbers else 1
        if final == "A":
            self._row = max(0, self._row - count)
        elif final == "B":
            self._row = min(self._rows - 1, self._row + count)
        elif final == "C":
            self._column = min(self._columns, self._column + count)
        elif final == "D":
            self._column = max(0, self._column - count)
        elif final == "H":
            row, column = [*numbers, 1, 1][:2] if numbers else (1, 1)
            self._row, self._column = row - 1, column - 1
        elif final in "JK":
            self._erase(final, numbers[0] if numbers else 0)
        elif final == "n":
            self._answer(f"\x1b[{self._row + 1};{min(self._column, self._columns - 1) + 1}R")
        else:
            assert final in "mhlt", f"unknown sequence {final!r} {numbers}"

    def _erase(self, final: str, how: int) -> None:
        here = self._grid[self._row]
        first, last = {0: (self._column, self._columns), 1: (0, self._column + 1), 2: (0, self._columns)}[how]
        here[first:last] = [" "] * len(here[first:last])
        if final == "J":
            others = {0: range(self._row + 1, self._rows), 1: range(self._row), 2: range(self._rows)}[how]
            for row in others:
                self._grid[row] = [" "] * self._columns


class Seat:
    """Somebody at a terminal in front of a program."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.child = pexpect.spawn(
            command[0],
            list(command[1:]),
            env={**environment, "TERM": "xterm"},
            cwd=str(folder),
            dimensions=(40, 100),
            encoding="utf-8",
            codec_errors="replace",
            timeout=PATIENCE,
            use_poll=True,  # select() takes no descriptor beyond 1023, and this process may have more
        )
        self.child.delaybeforesend = None
        self.screen = Screen(40, 100, self.child.send)
        self.written = ""

    def types(self, text: str) -> None:
        """Press keys."""
        self.child.send(text)

    def enters(self, line: str) -> None:
        """Type a line, see that it is there, and end it."""
        self.types(line)
        self.sees(lambda: self.screen.cursor_line.endswith(line), f"{line!r} at the prompt")
        self.types("\r")

    def sees(self, what: Callable[[], object] | str, called: str = "") -> None:
        """Wait until a line ends with this text, or something holds of the screen."""
        holds = (
            (lambda: any(line.endswith(what) for line in self.screen.lines))
            if isinstance(what, str)
            else what
        )
        deadline = time.monotonic() + PATIENCE
        while not holds():
            ended = not self.reads(0.1)
            if (ended or time.monotonic() > deadline) and not holds():
                shown = "\n".join(self.screen.lines)
                raise AssertionError(f"never seen: {called or what}{' (ended)' * ended}\n{shown}")

    def reads(self, seconds: float) -> bool:
        """Draw what comes within this time; False when the program has ended."""
        try:
            text = self.child.read_nonblocking(65_536, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.written += text
        self.screen.feed(text)
        return True

    def ends(self) -> int:
        """Wait for the program to end by itself; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.reads(0.1):
            assert time.monotonic() < deadline, "\n".join(self.screen.lines)
        self.child.close()
        assert self.child.exitstatus is not None, self.child.signalstatus
        return int(self.child.exitstatus)

    def leaves(self) -> None:
        """End the program, whatever it does."""
        self.child.close(force=True)
