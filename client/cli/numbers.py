"""Numbers as arguments, with a sentence of our own for each that makes no sense."""

from __future__ import annotations

from typing import Any, Final

import click


class Number(click.IntRange):
    """A whole number from ``least`` on that fits into 63 bits; ``said`` is what it must be."""

    def __init__(self, least: int, said: str) -> None:
        super().__init__(least, 2**63 - 1)
        self._said = said

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not {self._said}.", param, ctx)

    def _describe_range(self) -> str:
        """Nothing in --help: the text of the option says it."""
        return ""


class Duration(click.FloatRange):
    """Seconds, more than none and at most a day."""

    def __init__(self) -> None:
        super().__init__(0, 86_400, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The seconds."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            said = "a number of seconds: more than 0, at most 86400"
            self.fail(f"{value!r} is not {said}, as in --timeout 2.5.", param, ctx)


COUNT: Final = Number(1, "a number of messages: 1 or more, or --all")
SEQ: Final = Number(0, "a message's number: 0, 1, 2, …")
SESSION: Final = Number(1, "a session's number: pesan sessions lists them")
SECONDS: Final = Duration()
