"""The ftp dialect, over real sockets: every row and every refusal, one play each."""

from __future__ import annotations

import pytest

from client import Chat
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.ftp_peer import account, at_ftp, gets, kept, native, puts


@pytest.fixture
def ani(town: Town) -> str:
    """The name of somebody with an account."""
    return account(town, "ani")


def with_folders(town: Town, user: str, *paths: str) -> None:
    """The user has made these folders in a native client."""

    async def make(chat: Chat) -> None:
        for path in paths:
            await chat.files.mkdir(path, parents=True)

    native(town, user, make)


# --- who ------------------------------------------------------------------------------------------


def test_who_logs_in_says_a_name_and_then_a_password(town: Town, ani: str) -> None:
    with town.peer("ftp") as peer:
        peer.says(f"USER {ani}\n".encode())
        peer.hears(b"[OK] username berhasil direkam\n")
        peer.says(f"PASS {PASSWORD}\n".encode())
        peer.hears(b"[OK] login berhasil\n")


def test_a_wrong_password_and_an_unknown_user_are_told_apart(town: Town, ani: str) -> None:
    with town.peer("ftp") as peer:
        peer.says(f"USER {ani}\nPASS not-the-one\n".encode())
        peer.hears(b"[OK] username berhasil direkam\n[ERR] password salah\n")
        peer.says(b"PASS x\n")  # shorter than any
        peer.hears(b"[ERR] password salah\n")
        peer.says(f"PASS {PASSWORD}\n".encode())  # the name is still known
        peer.hears(b"[OK] login berhasil\n")
        for nobody in (town.name("nobody"), f"{ani}@elsewhere", f"#{ani}", "*", f"{ani} budi"):
            peer.says(f"USER {nobody}\nPASS {PASSWORD}\n".encode())
            peer.hears(b"[OK] username berhasil direkam\n[ERR] username tidak ditemukan\n")


def test_a_password_needs_a_name_first(town: Town) -> None:
    with town.peer("ftp") as peer:
        peer.says(f"PASS {PASSWORD}\n".encode())
        peer.hears(b"[ERR] kirim USER dahulu\n")


def test_a_second_login_is_another_users(town: Town, ani: str) -> None:
    budi = account(town, "budi")
    with_folders(town, ani, "notes")
    with at_ftp(town, ani) as peer:
        puts(peer, "hers.txt", b"ani's")
        peer.says(b"CD notes\n")
        peer.hears(b"[OK] direktori sekarang /notes\n")
        peer.says(f"USER {budi}\nCD .\nPASS {PASSWORD}\nLIST\n".encode())  # until then she is herself
        peer.hears(b"[OK] username berhasil direkam\n[OK] direktori sekarang /notes\n")
        peer.hears(b"[OK] login berhasil\n[OK] 0 entri\n")
        peer.says(b"RETR hers.txt\n")
        peer.hears(b"[ERR] file tidak ditemukan\n")


def test_a_second_login_that_fails_changes_nothing(town: Town, ani: str) -> None:
    with at_ftp(town, ani) as peer:
        peer.says(f"USER {town.name('nobody')}\nPASS {PASSWORD}\nLIST\n".encode())
        peer.hears(b"[OK] username berhasil direkam\n[ERR] username tidak ditemukan\n")
        peer.hears(b"[OK] 0 entri\n")


@pytest.mark.parametrize("command", [b"LIST", b"RETR f", b"CD d", b"PUT f 3", b"PUT f", b"DEL f"])
def test_a_stranger_may_do_nothing(town: Town, command: bytes) -> None:
    with town.peer("ftp") as peer:
        peer.says(command + b"\n")
        peer.hears(b"[ERR] anda belum terautentikasi\n")


def test_the_content_of_a_strangers_file_is_no_command(town: Town) -> None:
    with town.peer("ftp") as peer:
        peer.says(b"PUT f 5\nEXIT\nPUT \xff 5\nEXIT\nwhat\n")
        peer.hears(b"[ERR] anda belum terautentikasi\n[ERR] format command tidak sesuai\n")
        peer.hears(b"[ERR] command tidak ditemukan\n")
        peer.says(b"PUT f\nEXIT\nEXIT")
        peer.hears(b"[ERR] anda belum terautentikasi\n")
        peer.hears_nothing()
        peer.says(b"what\n")
        peer.hears(b"[ERR] command tidak ditemukan\n")


