"""Dialogues of the signup dialect: ``message`` and ``sendfile``, what stands within them, and their ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from client import Chat
from gateway.framing import NEWLINE, NUL
from gateway.signup import TEXT_PAUSE, Signup
from tests.gateway.conftest import PASSWORD, SETTINGS, Town
from tests.gateway.signup_town import ENDS, Speaker, logged_in, native, registered, speaking

STRANGER = "Anda belum login!"


@pytest.fixture(params=list(ENDS.values()), ids=list(ENDS))
def end(request: pytest.FixtureRequest) -> bytes:
    """What a peer ends its strings with."""
    assert isinstance(request.param, bytes)
    return request.param


@pytest.fixture
def ani(town: Town, end: bytes) -> Iterator[Speaker]:
    """She who writes, in the older way."""
    with logged_in(town, registered(town, "ani"), end) as speaker:
        yield speaker


@pytest.fixture
async def budi(town: Town) -> AsyncIterator[Chat]:
    """He who reads, natively."""
    async with native(town, registered(town, "budi")) as chat:
        yield chat


async def bodies(chat: Chat, other: str) -> list[str]:
    """What was said."""
    return [message.body async for message in chat.messages(other)]


# --- message ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["halo", "exit", " two  spaces ", "0", "lögin ä ☕", "message budi"])
async def test_the_next_string_is_the_text_whatever_it_holds(ani: Speaker, budi: Chat, text: str) -> None:
    ani.sends(budi.user, text)
    assert await bodies(budi, ani.name) == [text]


async def test_a_dialogue_may_come_in_one_segment_or_byte_by_byte(ani: Speaker, budi: Chat) -> None:
    answers = ("Message: ", "0<date> me : satu\n", "", "1", "", "command not exists")
    said = (f"message {budi.user}", "satu", f"show {budi.user}", "dance")
    ani.says(*said)
    ani.hears(*answers)
    ani.peer.says_bytewise(b"".join(string.encode() + ani.end for string in said))
    ani.hears(*answers)
    assert await bodies(budi, ani.name) == ["satu", "satu"]


async def test_the_prompt_comes_before_the_text_and_nothing_comes_within(ani: Speaker, budi: Chat) -> None:
    ani.says(f"message {budi.user}")
    ani.peer.hears(b"Message: " + ani.end)
    await budi.send(ani.name, "while you write")
    ani.peer.hears_nothing()
    news = f"New message(s) from {budi.user}\n"
    ani.asks("halo", "0<date> me : halo\n", news)


async def test_a_text_of_several_lines_is_one_message_where_strings_end_with_nul(
    town: Town, budi: Chat
) -> None:
    with logged_in(town, registered(town, "ani")) as ani:
        ani.says(f"message {budi.user}", "satu\ndua\r\ntiga", "dance")
        ani.hears("Message: ", "0<date> me : satu dua tiga\n", "", "command not exists")
        assert await bodies(budi, ani.name) == ["satu\ndua\r\ntiga"]


async def test_only_a_long_silence_behind_a_newline_ends_a_text_whose_request_ended_with_nul(
    town: Town, budi: Chat
) -> None:
    with logged_in(town, registered(town, "ani")) as ani:
        ani.asks(f"message {budi.user}", "Message: ")
        for piece in (b"satu\n", b"dua\nti"):
            ani.peer.says(piece)
            await asyncio.sleep(TEXT_PAUSE * 0.3)
        await asyncio.sleep(TEXT_PAUSE)  # in the middle of a line, nothing ends
        ani.peer.hears_nothing()
        ani.asks("ga", "0<date> me : satu dua tiga\n", "")
        ani.asks(f"message {budi.user}", "Message: ")
        ani.end = NEWLINE
        ani.asks("exit", "0<date> me : exit\n")
    assert await bodies(budi, ani.name) == ["satu\ndua\ntiga", "exit"]


@pytest.mark.parametrize(("first", "second"), [(NUL, NEWLINE), (NEWLINE, NUL)])
async def test_each_answer_ends_as_what_it_answers_does(
    town: Town, budi: Chat, first: bytes, second: bytes
) -> None:
    with logged_in(town, registered(town, "ani"), first) as ani:
        ani.asks(f"message {budi.user}", "Message: ")
        ani.end = second
        ani.asks("halo", "0<date> me : halo\n", "")
        ani.end = first
        ani.asks("dance", "command not exists")
        assert await bodies(budi, ani.name) == ["halo"]


async def test_telnets_line_ends_are_newlines(town: Town, budi: Chat) -> None:
    with logged_in(town, registered(town, "ani"), NEWLINE) as ani:
        ani.peer.says(f"message {budi.user}\r\nhalo\r\n".encode())
        ani.hears("Message: ", "0<date> me : halo\n")
        assert await bodies(budi, ani.name) == ["halo"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "A message needs a text."),
        (b"\xff\xfe", Signup.MALFORMED),
        (b"x" * 70_000, Signup.MALFORMED),
    ],
    ids=["empty", "bytes", "long"],
)
async def test_what_could_not_be_stored_is_not_filed_and_the_second_string_says_why(
    ani: Speaker, budi: Chat, text: bytes, why: str
) -> None:
    ani.asks(f"message {budi.user}", "Message: ")
    ani.peer.says(text + ani.end)
    ani.hears("1", why)
    ani.asks("x" * 70_000, Signup.MALFORMED)
    ani.asks("dance", "command not exists")
    assert await bodies(budi, ani.name) == []


async def test_too_many_lines_are_no_message_and_no_requests(town: Town, budi: Chat) -> None:
    with logged_in(town, registered(town, "ani")) as ani:
        ani.asks(f"message {budi.user}", "Message: ")
        ani.says("exit\n" * 15_000, "dance")
        ani.hears("1", Signup.MALFORMED, "command not exists")
        assert await bodies(budi, ani.name) == []


async def test_who_was_removed_while_they_wrote_is_told_so(town: Town, ani: Speaker, budi: Chat) -> None:
    ops = town.name("ops")
    await budi.create_group(ops)
    ani.asks(f"join {ops}", f"Joining group {ops}")
    ani.asks(f"message {ops}", "Message: ")
    await budi.remove_member(ops, ani.name)
    ani.asks("halo", "1", f"You are not member of {ops}")


@pytest.mark.parametrize("word", ["message", "sendfile"])
async def test_a_session_that_is_ended_in_the_middle_is_told_and_may_begin_anew(
    town: Town, ani: Speaker, budi: Chat, word: str
) -> None:
    ani.says(f"{word} {budi.user}")
    ani.hears({"message": "Message: ", "sendfile": "File location: "}[word])
    async with native(town, ani.name) as chat:
        for session in await chat.sessions():
            if not session.current:
                await chat.revoke(session.session)
    if word == "message":
        ani.asks("halo", "1", STRANGER)
    else:
        ani.peer.says(b"peta.png 4\n\0\n\0\n")
        ani.hears(STRANGER)
    ani.asks(f"show {budi.user}", STRANGER)
    ani.asks(f"login {ani.name} {PASSWORD}", "Login success")
    assert await bodies(budi, ani.name) == []


@pytest.mark.parametrize("said", [b"", b"half a tex", b"peta.png 10\nhalf"])
async def test_who_vanishes_in_the_middle_has_said_nothing_and_is_offline(
    town: Town, end: bytes, budi: Chat, said: bytes
) -> None:
    with logged_in(town, registered(town, "ani"), end) as ani:
        word, prompt = ("sendfile", "File location: ") if b"\n" in said else ("message", "Message: ")
        ani.asks(f"{word} {budi.user}", prompt)
        ani.peer.says(said)
    async with asyncio.timeout(10):
        while ani.name in await budi.online():
            await asyncio.sleep(0.01)
    assert await bodies(budi, ani.name) == []


async def test_who_says_all_and_then_ends_their_side_is_answered(town: Town, end: bytes, budi: Chat) -> None:
    with speaking(town, end) as ani:
        name = registered(town, "ani")
        ani.says(f"login {name} {PASSWORD}", f"message {budi.user}", "halo")
        ani.peer.socket.shutdown(socket.SHUT_WR)
        ani.hears("Login success", "Message: ", "0<date> me : halo\n", "")
        ani.peer.is_hung_up_on()
    assert await bodies(budi, name) == ["halo"]


# --- sendfile -----------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"x", b"\0\n\0dance\n" * 200_000], ids=["empty", "a byte", "large"])
async def test_a_file_to_somebody_is_what_they_fetch(ani: Speaker, budi: Chat, content: bytes) -> None:
    ani.asks(f"sendfile {budi.user}", "File location: ")
    ani.peer.says(f"/home/ani/my map.png {len(content)}\n".encode() + content)
    ani.hears("File sent")
    await expect_file(budi, ani.name, "my map.png", content)
    ani.asks("dance", "command not exists")


async def test_a_file_to_a_group_is_what_its_members_fetch(town: Town, ani: Speaker, budi: Chat) -> None:
    ops = town.name("ops")
    await budi.create_group(ops)
    ani.asks(f"sendfile {ops}", f"You are not member of {ops}")
    ani.asks(f"join {ops}", f"Joining group {ops}")
    ani.peer.says_bytewise(b"sendfile " + ops.encode() + ani.end + b"C:\\peta.png 3\nabcdance" + ani.end)
    ani.hears("File location: ", "File sent", "command not exists")
    await expect_file(budi, f"#{ops}", "peta.png", b"abc")


@pytest.mark.parametrize("behind", [NUL, NEWLINE, b"\r\n"], ids=["NUL", "LF", "CRLF"])
@pytest.mark.parametrize("name", ["peta.png", "photos/"], ids=["stored", "refused"])
async def test_one_end_right_behind_a_file_is_overlooked_whenever_it_comes(
    ani: Speaker, budi: Chat, behind: bytes, name: str
) -> None:
    for later in (False, True):
        ani.asks(f"sendfile {budi.user}", "File location: ")
        ani.peer.says(f"{name} 3\n".encode() + b"a\n\0" + (b"" if later else behind))
        heard = ani.peer.until(ani.end)
        assert heard.startswith(b"File sent") == (name == "peta.png")
        await budi.send(ani.name, "halo")
        if ani.end == NEWLINE:
            ani.hears(f"New message(s) from {budi.user}")
        if later:
            ani.peer.says(behind)
        # What ended the file decides nothing: news come as they did.
        ani.peer.hears_nothing()
        ani.says(f"show {budi.user}", "")
        ani.hears(f"1<date> {budi.user} : halo\n", "", "command not exists")


async def expect_file(chat: Chat, other: str, name: str, content: bytes) -> None:
    """The only thing said there is this file."""
    (message,) = (await chat.history(other)).messages
    assert message.file is not None
    assert message.file.name == name
    assert b"".join([chunk async for chunk in chat.files.download(message.file)]) == content


@pytest.mark.parametrize("header", ["peta.png", " 3", "peta.png -3", "peta.png ³", f"peta.png {'9' * 19}"])
def test_a_file_begins_with_its_name_and_size(town: Town, ani: Speaker, header: str) -> None:
    ani.asks(f"sendfile {registered(town, 'budi')}", "File location: ")
    ani.peer.says(header.encode() + b"\n")
    ani.hears("Not understood: first a line with the file's name and size, then as many bytes")
    ani.asks("dance", "command not exists")


@pytest.mark.parametrize("name", [b"\xff.png", b"photos/", b"..", b"x" * 300])
async def test_a_file_that_is_refused_is_told_so_and_its_bytes_are_dropped(
    ani: Speaker, budi: Chat, name: bytes
) -> None:
    ani.asks(f"sendfile {budi.user}", "File location: ")
    ani.peer.says(name + b" 12\nexit\n\0exit\n\0dance" + ani.end)
    refusal = ani.peer.until(ani.end)
    assert refusal != b"File sent" + ani.end
    assert refusal.isascii() and len(refusal) > 10, refusal
    ani.hears("command not exists")
    assert await bodies(budi, ani.name) == []


async def test_a_file_that_is_too_large_is_told_so_and_dropped_as_it_comes(
    town: Town, ani: Speaker, budi: Chat
) -> None:
    most = SETTINGS["file_max_bytes"]
    ani.asks(f"sendfile {budi.user}", "File location: ")
    ani.peer.says(f"film.mkv {most + 1}\n".encode())
    ani.hears(f"A file may have at most {most} bytes")
    ani.peer.says(bytes(most + 1) + b"dance" + ani.end)
    ani.hears("command not exists")
    assert await bodies(budi, ani.name) == []


@pytest.mark.parametrize("word", ["message", "show", "sendfile"])
def test_to_oneself_nothing_is_said(ani: Speaker, word: str) -> None:
    for name in (ani.name, ani.name.upper()):
        ani.asks(f"{word} {name}", "That is yourself: choose somebody else")
