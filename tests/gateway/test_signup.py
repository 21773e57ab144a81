"""The signup dialect: its words and sentences, for peers that end strings with NUL or with newline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from client import Chat, Offline, Timeout
from gateway import signup_lines
from gateway.dialect import Command
from gateway.framing import NEWLINE, NUL
from gateway.signup import Signup
from protocol.commands import Message
from protocol.errors import Busy, RateLimited, Unavailable
from protocol.files import FileInfo
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.signup_town import ENDS, Speaker, logged_in, native, registered, speaking

STRANGER = "Anda belum login!"


@pytest.fixture(scope="module", params=list(ENDS.values()), ids=list(ENDS))
def end(request: pytest.FixtureRequest) -> bytes:
    """What a peer ends its strings with."""
    assert isinstance(request.param, bytes)
    return request.param


@pytest.fixture
def stranger(town: Town, end: bytes) -> Iterator[Speaker]:
    """Somebody who has not logged in."""
    with speaking(town, end) as speaker:
        yield speaker


@pytest.fixture
def ani(town: Town, end: bytes) -> Iterator[Speaker]:
    """Somebody who has."""
    with logged_in(town, registered(town, "ani"), end) as speaker:
        yield speaker


@pytest.fixture(scope="module")
def citra(town: Town, end: bytes) -> Iterator[Speaker]:
    """Somebody who says a lot, and to whom nothing happens."""
    with logged_in(town, registered(town, "citra"), end) as speaker:
        yield speaker


@pytest.fixture
def budi(town: Town) -> str:
    """Somebody else's name."""
    return registered(town, "budi")


class Ear:
    """A visitor who has logged in, and what they hear."""

    logged_in = True
    terminator = NUL

    def __init__(self) -> None:
        self.heard = b""

    async def server_there(self) -> None:
        """It is."""

    def write(self, data: bytes) -> None:
        """Hear it."""
        self.heard += data


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Offline("x"), "The server is away, try again later"),
        (Unavailable("x"), "The server is away, try again later"),
        (Busy("x"), "The server is busy, try again later"),
        (
            Timeout("x"),
            "The server did not answer in time: look whether it was done before you try again",
        ),
    ],
)
async def test_while_the_server_is_away_a_sentence_says_so_and_no_news_are_waited_for(
    error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: Signup, arguments: list[str]) -> str:
        raise error

    monkeypatch.setitem(Signup.COMMANDS, "show", Command(away))
    ear = Ear()
    await Signup(ear).request(b"show budi")  # type: ignore[arg-type]
    assert ear.heard == sentence.encode() + NUL


def test_refusals_with_a_number_in_them_are_the_systems_own_words() -> None:
    signup = Signup(Ear())  # type: ignore[arg-type]
    early = RateLimited("Too many wrong passwords; try again in 3 seconds.", retry_after=3)
    assert signup.said_to(early, Signup.COMMANDS["login"].refusals, ["ani", "x"]) == str(early)


async def test_a_fault_of_ours_within_a_dialogue_leaves_the_client_in_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(self: Signup, arguments: list[str]) -> str:
        self._awaited = "message"
        raise ZeroDivisionError

    monkeypatch.setitem(Signup.COMMANDS, "message", Command(broken))
    ear = Ear()
    signup = Signup(ear)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        await signup.request(b"message budi")
    signup.fault()
    assert ear.heard == b"1\0Something went wrong here, try again later\0"
    signup.too_long()
    assert ear.heard.endswith(b"later\0" + Signup.MALFORMED.encode() + NUL)


# --- signup, login, logout, exit ----------------------------------------------------------------


def test_who_has_signed_up_logs_in_and_out_and_in_again(town: Town, stranger: Speaker) -> None:
    ani = town.name("ani")
    stranger.asks(f"signup {ani} {PASSWORD}", "Signup success")
    stranger.asks(f"login {ani} {PASSWORD}", "Login success")
    stranger.asks("logout", "Logout success")
    stranger.asks("logout", STRANGER)
    stranger.asks(f"login {ani} {PASSWORD}", "Login success")


def test_a_username_is_taken_once_whatever_its_case(stranger: Speaker, budi: str) -> None:
    stranger.asks(f"signup {budi.upper()} {PASSWORD}", "Try another username")


@pytest.mark.parametrize("name", ["#ops", "*", "a@b", "a/b", "ä", "a" * 33, "broadcast", "Broadcast"])
def test_what_is_no_name_here_is_no_username_and_no_groups(citra: Speaker, name: str) -> None:
    citra.asks(f"signup {name} {PASSWORD}", "Try another username")
    citra.asks(f"create_group {name}", "Try another group name")


