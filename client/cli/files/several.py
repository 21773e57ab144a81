"""Several things asked of one command: what goes wrong with one is named, and the others go on.

Belongs here: what ends the command at once, what is counted, and the exit code, which is that of the first
failure. ``send`` has an order of its own: what it has begun is gone on with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from client.cli import output
from client.cli.exits import Mistake
from client.errors import ClientError, Corrupt
from protocol.errors import Failure, Retry, Unauthenticated


class Several:
    """``count`` things, of which so many get ``done`` ("fetched")."""

    def __init__(self, count: int, done: str) -> None:
        self._count = count
        self._done = done
        self._well = 0
        self._code = 0

    def well(self) -> None:
        """One of them is through."""
        self._well += 1

    @contextmanager
    def one(self, explain: Callable[[Exception], tuple[str, int]]) -> Iterator[None]:
        """Something done to one of them. ``explain`` tells (sentence, exit code) of what went wrong.

        Raises ``Mistake`` where there is only this one, or the next would have no other answer.
        """
        try:
            yield
        except (Mistake, Failure, ClientError, OSError) as error:
            said, code = explain(error)
            self._code = self._code or code
            if self._count == 1:
                raise Mistake(said, code) from None
            if _concerns_all(error):
                raise Mistake(f"{said.rstrip('.')} ({self._sum}).", self._code) from None
            output.note(f"pesan: {output.one_line(said)}")

    def end(self) -> None:
        """All were tried. Raises ``Mistake`` when something went wrong."""
        if self._code:
            raise Mistake(f"{self._sum}.", self._code)

    @property
    def _sum(self) -> str:
        return f"{self._well} of {self._count} {self._done}"


def _concerns_all(error: Exception) -> bool:
    if isinstance(error, Failure):
        return error.retry is Retry.LATER or isinstance(error, Unauthenticated)
    return isinstance(error, ClientError) and not isinstance(error, Corrupt)