def test_a_session_that_was_ended_elsewhere_is_a_strangers_and_may_log_in_again(town: Town, ani: str) -> None:
    async def end_others(chat: Chat) -> None:
        for session in await chat.sessions():
            if session.session != chat.session:
                await chat.revoke(session.session)

    with at_ftp(town, ani) as peer:
        native(town, ani, end_others)
        peer.says(b"PUT f 5\nEXIT\nLIST\n")
        peer.hears(b"[ERR] anda belum terautentikasi\n" * 2)
        peer.says(f"PASS {PASSWORD}\nLIST\n".encode())
        peer.hears(b"[OK] login berhasil\n[OK] 0 entri\n")


def test_who_hangs_up_has_no_session_any_more(town: Town, ani: str) -> None:
    with at_ftp(town, ani) as peer:
        peer.says(b"EXIT\n")
        peer.is_hung_up_on()
    assert [
        session.device.partition(" ")[0] for session in native(town, ani, lambda chat: chat.sessions())
    ] == [""]


# --- words ----------------------------------------------------------------------------------------


def test_words_may_be_in_any_letter_case_and_apart_by_any_blanks(town: Town, ani: str) -> None:
    with town.peer("ftp") as peer:
        peer.says(f"user {ani}\r\nPass  {PASSWORD} \r\n list\nLiSt\t\n".encode())
        peer.hears(b"[OK] username berhasil direkam\n[OK] login berhasil\n" + b"[OK] 0 entri\n" * 2)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (b"MKD x\n", b"[ERR] command tidak ditemukan\n"),
        (b"\n", b"[ERR] command tidak ditemukan\n"),
        (b"\0\n", b"[ERR] command tidak ditemukan\n"),
        (b"\xff\xfe\n", b"[ERR] format command tidak sesuai\n"),
        (b"USER\n", b"[ERR] format command tidak sesuai\n"),
        (b"PASS\n", b"[ERR] format command tidak sesuai\n"),
        (b"RETR \n", b"[ERR] format command tidak sesuai\n"),
        (b"CD\n", b"[ERR] format command tidak sesuai\n"),
        (b"PUT\n", b"[ERR] format command tidak sesuai\n"),
        (b"DEL\n", b"[ERR] format command tidak sesuai\n"),
        (b"LIST " + b"x" * 70_000 + b"\n", b"[ERR] format command tidak sesuai\n"),
    ],
)
def test_what_is_no_command_is_told_to_be_none(town: Town, ani: str, said: bytes, heard: bytes) -> None:
    with at_ftp(town, ani) as peer:
        peer.says(said)
        peer.hears(heard)
        peer.says(b"LIST\n")
        peer.hears(b"[OK] 0 entri\n")


def test_a_command_needs_no_newline(town: Town, ani: str) -> None:
    with town.peer("ftp") as peer:
        for said, heard in (
            (f"USER {ani}", b"[OK] username berhasil direkam\n"),
            (f"PASS {PASSWORD}", b"[OK] login berhasil\n"),
            ("LIST", b"[OK] 0 entri\n"),
            ("PUT f 5", b""),
            ("hello", b"[OK] file telah terupload\n"),
            ("RETR f", b"[OK] 5\nhello"),
        ):
            peer.says(said.encode())
            peer.hears(heard) if heard else peer.hears_nothing()
        peer.says(b"EXIT")
        peer.is_hung_up_on()


def test_every_byte_in_a_segment_of_its_own(town: Town, ani: str) -> None:
    with town.peer("ftp") as peer:
        peer.says_bytewise(f"USER {ani}\nPASS {PASSWORD}\nPUT f 6\n\0LIST\nRETR f\nDEL f\nEXIT\n".encode())
        peer.hears(b"[OK] username berhasil direkam\n[OK] login berhasil\n[OK] file telah terupload\n")
        peer.hears(b"[OK] 6\n\0LIST\n[OK] File f telah dihapus\n")
        peer.is_hung_up_on()


