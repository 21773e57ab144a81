"""Checking a store: how a check is asked, and what it found. Which checks there are: ``checks``, ``schema``.

A check looks and reports; nothing here changes anything. All of them see one moment, in one
transaction that no writer waits for. What is kept of a check is a number and the first few lines, so a
store with a million faults takes no more memory than a sound one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

from config.settings import Settings
from services.storage.engine import Reader, StoreUnavailable, Transaction

NAMED: Final = 5
"""Problems of one check that are shown; the others are counted."""


class Scene(NamedTuple):
    """What a check looks at. ``settings`` say where things are that the database only names."""

    tx: Transaction
    dialect: str
    settings: Settings


class Found(NamedTuple):
    """How many problems there are, and the first of them as sentences without secrets or bodies."""

    problems: int
    first: list[str]


class Check(Protocol):
    """One thing that must hold. ``name`` is ``noun.rule``; ``sentence`` says what holds, for a person."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def sentence(self) -> str: ...  # noqa: D102

    def look(self, scene: Scene) -> Found:
        """Find what breaks the rule."""


class Query(NamedTuple):
    """A check in SQL: every row of ``sql`` is a problem, which ``offender`` names by its columns.

    The columns may hold numbers, words that we made and hashes of files, which are shown in hex; never
    topics, hashes of passwords or tokens, or what people wrote.
    """

    name: str
    sentence: str
    offender: str
    sql: str
    parameters: Sequence[Any] = ()

    def look(self, scene: Scene) -> Found:
        """The first rows; only if there are more, all are counted."""
        # Our own text and our own number. No parameter for the limit: it would be the last one, and
        # each check has another number of them.
        rows = scene.tx.rows(f"{self.sql} limit {NAMED + 1}", self.parameters)
        first = [" ".join(self.offender.format(*map(_shown, row)).split()) for row in rows[:NAMED]]
        if len(rows) <= NAMED:
            return Found(len(rows), first)
        row = scene.tx.row(f"select count(*) from ({self.sql}) problems", self.parameters)  # noqa: S608
        assert row is not None
        return Found(int(row[0]), first)


def _shown(cell: Any) -> Any:
    return cell.hex() if isinstance(cell, bytes) else cell


class Result(NamedTuple):
    """What came of one check. ``ran``: whether it came to its end."""

    check: Check
    found: Found
    ran: bool = True

    @property
    def ok(self) -> bool:
        """Whether the rule holds."""
        return not self.found.problems


class Group(NamedTuple):
    """Checks that belong together. ``gate``: unless all of it holds, nothing behind it makes sense."""

    checks: Sequence[Check]
    gate: bool = False


def run(reader: Reader, settings: Settings, groups: Iterable[Group]) -> Iterator[Result]:
    """Every check in turn, each result as soon as it is there.

    Raises ``StoreUnavailable`` when the store goes away meanwhile.
    """
    closed = ""
    with reader.read() as tx:
        scene = Scene(tx, reader.dialect, settings)
        for checks, gate in groups:
            for check in checks:
                if closed:
                    yield Result(check, Found(1, [f"not looked at, because of {closed}"]), ran=False)
                    continue
                result = _result(scene, check)
                yield result
                if gate and not result.ok:
                    closed = check.name


def _result(scene: Scene, check: Check) -> Result:
    try:
        with scene.tx.savepoint():
            return Result(check, check.look(scene))
    except Exception as error:
        # A damaged file or a missing column fails in ways that nobody can list; that is a finding.
        _still_there(scene, error)
        return Result(check, Found(1, [f"could not be looked at: {_first_line(error)}"]), ran=False)


def _still_there(scene: Scene, error: Exception) -> None:
    """Raises ``StoreUnavailable`` if it is not the check that failed, but everything."""
    try:
        scene.tx.row("select 1")
    except Exception:
        raise StoreUnavailable(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    """What went wrong. Further lines may quote what is stored."""
    return (str(error).splitlines() or [type(error).__name__])[0]
