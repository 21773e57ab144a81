"""Texts, days, times and sizes in one language.

Belongs here: finding a text and filling it in, and how what is not a text is written. The catalogues are
``catalogue``'s, sentences that come from elsewhere ``sentences``'s.
"""

from __future__ import annotations

import locale
import os
import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from babel.core import Locale
from babel.dates import format_date, format_timedelta
from babel.numbers import format_decimal

from client.gui.model.preferences import LANGUAGES
from client.gui.model.problem import Problem
from client.gui.words.catalogue import catalogue
from client.gui.words.sentences import of_code, read

OWN_NAMES: Final = {"en": "English", "id": "Bahasa Indonesia"}
"""Each language as those who speak it call it."""
_AGAIN: Final = {"in": "id"}
"""Codes of old for languages of ours."""
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_SECOND: Final = 1_000_000
_LATEST: Final = 253_370_764_800 * _SECOND
"""The year 9999. What another realm says may lie behind it; calendars of every time zone go so far."""


class Words:
    """Says things in one language, to somebody in one time zone (None: this machine's).

    >>> words = Words("id")
    >>> words.say("Log in")
    'Masuk'
    """

    def __init__(self, language: str, zone: tzinfo | None = None) -> None:
        self.language = language
        self.zone = zone
        self._texts = catalogue(language)
        self._locale = Locale(language)

    def say(self, text: str, **values: str | int) -> str:
        """``text`` in this language; ``{name}`` in it is filled from ``values``."""
        said = self._texts.gettext(text) if text else ""
        return said.format(**values) if values else said

    def count(self, one: str, many: str, number: int, **values: str | int) -> str:
        """``one`` or ``many``, as this language has it for ``number``, which fills ``{n}``."""
        return self._texts.ngettext(one, many, number).format(n=number, **values)

    def problem(self, problem: Problem) -> str:
        """What went wrong, in one sentence: as the server said it where this language has no words for it."""
        said = self.say(problem.message)
        if self.language == "en" or said != problem.message:
            return said
        known = read(problem.message)
        if known is not None:
            return self.say(known[0], **known[1])
        return self.say(of_code(problem.code) or problem.message)

    # --- days and times -------------------------------------------------------------------------

    def day(self, day: date, today: date) -> str:
        """A day as it stands between messages: Today, Yesterday, Monday 3 March; with the year if another."""
        if day == today:
            return self.say("Today")
        if day == today - timedelta(days=1):
            return self.say("Yesterday")
        pattern = "EEEE d MMMM" if day.year == today.year else "EEEE d MMMM y"
        return format_date(day, pattern, locale=self._locale)

    def moment(self, at: int) -> str:
        """The time of day of ``at`` (microseconds): 14:03."""
        return self._clock(self._local(at))

    def when(self, at: int) -> str:
        """``at`` (microseconds) as it stands in a list: 14:03, Monday, 3 Mar, 3 Mar 2024."""
        local, today = self._local(at), self._local(_now()).date()
        day = local.date()
        if day == today:
            return self._clock(local)
        if timedelta() < today - day < timedelta(days=7):
            return format_date(day, "EEEE", locale=self._locale)
        return format_date(day, "d MMM" if day.year == today.year else "d MMM y", locale=self._locale)

    def ago(self, at: int) -> str:
        """How long ago ``at`` (microseconds) was: just now, 5 minutes ago, …"""
        passed = (_now() - at) // _SECOND
        if passed < 60:
            return self.say("just now")
        return format_timedelta(
            timedelta(seconds=-passed), add_direction=True, threshold=1.0, locale=self._locale
        )

    def size(self, amount: int) -> str:
        """Bytes: 12 kB, 3.4 MB."""
        value, unit = float(amount), 0
        while value >= 999.5 and unit < len(_UNITS) - 1:
            value, unit = value / 1000, unit + 1
        pattern = "0.#" if unit > 1 and value < 99.95 else "0"
        return f"{format_decimal(value, format=pattern, locale=self._locale)} {_UNITS[unit]}"

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp(min(max(at, 0), _LATEST) / _SECOND, UTC).astimezone(self.zone)

    def _clock(self, local: datetime) -> str:
        mark = "." if self.language == "id" else ":"
        return f"{local.hour:02}{mark}{local.minute:02}"


def _now() -> int:
    return time.time_ns() // 1000


@lru_cache(maxsize=256)
def chosen(languages: str) -> str:
    """The first language of ours that an Accept-Language header (or a locale's name) asks for; else 'en'.

    >>> chosen("fr-FR,id;q=0.8,en;q=0.9"), chosen("id_ID.UTF-8"), chosen("")
    ('en', 'id', 'en')
    """
    asked: list[tuple[float, str]] = []
    for part in languages[:1024].split(","):
        name, _, quality = part.partition(";")
        code = name.strip().replace("_", "-").split("-")[0].split(".")[0].lower()
        asked.append((_quality(quality), _AGAIN.get(code, code)))
    wanted = sorted((row for row in asked if row[0] > 0), key=lambda row: -row[0])
    return next((code for _, code in wanted if code in LANGUAGES), "en")


def own_languages() -> str:
    """What this machine's user has asked for, as ``chosen`` reads it: for a window on the desktop."""
    named = [os.environ.get(name, "") for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")]
    first = next((text for text in named if text), "") or (locale.getlocale()[0] or "")
    return first.replace(":", ",")


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
