"""Every session that docs/DIALECTS.md prints goes on a real server as it is printed."""

from __future__ import annotations

import re

import pytest

from benchmarks.own_server import ROOT
from gateway.dialect import Dialect
from gateway.server import DIALECTS
from tests.gateway.conftest import Town
from tests.gateway.transcript import LINE_ENDS, Line, Names, Replay, chapters, lines, pattern, sessions

DOCUMENT = (ROOT / "docs" / "DIALECTS.md").read_text(encoding="utf-8")
SESSIONS = chapters(DOCUMENT)


@pytest.mark.parametrize("dialect", LINE_ENDS)
def test_the_sessions_of_a_chapter_go_as_they_are_printed(town: Town, dialect: str) -> None:
    named = Names(town.name)
    for session in SESSIONS[dialect]:
        Replay(dialect, town.peer, named).play(session)


def test_the_session_in_the_readme_goes_as_it_is_printed(town: Town) -> None:
    named = Names(town.name)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (session,) = sessions(readme, "bracket")
    Replay("bracket", town.peer, named).play(
        list(lines("> REGISTER budi rahasia456\n[OK] sign up berhasil\n"))
    )
    Replay("bracket", town.peer, named).play(session)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_a_chapter_with_its_port_and_a_session(dialect: type[Dialect]) -> None:
    assert any(line.typed for session in SESSIONS[dialect.NAME] for line in session)
    assert f"| {7700 + dialect.PORT} | [`{dialect.NAME}`]" in DOCUMENT


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_word_and_what_it_is_refused_with_is_in_its_chapter(dialect: type[Dialect]) -> None:
    (chapter,) = re.findall(rf"^## {dialect.NAME}\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    told = " ".join(chapter.split()).lower()
    for word, command in dialect.COMMANDS.items():
        assert re.search(rf"`{re.escape(word.lower())}\b", told), word
        for sentence in (*command.refusals.values(), dialect.UNKNOWN, dialect.STRANGER):
            assert all(part.strip().lower() in told for part in sentence.split("{0}")), sentence


def test_every_block_in_a_dialects_chapter_is_a_session_of_it() -> None:
    assert DOCUMENT.count("\n```") == 2 * sum(len(sessions) for sessions in SESSIONS.values())


def test_lines_belong_to_who_typed_last_unless_they_say_otherwise() -> None:
    block = "ani> SEND budi x\n[OK]\nbudi< <date> ani x\ncitra@json> inbox\n<others>\n> \n"
    assert list(lines(block)) == [
        Line("ani", True, "SEND budi x"),
        Line("ani", False, "[OK]"),
        Line("budi", False, "<date> ani x"),
        Line("citra@json", True, "inbox"),
        Line("citra@json", False, "<others>"),
        Line("", True, ""),
    ]


@pytest.mark.parametrize(
    ("printed", "seen", "fits"),
    [
        ("<date> ani halo", "2026/03/01 09:30:12 ani halo", True),
        ("<date> ani halo", "yesterday ani halo", False),
        ("[<date>] ani", "[2026-3-1 9:30] ani", True),
        ('"<date>"', '"2026-03-01 09:30:12.000123"', True),
        ("[OK] <number>", "[OK] 512", True),
        ("[OK] <number>", "[OK] many", False),
        ("a.b", "axb", False),
        ('"<token>" "<token>"', '"one" "one"', True),
        ('"<token>" "<token>"', '"one" "two"', False),
    ],
)
def test_what_is_different_each_time_fits_and_what_is_not_does_not(
    printed: str, seen: str, fits: bool
) -> None:
    assert bool(re.fullmatch(pattern(printed), seen)) is fits


def test_a_session_that_is_answered_otherwise_than_printed_is_found(town: Town) -> None:
    for block in ("> WHOAMI\n[OK] ani\n", "> WHOAMI\n", "> EXIT\nbye\n"):
        with pytest.raises(AssertionError):
            Replay("bracket", town.peer, Names(town.name)).play(list(lines(block)))


def test_names_of_the_document_are_new_ones_and_stay_the_same() -> None:
    named = Names(lambda name: f"{name}7")
    assert named("ani: halo budi, bani, anita; #ops") == "ani7: halo budi7, bani, anita; #ops7"