def test_everything_in_one_segment(town: Town, ani: str) -> None:
    with_folders(town, ani, "notes")
    with town.peer("ftp") as peer:
        content = b"EXIT\nDEL f\r\n\0PUT g 3\n"
        peer.says(
            f"USER {ani}\nPASS {PASSWORD}\nPUT f {len(content)}\n".encode()
            + content
            + b"RETR f\nLIST\nCD notes\nPUT f 0\nLIST\nCD ..\nDEL f\nPUT f 4\nx\ny\nRETR f\nEXIT\nLIST\n"
        )
        peer.hears(b"[OK] username berhasil direkam\n[OK] login berhasil\n[OK] file telah terupload\n")
        peer.hears(b"[OK] %d\n" % len(content) + content + b"f\nnotes/\n[OK] 2 entri\n")
        peer.hears(b"[OK] direktori sekarang /notes\n[OK] file telah terupload\nf\n[OK] 1 entri\n")
        peer.hears(b"[OK] direktori sekarang /\n[OK] File f telah dihapus\n")
        peer.hears(b"[OK] file telah terupload\n[OK] 4\nx\ny\n")
        peer.is_hung_up_on()


# --- where ----------------------------------------------------------------------------------------


def test_a_list_has_a_name_a_line_and_how_many(town: Town, ani: str) -> None:
    with_folders(town, ani, "b", "deep/er")
    with at_ftp(town, ani) as peer:
        puts(peer, "c with spaces.txt", b"c")
        puts(peer, "a.txt", b"a")
        peer.says(b"LIST\n")
        peer.hears(b"a.txt\nb/\nc with spaces.txt\ndeep/\n[OK] 4 entri\n")
        peer.says(b"LIST deep\nLIST nowhere\nLIST a.txt\n")
        peer.hears(b"er/\n[OK] 1 entri\n" + b"[ERR] direktori tidak ada\n" * 2)


def test_nobody_leaves_their_own_tree(town: Town, ani: str) -> None:
    with_folders(town, ani, "a/b c", "a/d")
    with at_ftp(town, ani) as peer:
        for typed, path in (
            ("..", "/"),
            ("../../..", "/"),
            ("/../..", "/"),
            ("a", "/a"),
            ("b c", "/a/b c"),
            ("..", "/a"),
            ("./b c/../d/", "/a/d"),
            ("/a//b c/.", "/a/b c"),
            ("../../a/d", "/a/d"),
            ("../../../../../etc/../a", "/a"),
            ("/", "/"),
        ):
            peer.says(f"CD {typed}\n".encode())
            peer.hears(f"[OK] direktori sekarang {path}\n".encode())


@pytest.mark.parametrize(
    "typed",
    ["nowhere", "/etc", "file", "file/..x", "a\\b", "~", "a\0", "x" * 300, "\u202ea", "a/" * 40, "y" * 2000],
)
def test_what_is_no_folder_is_told_to_be_none(town: Town, ani: str, typed: str) -> None:
    with_folders(town, ani, "a")
    with at_ftp(town, ani) as peer:
        puts(peer, "file", b"")
        peer.says(f"CD a\nCD {typed}\n".encode())
        peer.hears(b"[OK] direktori sekarang /a\n[ERR] direktori tidak ada\n")
        peer.says(b"CD .\n")
        peer.hears(b"[OK] direktori sekarang /a\n")


def test_a_folder_that_was_deleted_elsewhere_is_no_place_any_more(town: Town, ani: str) -> None:
    with_folders(town, ani, "a")
    with at_ftp(town, ani) as peer:
        peer.says(b"CD a\n")
        peer.hears(b"[OK] direktori sekarang /a\n")
        native(town, ani, lambda chat: chat.files.delete("a"))
        peer.says(b"LIST\nPUT f 3\nabcRETR f\nCD ..\n")
        peer.hears(b"[ERR] direktori tidak ada\n" * 2)
        peer.hears(b"[ERR] file tidak ditemukan\n[OK] direktori sekarang /\n")


