"""The tables and the endings as Markdown, as docs/AUTHORISATION.md shows them."""

from __future__ import annotations

from collections.abc import Iterable

from tests.authorisation.crowd import cases_at
from tests.authorisation.dialects import DIALECTS
from tests.authorisation.doors import DOORS
from tests.authorisation.endings import ENDINGS
from tests.authorisation.hearing import LISTENERS, hearings
from tests.authorisation.table import RELATIONS, cases, rows


def markdown() -> str:
    """Everything between the document's introduction and its explanations."""
    count = len(cases())
    tried = "each tried at every door that has the command"
    outcomes = f"{len(rows())} rows, {count:,} outcomes, {tried}. Doors: {', '.join(DOORS)}."
    said = {name: len(cases_at(door)) for name, door in DIALECTS.items()}
    each = ", ".join(f"{name} {number}" for name, number in said.items())
    dialects = f"Through the gateway {sum(said.values()):,} more, for which a dialect has words: {each}."
    return "\n".join([outcomes, dialects, "", *_table(), "", *_endings(), "", *_hearing(), ""])


def _table() -> Iterable[str]:
    heading = ["command", "about", "no session", "ended session", *RELATIONS]
    lines = []
    before = ""
    for row in rows():
        command = f"`{row.command}`" if row.command != before else ""
        before = row.command
        cells = [row.relations.get(relation, "") for relation in RELATIONS]
        about = "" if row.about == "-" else row.about
        lines.append([command, about, row.none, row.ended, *cells])
    return _lines(heading, lines)


def _endings() -> Iterable[str]:
    lines = [
        [
            ending.title,
            "all of it" if ending.session else "of the group",
            "`unauthenticated`" if ending.session else "`forbidden`; by number `not_found`",
            "`unauthenticated`" if ending.session else "`not_found`",
            "`invalid_credentials`" if ending.session else "ok",
        ]
        for ending in ENDINGS.values()
    ]
    heading = [
        "how access ends",
        "history, sending, events end",
        "later commands",
        "next chunk",
        "`auth.resume`",
    ]
    return _lines(heading, lines)


def _hearing() -> Iterable[str]:
    lines = []
    before = ""
    for row in hearings():
        kind = f"`{row.kind}`" if row.kind != before else ""
        before = row.kind
        lines.append([kind, row.about, *("hears" if who in row.heard_by else "" for who in LISTENERS)])
    return _lines(["event", "about", *LISTENERS], lines)


def _lines(heading: list[str], rows: list[list[str]]) -> Iterable[str]:
    yield f"| {' | '.join(heading)} |"
    yield "|" + "---|" * len(heading)
    for row in rows:
        yield f"| {' | '.join(row)} |"