def test_a_short_password_is_told_how_long_it_must_be(town: Town, stranger: Speaker) -> None:
    stranger.asks(f"signup {town.name('ani')} short", "A password needs at least 8 characters.")


def test_a_wrong_password_an_unknown_name_and_what_is_none_are_told_the_same(
    stranger: Speaker, budi: str
) -> None:
    for name in (budi, "nobody", "#ops", "*", f"{budi}@elsewhere", "x" * 40):
        stranger.asks(f"login {name} wrong-password", "Invalid username and password")


async def test_who_is_logged_in_is_online_and_who_vanishes_is_not(town: Town, budi: str) -> None:
    async with native(town, registered(town, "ani")) as chat:
        with logged_in(town, budi):
            await until(chat, budi, online=True)
        await until(chat, budi, online=False)


async def until(chat: Chat, name: str, *, online: bool) -> None:
    """Wait until somebody is online, or is not."""
    async with asyncio.timeout(10):
        while (name in await chat.online()) is not online:
            await asyncio.sleep(0.01)


def test_exit_ends_the_connection_behind_a_last_string(ani: Speaker) -> None:
    ani.asks("exit", "Goodbye")
    ani.peer.is_hung_up_on()


def test_whoever_logs_in_again_is_somebody_else_from_then_on(ani: Speaker, town: Town, budi: str) -> None:
    ani.asks(f"login {budi} {PASSWORD}", "Login success")
    ani.sends(ani.name, "from budi")
    ani.asks(f"login {ani.name} {PASSWORD}", *(("Login success",) if ani.end == NUL else ()))
    if ani.end == NEWLINE:
        ani.hears(f"Login success\nNew message(s) from {budi}\n")


# --- what is no command -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        "logout",
        "exit",
        "message ani",
        "show ani",
        "show ani 3",
        "sendfile ani",
        "create_group ops",
        "create ops",
        "join_group ops",
        "join ops",
        "leave_group ops",
        "leave ops",
        "message",
        "dance",
        "",
        "SIGNUP a b",
    ],
)
def test_before_login_every_other_command_answers_so(stranger: Speaker, request_: str) -> None:
    stranger.asks(request_, STRANGER)
    stranger.asks(request_, STRANGER)


@pytest.mark.parametrize(
    "request_", ["dance", "", "Signup a b", " login a b", "message\ta", "\x1b[A", "whoami"]
)
def test_an_unknown_word_does_not_exist(citra: Speaker, request_: str) -> None:
    citra.asks(request_, "command not exists")


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("signup", "Usage: signup USERNAME PASSWORD"),
        ("signup ani", "Usage: signup USERNAME PASSWORD"),
        ("signup ani b c", "Usage: signup USERNAME PASSWORD"),
        ("signup  ani b", "Usage: signup USERNAME PASSWORD"),
        ("login ani", "Usage: login USERNAME PASSWORD"),
        ("message", "Usage: message USERNAME or message GROUP"),
        ("message a b", "Usage: message USERNAME or message GROUP"),
        ("show", "Usage: show NAME, or show NAME and a number"),
        ("show a 1 2", "Usage: show NAME, or show NAME and a number"),
        ("show a -2", "Usage: show NAME, or show NAME and a number"),
        ("show a b", "Usage: show NAME, or show NAME and a number"),
        ("show a ²", "Usage: show NAME, or show NAME and a number"),
        (f"show a {'9' * 19}", "Usage: show NAME, or show NAME and a number"),
        ("sendfile", "Usage: sendfile USERNAME or sendfile GROUP"),
        ("create_group", "Usage: create_group GROUP"),
        ("create a b", "Usage: create_group GROUP"),
        ("join", "Usage: join_group GROUP"),
        ("leave", "Usage: leave_group GROUP"),
        ("logout now", "Usage: logout"),
    ],
)
def test_a_wrong_number_of_words_is_told_the_right_one(citra: Speaker, request_: str, answer: str) -> None:
    citra.asks(request_, answer)


def test_what_is_not_utf8_is_not_understood_and_the_next_is(ani: Speaker) -> None:
    ani.peer.says(b"message \xff\xfe" + ani.end)
    ani.hears(Signup.MALFORMED)
    ani.asks("dance", "command not exists")


def test_spaces_at_the_end_are_nobodys(ani: Speaker, budi: str) -> None:
    ani.asks(f"show {budi}  ", "1", "")


