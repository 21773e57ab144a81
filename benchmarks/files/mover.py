"""The load generator's side of ``program``: starts it, tells it what to move, hears how long that took."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from benchmarks.own_server import ROOT

FAREWELL = 10.0


class Mover:
    """``with Mover(server, tokens) as mover``: a client program with one connection for each token."""

    def __init__(self, server: str, tokens: Sequence[bytes]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.files.program", server, *(token.hex() for token in tokens)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Mover:
        self._line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process as process:  # closes the pipes
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(FAREWELL)
            except subprocess.TimeoutExpired:
                process.kill()

    def tell(self, do: str, **what: Any) -> dict[str, Any]:
        """One order, and its answer."""
        self._write(json.dumps({"do": do, **what}))
        answer: dict[str, Any] = json.loads(self._line())
        return answer

    @contextmanager
    def again_and_again(self, do: str, **what: Any) -> Iterator[None]:
        """Inside, it does that for ever."""
        self._write(json.dumps({"do": do, "again": True, **what}))
        yield
        self._write("enough")
        self._line()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the client program ended; stderr says why")
        return line
