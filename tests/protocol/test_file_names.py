"""Names of files: what may be stored, in which form, and under what name it may be saved on a disk."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Invalid
from protocol.file_names import checked_file_name, checked_folder, checked_path, local_name
from protocol.limits import FILE_NAME_MAX_BYTES, FOLDERS_MAX_DEPTH, PATH_MAX_LENGTH

DEVICES = ("con", "prn", "aux", "nul", "com1", "com¹", "com9", "lpt1", "conin$")

pieces = st.sampled_from(
    [
        *("..", ".", "/", "\\", "\0", "\n", " ", "~", "-", ":", "\u202e", "\u200b", "\ud800", "\u2028"),
        *("a\u0301", "é", "CON", ".txt", "x" * 130, "漢" * 90, "\U0001f600", "\U0001d160", "\u0958"),
        *("\ufeff", "C:", "|", *DEVICES),
    ]
)
wild = st.lists(st.text() | st.characters() | pieces, max_size=12).map("".join)
"""Any text, and much of what others stumbled over; halves of surrogate pairs included."""


# --- what may be stored -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "laporan.pdf",
        "résumé final (2).docx",
        "漢字.txt",
        "فارسی.txt",
        "\U0001f469\u200d\U0001f52c.png",  # a scientist: joined by a mark that shows nothing by itself
        "نامه\u200cها.txt",  # the other one: without it the word is misspelt
        "한글.txt",
        "\u2800x",  # beside what shows, what does not is only odd
        ".bashrc",
        "...",
        "CON",  # a device elsewhere, here a name as any other
        "nul.txt",
        "-rf",
        "~",
        "a" * FILE_NAME_MAX_BYTES,
        "$(reboot)",
        "'; drop table files; --",
        "%2e%2e%2f",
    ],
)
def test_a_name_that_people_use_or_that_is_only_odd_is_stored_as_it_is(name: str) -> None:
    assert checked_file_name(name) == name
    assert checked_path(name) == ("", name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\u3000",
        ".",
        "..",
        "a/b",
        "/etc/passwd",
        "a\\b",
        "..\\..\\boot.ini",
        "a\0b",
        "a\nb",
        "a\x1b[2Jb",
        "a\x7f",
        "a\x85b",
        "photo\u202egnp.exe",
        "\u2066a\u2069",
        "a\u200eb",
        "a\u061cb",
        "a\u2028b",
        "a\u2029b",
        "a\ud800",
        "\udcff",
        " a",
        "a ",
        "a\u00a0",
        "\u200b",
        "\u2060\ufeff",
        "\u0301",
        "\u200c\u200d",
        "\u115f",
        "\u1160",
        "\u3164\u3164",
        "\uffa0",
        "\u2800",
        "\u3164 \u200d\u2800",
        "lapo\u200bran.pdf",
        "lapo\u00adran.pdf",
        "lapo\u2060ran.pdf",
        "\ufefflaporan.pdf",
        "laporan\u2061.pdf",
        "laporan\U000e0041.pdf",
        "a" * (FILE_NAME_MAX_BYTES + 1),
        "漢" * 86,
        "x" * 300,
    ],
)
def test_what_would_deceive_somebody_is_no_name(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_file_name(name)
    assert refused.value.message.endswith(".")
    refused.value.message.encode()  # and it can be sent


def test_a_name_is_stored_composed_however_it_was_typed() -> None:
    decomposed = "re\u0301sume\u0301"
    assert checked_file_name(decomposed) == checked_file_name("résumé") == "résumé"
    assert checked_file_name("\u212b") == "Å"


def test_the_length_is_counted_composed_in_bytes() -> None:
    assert checked_file_name("e\u0301" * 127) == "é" * 127
    with pytest.raises(Invalid, match="255 bytes"):
        checked_file_name("\u0958" * 43)  # grows from 129 to 258 bytes


def test_what_can_never_fit_is_refused_before_each_letter_is_looked_at() -> None:
    four = max(len(unicodedata.normalize("NFD", chr(code))) for code in range(sys.maxunicode + 1))
    assert four == 4  # so a name of four times as many characters may still fit, and a longer one never
    with pytest.raises(Invalid, match="no control characters"):
        checked_file_name("\0" * four * FILE_NAME_MAX_BYTES)
    with pytest.raises(Invalid, match="255 bytes"):
        checked_file_name("\0" * (four * FILE_NAME_MAX_BYTES + 1))
    with pytest.raises(Invalid, match="1024 characters"):
        checked_folder("\0/" * (four * PATH_MAX_LENGTH) + "a")
    with pytest.raises(Invalid, match="32 deep"):
        checked_folder("/".join("\0" * (FOLDERS_MAX_DEPTH + 1)))


@given(wild)
def test_any_text_is_a_name_or_a_sentence(name: str) -> None:
    try:
        kept = checked_file_name(name)
    except Invalid as error:
        assert error.message.endswith(".")
        error.message.encode()
        return
    assert checked_file_name(kept) == kept == unicodedata.normalize("NFC", name)
    assert 0 < len(kept.encode()) <= FILE_NAME_MAX_BYTES
    assert kept == kept.strip()
    assert not set(kept) & set("/\\\0\n\r\t")
    assert {letter for letter in kept if unicodedata.category(letter) == "Cf"} <= {"\u200c", "\u200d"}
    assert kept not in (".", "..")


# --- paths --------------------------------------------------------------------------------------


def test_a_path_is_folders_and_a_name() -> None:
    assert checked_path("a/b/c.txt") == ("a/b", "c.txt")
    assert checked_path("/a/b/") == ("a", "b")
    assert checked_folder("") == checked_folder("///") == ""
    assert checked_folder("//a/re\u0301/") == "a/ré"


@pytest.mark.parametrize(
    "path", ["", "/", "a//b", "a/../b", "../a", "a/./b", "a/ /b", "a/b\0", "a\\b", "a/ b"]
)
def test_no_path_climbs_or_says_nothing(path: str) -> None:
    with pytest.raises(Invalid):
        checked_path(path)


def test_a_path_is_neither_too_deep_nor_too_long() -> None:
    assert checked_folder("/".join("a" * FOLDERS_MAX_DEPTH)).count("/") == FOLDERS_MAX_DEPTH - 1
    with pytest.raises(Invalid, match="32 deep"):
        checked_folder("/".join("a" * (FOLDERS_MAX_DEPTH + 1)))
    long = "/".join(["\u0958" * 40] * 15)  # 614 characters as sent, 1,214 composed
    assert len(long) < PATH_MAX_LENGTH
    with pytest.raises(Invalid, match="1024 characters"):
        checked_folder(long)


@given(st.lists(wild, max_size=5).map("/".join))
def test_any_text_is_a_path_that_can_be_sent_again_or_a_sentence(path: str) -> None:
    try:
        folder, name = checked_path(path)
    except Invalid as error:
        assert error.message.endswith(".")
        return
    whole = f"{folder}/{name}" if folder else name
    assert checked_path(whole) == (folder, name)
    assert len(whole) <= PATH_MAX_LENGTH
    assert ".." not in whole.split("/")


# --- names to save under ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("laporan.pdf", "laporan.pdf"),
        ("", "_"),
        (".", "_"),
        ("..", "_"),
        ("../../etc/passwd", "_.._.._etc_passwd"),
        ("..\\boot.ini", "_.._boot.ini"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\x", "C__x"),
        (".bashrc", "_.bashrc"),
        ("-rf", "_-rf"),
        ("~root", "_~root"),
        ("a\0b\n", "a_b_"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("Com¹ .tar.gz", "_Com¹ .tar.gz"),
        ("console", "console"),
        ("a. .", "a"),
        ("  a", "a"),
        ("photo\u202egnp.exe", "photo_gnp.exe"),
        ("\ud800", "_"),
        ("lapo\u200bran.pdf", "lapo_ran.pdf"),
        ("\U0001f469\u200d\U0001f52c.png", "\U0001f469\u200d\U0001f52c.png"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("漢" * 100, "漢" * 85),
        ("a" * 254 + " " + "b" * 20, "a" * 254),
        ("." * 300, "_"),
        ("con" + " " * 300 + "x.txt", "_con.txt"),
    ],
)
def test_whatever_it_is_called_it_can_be_saved_without_harm(name: str, saved: str) -> None:
    assert local_name(name) == saved


@given(wild)
def test_a_name_to_save_under_is_harmless_on_any_system(name: str) -> None:
    saved = local_name(name)
    assert local_name(saved) == saved
    assert 0 < len(saved.encode()) <= FILE_NAME_MAX_BYTES
    assert not set(saved) & set('/\\:*?"<>|')
    assert not any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in saved)
    assert not any(unicodedata.category(letter) == "Cf" for letter in saved if letter not in "\u200c\u200d")
    assert not any(unicodedata.bidirectional(letter) in ("RLO", "LRO", "RLE", "LRE") for letter in saved)
    assert saved[0] not in ".-~ "
    assert saved[-1] not in " ."
    assert saved.partition(".")[0].strip().casefold() not in DEVICES
    assert Path(saved).name == saved


@given(wild)
def test_a_name_that_was_stored_can_be_saved_and_most_keep_theirs(name: str) -> None:
    try:
        kept = checked_file_name(name)
    except Invalid:
        return
    if kept.isalnum() and kept.isascii() and kept.lower() not in DEVICES:
        assert local_name(kept) == kept
    assert local_name(kept)
