"""Texts, days, times and sizes as they are said."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from client.gui.model.problem import LOGGED_OUT, NO_ANSWER, NO_USER, Problem
from client.gui.words import Words, words
from client.gui.words.words import chosen

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
AT = int(NOON.timestamp()) * 1_000_000
HOUR, DAY = 3_600_000_000, 86_400_000_000


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_now", lambda: AT)


EN, ID = Words("en", UTC), Words("id", UTC)


def test_a_text_is_said_in_the_language_and_filled_in() -> None:
    assert (EN.say("Log in"), ID.say("Log in")) == ("Log in", "Masuk")
    assert ID.say("Server: {server}", server="{budi}") == "Server: {budi}"
    assert ID.say("") == ""


def test_what_no_catalogue_has_is_said_as_it_is() -> None:
    assert ID.say("Nobody {does} say this.") == "Nobody {does} say this."


def test_many_have_another_form_where_a_language_has_one() -> None:
    said = [EN.count("{n} member", "{n} members", number) for number in (0, 1, 2)]
    assert said == ["0 members", "1 member", "2 members"]
    assert [ID.count("{n} member", "{n} members", number) for number in (1, 2)] == ["1 anggota", "2 anggota"]


@pytest.mark.parametrize(
    ("day", "english", "indonesian"),
    [
        (date(2026, 3, 3), "Today", "Hari ini"),
        (date(2026, 3, 2), "Yesterday", "Kemarin"),
        (date(2026, 1, 5), "Monday 5 January", "Senin 5 Januari"),
        (date(2024, 2, 29), "Thursday 29 February 2024", "Kamis 29 Februari 2024"),
        (date(2026, 3, 4), "Wednesday 4 March", "Rabu 4 Maret"),
    ],
)
def test_days_between_messages(day: date, english: str, indonesian: str) -> None:
    assert (EN.day(day, NOON.date()), ID.day(day, NOON.date())) == (english, indonesian)


@pytest.mark.parametrize(
    ("at", "english", "indonesian"),
    [
        (AT - HOUR, "11:00", "11.00"),
        (AT - DAY, "Monday", "Senin"),
        (AT - 6 * DAY, "Wednesday", "Rabu"),
        (AT - 7 * DAY, "24 Feb", "24 Feb"),
        (AT - 400 * DAY, "27 Jan 2025", "27 Jan 2025"),
        (AT + DAY, "4 Mar", "4 Mar"),
    ],
)
def test_times_in_a_list_are_as_short_as_they_can_be(at: int, english: str, indonesian: str) -> None:
    assert (EN.when(at), ID.when(at)) == (english, indonesian)


def test_times_are_of_the_readers_zone() -> None:
    jakarta = Words("en", ZoneInfo("Asia/Jakarta"))
    assert (jakarta.moment(AT), EN.moment(AT)) == ("19:00", "12:00")
    assert jakarta.when(AT - 18 * HOUR) == "01:00"  # the same day there, the day before in London


@pytest.mark.parametrize(
    ("passed", "english", "indonesian"),
    [
        (-HOUR, "just now", "baru saja"),
        (59_000_000, "just now", "baru saja"),
        (5 * 60_000_000, "5 minutes ago", "5 menit yang lalu"),
        (26 * HOUR, "1 day ago", "1 hari yang lalu"),
    ],
)
def test_how_long_ago(passed: int, english: str, indonesian: str) -> None:
    assert (EN.ago(AT - passed), ID.ago(AT - passed)) == (english, indonesian)


@pytest.mark.parametrize(
    ("amount", "english", "indonesian"),
    [
        (0, "0 B", "0 B"),
        (999, "999 B", "999 B"),
        (1000, "1 kB", "1 kB"),
        (999_499, "999 kB", "999 kB"),
        (999_500, "1 MB", "1 MB"),
        (3_440_000, "3.4 MB", "3,4 MB"),
        (150_400_000, "150 MB", "150 MB"),
        (5_050_000_000_000_000, "5050 TB", "5050 TB"),
    ],
)
def test_sizes(amount: int, english: str, indonesian: str) -> None:
    assert (EN.size(amount), ID.size(amount)) == (english, indonesian)


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("id", "id"),
        ("in-ID", "id"),
        ("id_ID.UTF-8", "id"),
        ("fr-FR, id;q=0.8, en;q=0.9", "en"),
        ("en;q=0.1,id;q=0.2", "id"),
        ("id;q=0,en", "en"),
        ("id;q=nonsense,fr", "en"),
        ("ID-id;q=1.0", "id"),
        ("," * 5000, "en"),
    ],
)
def test_the_first_language_of_ours_is_chosen(asked: str, language: str) -> None:
    assert chosen(asked) == language


def test_a_problem_is_said_in_the_language_of_the_window() -> None:
    taken = Problem("conflict", "There is already a user budi; choose another name.", "user")
    assert EN.problem(taken) == taken.message
    assert ID.problem(taken) == "Sudah ada pengguna budi; pilih nama lain."
    assert ID.problem(Problem(NO_USER, "Type a user name.")) == "Ketik nama pengguna."


def test_a_problem_that_nobody_translated_has_the_sentence_of_its_code_or_its_own() -> None:
    unknown = "Something that no template knows."
    assert ID.problem(Problem("busy", unknown)) == "Server sedang sibuk. Coba lagi sebentar lagi."
    assert ID.problem(Problem(NO_ANSWER, unknown)) == "Server tidak menjawab."
    assert ID.problem(Problem(LOGGED_OUT, unknown)).startswith("Anda telah dikeluarkan.")
    assert ID.problem(Problem("conflict", unknown)) == unknown
    assert EN.problem(Problem("busy", unknown)) == unknown


def test_what_the_server_says_is_never_filled_in_again() -> None:
    assert ID.problem(Problem("not_found", "There is no user {name}{0}.")) == "Tidak ada pengguna {name}{0}."
    assert EN.problem(Problem("not_found", "{} {0} {x}")) == "{} {0} {x}"


@pytest.mark.parametrize("at", [-1, 2**62, 2**63 - 1])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_time_that_no_calendar_has_can_be_written_all_the_same(at: int, zone: str) -> None:
    there = Words("en", ZoneInfo(zone))
    assert there.moment(at) and there.when(at) and there.ago(at)