# --- files ----------------------------------------------------------------------------------------


def test_files_go_where_the_visitor_stands_or_says(town: Town, ani: str) -> None:
    with_folders(town, ani, "a/b")
    with at_ftp(town, ani) as peer:
        peer.says(b"CD a\n")
        peer.hears(b"[OK] direktori sekarang /a\n")
        puts(peer, "here", b"1")
        puts(peer, "b/below", b"2")
        puts(peer, "/top", b"3")
        puts(peer, "../../../also top", b"4")
        assert gets(peer, "../a/./here") == b"1" and gets(peer, "/a/b/below") == b"2"
        assert gets(peer, "../top") == b"3" and gets(peer, "/also top") == b"4"
    assert kept(town, ani)[:2] == (4 + 2, 4)


def test_a_file_gives_way_to_one_of_the_same_name(town: Town, ani: str) -> None:
    with at_ftp(town, ani) as peer:
        puts(peer, "f", b"old and longer")
        puts(peer, "f", b"new")
        assert gets(peer, "f") == b"new"
    assert kept(town, ani) == (1, 3, 0)


def test_a_deleted_file_is_gone_and_a_folder_is_none(town: Town, ani: str) -> None:
    with_folders(town, ani, "a")
    with at_ftp(town, ani) as peer:
        puts(peer, "my file", b"x")
        peer.says(b"DEL my file\nDEL my file\nRETR my file\n")
        peer.hears(b"[OK] File my file telah dihapus\n" + b"[ERR] file tidak ditemukan\n" * 2)
        peer.says(b"DEL a\nRETR a\nDEL /\nDEL ..\nPUT a 2\nxxLIST\n")
        peer.hears(
            b"[ERR] a adalah direktori\n" * 2 + b"[ERR] / adalah direktori\n[ERR] .. adalah direktori\n"
        )
        peer.hears(b"[ERR] direktori dengan nama itu sudah ada\na/\n[OK] 1 entri\n")


@pytest.mark.parametrize(
    "name",
    ["..", ".", "/", "a/..", "a\0b", "a\x1b[2Jb", "x" * 300, "\u202egnp.exe", "a\u200fb", "back\\slash"],
)
def test_a_file_whose_name_is_refused_is_dropped_and_what_follows_is_heard(
    town: Town, ani: str, name: str
) -> None:
    with at_ftp(town, ani) as peer:
        peer.says(f"PUT {name} 10\n".encode() + b"LIST\nEXIT\n" + b"RETR " + name.encode() + b"\nLIST\n")
        peer.hears(b"[ERR] nama file tidak sesuai\n")
        assert peer.line() in (b"[ERR] file tidak ditemukan", f"[ERR] {name} adalah direktori".encode())
        peer.hears(b"[OK] 0 entri\n")
    assert kept(town, ani) == (0, 0, 0)


def test_the_last_word_is_the_size_if_it_is_a_number(town: Town, ani: str) -> None:
    with at_ftp(town, ani) as peer:
        peer.says(b"PUT my 1st file  004\nabcd")
        peer.hears(b"[OK] file telah terupload\n")
        assert gets(peer, "my 1st file") == b"abcd"
        for name in ("2024", "report -5", "report 5x", "report ٥"):
            peer.says(f"PUT {name}\n".encode())
            peer.says(b"as spoken")
            peer.hears(b"[OK] file telah terupload\n")
            assert gets(peer, name) == b"as spoken"


def test_a_line_end_behind_the_bytes_is_forgiven(town: Town, ani: str) -> None:
    with at_ftp(town, ani) as peer:
        peer.says(b"PUT f 5\nhello\nPUT f 5\r\nhello\r\nLIST\n")
        peer.hears(b"[OK] file telah terupload\n" * 2 + b"f\n[OK] 1 entri\n")
        peer.says(b"PUT f 5\nhello\n\n")
        peer.hears(b"[OK] file telah terupload\n[ERR] command tidak ditemukan\n")
