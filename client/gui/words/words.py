"""Texts of one language."""

from __future__ import annotations

from datetime import date, tzinfo

from client.gui.model.problem import Problem


class Words:
    """Says things in one language, to somebody in one time zone (None: this machine's).

    >>> words = Words("id")
    >>> words.say("Log in")
    'Masuk'
    """

    def __init__(self, language: str, zone: tzinfo | None = None) -> None:
        self.language = language
        self.zone = zone

    def say(self, text: str, **values: str | int) -> str:
        """``text`` in this language; ``{name}`` in it is filled from ``values``."""
        return text.format(**values) if values else text

    def count(self, one: str, many: str, number: int, **values: str | int) -> str:
        """``one`` or ``many``, as this language has it for ``number``, which fills ``{n}``."""
        return (one if number == 1 else many).format(n=number, **values)

    def problem(self, problem: Problem) -> str:
        """What went wrong, in one sentence."""
        return problem.message

    def day(self, day: date, today: date) -> str:
        """A day as it stands between messages: Today, Yesterday, Monday 3 March, … with the year if another."""
        return day.isoformat()

    def moment(self, at: int) -> str:
        """The time of day of ``at`` (microseconds): 14:03."""
        return str(at)

    def when(self, at: int) -> str:
        """``at`` (microseconds) as it stands in a list: 14:03, Monday, 3 Mar, 3 Mar 2024."""
        return str(at)

    def ago(self, at: int) -> str:
        """How long ago ``at`` (microseconds) was: just now, 5 minutes ago, …"""
        return str(at)

    def size(self, amount: int) -> str:
        """Bytes: 12 kB, 3.4 MB."""
        return str(amount)


def chosen(languages: str) -> str:
    """The first language of ours that an Accept-Language header (or a locale's name) asks for; else 'en'."""
    return "en"