# --- groups -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("create", "join", "leave"), [("create_group", "join_group", "leave_group"), ("create", "join", "leave")]
)
def test_a_group_is_made_joined_and_left_and_gone_with_its_last_member(
    town: Town, ani: Speaker, budi: str, create: str, join: str, leave: str
) -> None:
    ops = town.name("ops")
    ani.asks(f"{join} {ops}", f"Group {ops} doesn't exist")
    ani.asks(f"{leave} {ops}", f"You are not member of {ops}")
    ani.asks(f"{create} {ops}", f"Group {ops} created")
    ani.asks(f"{create} {ops.upper()}", "Try another group name")
    with logged_in(town, budi, ani.end) as other:
        other.asks(f"{leave} {ops}", f"You are not member of {ops}")
        other.asks(f"{join} {ops}", f"Joining group {ops}")
        other.asks(f"{join} {ops}", f"Joining group {ops}")
        ani.asks(f"{leave} {ops}", f"Leaving group {ops}")
        other.asks(f"{leave} {ops}", f"Leaving group {ops}")
        other.asks(f"{join} {ops}", f"Group {ops} doesn't exist")


@pytest.mark.parametrize("word", ["#ops", "*", "ops@elsewhere", "o/ps"])
def test_what_is_no_name_is_nobodys_and_never_another_meaning(citra: Speaker, word: str) -> None:
    citra.asks("join broadcast", "Group broadcast doesn't exist")
    citra.asks(f"join {word}", f"Group {word} doesn't exist")
    citra.asks(f"leave {word}", f"You are not member of {word}")
    for command in ("message", "show", "sendfile"):
        citra.asks(f"{command} {word}", f"{word} doesn't exist.")


def test_a_group_may_not_be_called_as_a_user_nor_a_user_as_a_group(
    town: Town, ani: Speaker, budi: str
) -> None:
    ani.asks(f"create_group {budi.upper()}", "Try another group name")
    ops = town.name("ops")
    ani.asks(f"create_group {ops}", f"Group {ops} created")
    ani.asks(f"signup {ops.upper()} {PASSWORD}", "Try another username")


async def test_a_group_with_a_password_is_not_joined_here(town: Town, ani: Speaker, budi: str) -> None:
    ops = town.name("ops")
    async with native(town, budi) as chat:
        await chat.create_group(ops, PASSWORD)
    ani.asks(f"join {ops}", f"Group {ops} needs a password: join it with another client")
    ani.asks(f"message {ops}", f"You are not member of {ops}")


async def test_where_a_user_and_a_group_share_a_name_after_all_the_user_is_meant(
    town: Town, ani: Speaker, budi: str
) -> None:
    async with native(town, budi) as chat:
        await chat.create_group(budi)
        await chat.send(f"#{budi}", "for the group")
        await chat.send(ani.name, "for ani")
    if ani.end == NEWLINE:
        ani.hears(f"New message(s) from {budi}")
    ani.asks(f"show {budi}", f"1<date> {budi} : for ani\n", "")


# --- layout -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        ((2026, 1, 2, 3, 4, 59), "2026-1-2 3:04"),
        ((2026, 11, 21, 18, 30, 0), "2026-11-21 18:30"),
        ((2026, 12, 1, 0, 0, 0), "2026-12-1 0:00"),
    ],
)
def test_month_day_and_hour_are_not_padded_and_minutes_are(moment: tuple[int, ...], date: str) -> None:
    local = time.mktime((*moment, 0, 0, -1))  # type: ignore[arg-type]
    assert signup_lines.line(int(local * 1e6) + 7, "me", "halo") == f"[{date}] me : halo\n"


def test_a_message_is_one_line_whatever_its_text_holds() -> None:
    shown = signup_lines.line(0, "budi", "a\r\nb\n[2026-1-1 1:01] me : c\x1b[2J\u202ed")
    assert shown.count("\n") == 1
    assert shown.endswith(" budi : a b [2026-1-1 1:01] me : c[2Jd\n")


def test_a_file_is_shown_by_its_name_behind_the_text_that_came_with_it() -> None:
    file = FileInfo(7, "peta.png", 3, "image/png", b"s" * 32, False)
    messages = [Message(1, "budi", "peta.png", 0, b"", file), Message(2, "ani", "lihat", 0, b"", file)]
    first, second = signup_lines.lines(messages, "ani").splitlines()
    assert first.endswith("] budi : [file peta.png]")
    assert second.endswith("] me : lihat [file peta.png]")


def test_the_mark_stands_above_the_first_that_others_said_and_was_not_read() -> None:
    said = [(1, "budi"), (2, "ani"), (3, "ani"), (4, "budi"), (5, "ani")]
    messages = [Message(seq, sender, str(seq), 0, b"") for seq, sender in said]
    shown = signup_lines.parted(messages, "ani", 1).splitlines()
    assert [line.rpartition(" ")[2] for line in shown] == ["1", "2", "3", "-----", "4", "5"]
    assert shown[3] == "---- New Message (s) -----"
    assert signup_lines.NEW not in signup_lines.parted(messages, "ani", 4)
