"""The signup dialect: what is unread, shown and read, and what is told unasked, with replies or at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from client import Chat
from gateway.framing import NEWLINE, NUL
from gateway.signup import Signup
from gateway.signup_news import READERS_MOST, News, called
from protocol.commands import ConversationInfo
from protocol.events import MessageEvent
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.imagined import Imagined, until_quiet, within
from tests.gateway.signup_town import Speaker, logged_in, native, registered, speaking

NEW = "---- New Message (s) -----\n"


@pytest.fixture
def ani(town: Town) -> Iterator[Speaker]:
    """She has a client of old: it ends strings with NUL and asks for what is new."""
    with logged_in(town, registered(town, "ani"), NUL) as speaker:
        yield speaker


@pytest.fixture
def citra(town: Town) -> Iterator[Speaker]:
    """She has netcat."""
    with logged_in(town, registered(town, "citra"), NEWLINE) as speaker:
        yield speaker


@pytest.fixture
async def budi(town: Town) -> AsyncIterator[Chat]:
    """He writes natively."""
    async with native(town, registered(town, "budi")) as chat:
        yield chat


async def unread(chat: Chat) -> dict[str, int]:
    """How much is unread, by address."""
    return {row.name: row.unread for row in await chat.conversations() if row.unread}


# --- show ---------------------------------------------------------------------------------------


async def test_show_says_what_others_said_and_marks_it_as_read(town: Town, ani: Speaker, budi: Chat) -> None:
    await budi.send(ani.name, "satu")
    ani.sends(budi.user, "own", f"New message(s) from {budi.user}\n")
    await budi.send(ani.name, "dua")
    ani.asks(f"show {budi.user}", f"1<date> {budi.user} : satu\n<date> {budi.user} : dua\n", "")
    ani.asks(f"show {budi.user}", "1", "")
    async with native(town, ani.name) as chat:
        assert await unread(chat) == {}


async def test_what_was_read_through_another_door_is_not_shown_again(
    town: Town, ani: Speaker, budi: Chat
) -> None:
    await budi.send(ani.name, "satu")
    sent = await budi.send(ani.name, "dua")
    await budi.send(ani.name, "tiga")
    async with native(town, ani.name) as chat:
        await chat.read(sent.conversation, sent.seq)
        ani.asks(f"show {budi.user.upper()}", f"1<date> {budi.user} : tiga\n", "")
        assert (await chat.history(budi.user)).read_seq == sent.seq + 1


async def test_show_with_a_number_shows_what_stands_behind_it_and_what_of_that_is_new(
    ani: Speaker, budi: Chat
) -> None:
    ani.asks(f"show {budi.user} 0", "1", "")
    await budi.send(ani.name, "satu")
    ani.asks(f"show {budi.user}", f"1<date> {budi.user} : satu\n", "")
    ani.sends(budi.user, "dua")
    await budi.send(ani.name, "tiga")
    one, two, three = f"<date> {budi.user} : satu\n", "<date> me : dua\n", f"<date> {budi.user} : tiga\n"
    ani.asks(f"show {budi.user} 0", f"1{one}{two}{NEW}{three}", "")
    ani.asks(f"show {budi.user} 0", f"1{one}{two}{three}", "")
    ani.asks(f"show {budi.user} -1", f"1{one}{two}{three}", "")
    ani.asks(f"show {budi.user} 2", f"1{three}", "")
    ani.asks(f"show {budi.user} 3", "1", "")
    ani.asks(f"show {budi.user} 999", "1", "")


async def test_new_ones_before_the_number_are_not_marked_by_looking_behind_them(
    ani: Speaker, budi: Chat
) -> None:
    await budi.send(ani.name, "satu")
    ani.asks(f"show {budi.user} 1", "1", f"New message(s) from {budi.user}\n")


async def test_what_a_group_said_is_shown_under_their_names(town: Town, ani: Speaker, budi: Chat) -> None:
    ops = town.name("ops")
    ani.asks(f"create_group {ops}", f"Group {ops} created")
    await budi.join_group(ops)
    await budi.send(f"#{ops}", "satu")
    ani.sends(ops, "dua", f"New message(s) from {ops}\n")
    ani.asks(f"show {ops}", f"1<date> {budi.user} : satu\n", "")
    assert [message.body async for message in budi.messages(f"#{ops}")] == ["satu", "dua"]
    assert await unread(budi) == {f"#{ops}": 1}


async def test_a_refusal_to_show_is_one_string_and_never_begins_with_the_digit(
    town: Town, ani: Speaker, budi: Chat
) -> None:
    ops = town.name("ops")
    await budi.create_group(ops)
    ani.asks("show nobody", "nobody doesn't exist.")
    ani.asks("show 1abc", "Name 1abc doesn't exist.")
    ani.asks("message 1abc", "1abc doesn't exist.")
    ani.asks(f"show {ops}", f"You are not member of {ops}")


async def test_more_than_a_reply_may_hold_is_shown_in_turn(town: Town, budi: Chat) -> None:
    name = registered(town, "ani")
    for number in range(25):
        await budi.send(name, f"{number} " + "x" * 60_000)
    with logged_in(town, name) as ani:
        numbers = []
        while True:
            ani.says(f"show {budi.user}")
            first, second = ani.peer.until(NUL)[1:-1].decode(), ani.peer.until(NUL)[:-1].decode()
            numbers.append([int(line.split(" : ")[1].split()[0]) for line in first.splitlines()])
            if not second:
                break
            assert second == f"New message(s) from {budi.user}\n"
    assert len(numbers) == 2
    assert [number for page in numbers for number in page] == list(range(25))


async def test_what_was_said_to_all_is_shown_under_a_name_of_its_own(town: Town, budi: Chat) -> None:
    with logged_in(town, registered(town, "ani")) as ani:
        ani.says("show broadcast")
        ani.peer.until(NUL), ani.peer.until(NUL)
        await budi.broadcast("for all")
        ani.asks("dance", "command not existsNew message(s) from broadcast\n")
        ani.says("show broadcast")
        assert f" {budi.user} : for all\n" in ani.peer.until(NUL).decode()
        ani.hears("")
        ani.asks("message broadcast", "broadcast doesn't exist.")
        async with native(town, ani.name) as chat:
            await chat.read("*")


# --- news with a reply --------------------------------------------------------------------------


async def test_news_stand_behind_every_reply_in_the_same_string(town: Town, ani: Speaker, budi: Chat) -> None:
    ops, other = town.name("ops"), town.name("ops")
    news = f"New message(s) from {budi.user}\n"
    await budi.send(ani.name, "satu")
    ani.peer.hears_nothing()
    ani.asks("dance", f"command not exists{news}")
    ani.asks(f"create {ops}", f"Group {ops} created{news}")
    ani.asks(f"join {other}", f"Group {other} doesn't exist{news}")
    ani.asks("message nobody", f"nobody doesn't exist.{news}")
    ani.asks("show nobody", f"nobody doesn't exist.{news}")
    ani.asks(f"show {ops}", "1", news)
    ani.asks(f"message {ops}", "Message: ")
    ani.asks("", "1", f"A message needs a text.{news}")
    ani.asks(f"leave {ops}", f"Leaving group {ops}{news}")
    ani.asks("logout", "Logout success")


async def test_each_who_wrote_has_a_line_and_a_login_is_answered_plainly(town: Town, budi: Chat) -> None:
    name, dewi, ops = registered(town, "ani"), registered(town, "dewi"), town.name("ops")
    async with native(town, dewi) as chat, native(town, name) as own:
        await budi.create_group(ops)
        await own.join_group(ops)
        for sender, to in ((chat, name), (budi, f"#{ops}"), (chat, name)):
            await sender.send(to, "halo")
    news = f"New message(s) from {dewi}\n"
    group = f"New message(s) from {ops}\n"
    with logged_in(town, name) as ani:
        ani.says("dance")
        heard = ani.peer.until(NUL).decode()
        assert heard in (f"command not exists{news}{group}\0", f"command not exists{group}{news}\0")
    with speaking(town, NEWLINE) as ani:
        ani.says(f"login {name} {PASSWORD}")
        assert ani.peer.line() == b"Login success"
        assert {ani.peer.line(), ani.peer.line()} == {news[:-1].encode(), group[:-1].encode()}
        ani.peer.hears(b"\n")


# --- news at once -------------------------------------------------------------------------------


async def test_netcat_hears_at_once_who_wrote_and_has_it_in_replies_on_lines_of_its_own(
    citra: Speaker, budi: Chat
) -> None:
    news = f"New message(s) from {budi.user}"
    await budi.send(citra.name, "satu")
    citra.hears(news)
    await budi.send(citra.name, "dua")
    citra.hears(news)
    citra.asks("dance", f"command not exists\n{news}\n")
    citra.asks(f"show {budi.user}", f"1<date> {budi.user} : satu\n<date> {budi.user} : dua\n")
    citra.asks("dance", "command not exists")
    citra.peer.hears_nothing()


@pytest.mark.parametrize("word", ["message", "sendfile"])
async def test_netcat_hears_nothing_within_a_dialogue_and_each_name_once_behind_it(
    citra: Speaker, budi: Chat, word: str
) -> None:
    citra.asks(f"{word} {budi.user}", {"message": "Message: ", "sendfile": "File location: "}[word])
    for text in ("satu", "dua", "tiga"):
        await budi.send(citra.name, text)
    citra.peer.hears_nothing()
    news = f"New message(s) from {budi.user}\n"
    if word == "message":
        citra.asks("halo", "0<date> me : halo\n", news)
    else:
        citra.asks("peta.png 0", f"File sent\n{news}")
    citra.peer.hears_nothing()


async def test_what_one_writes_oneself_elsewhere_is_no_news(town: Town, citra: Speaker, budi: Chat) -> None:
    async with native(town, citra.name) as own:
        await own.send(budi.user, "from elsewhere")
        await budi.send(citra.name, "halo")
        citra.hears(f"New message(s) from {budi.user}")
        citra.peer.hears_nothing()


# --- lastread -----------------------------------------------------------------------------------


def counts(town: Town, name: str, other: str, *words: str) -> None:
    """Somebody comes, and says by each of these numbers which message of ``other`` is the last they have."""
    with logged_in(town, name) as speaker:
        for word in words:
            speaker.says(f"show {other} {word}")
            assert speaker.peer.until(NUL).startswith(b"1")
            speaker.peer.until(NUL)


async def test_netcat_hears_at_once_what_others_say_that_they_have(
    town: Town, citra: Speaker, budi: Chat
) -> None:
    citra.sends(budi.user, "satu")
    counts(town, budi.user, citra.name, "0", "1", "1", "7")
    citra.hears("lastread 0", "lastread 1", "lastread 1", "lastread 7")
    counts(town, budi.user, citra.name.upper(), "-1")
    citra.hears("lastread 0")
    citra.peer.hears_nothing()


async def test_netcat_hears_of_it_behind_a_dialogue(town: Town, citra: Speaker, budi: Chat) -> None:
    citra.asks(f"message {budi.user}", "Message: ")
    counts(town, budi.user, citra.name, "0")
    citra.peer.hears_nothing()
    citra.asks("halo", "0<date> me : halo\n")
    citra.hears("lastread 0")
    citra.peer.hears_nothing()


async def test_nul_peers_hear_of_it_once_among_the_news_of_their_next_reply(
    town: Town, ani: Speaker, budi: Chat
) -> None:
    await budi.send(ani.name, "satu")
    news = f"New message(s) from {budi.user}\n"
    counts(town, budi.user, ani.name, "0", "1")
    counts(town, registered(town, "dewi"), ani.name, "0")
    ani.peer.hears_nothing()
    ani.asks("dance", f"command not exists{news}lastread 1\nlastread 0\n")
    ani.asks("dance", f"command not exists{news}")


async def test_everybody_who_is_logged_in_by_that_name_hears_of_it_and_nobody_else(
    town: Town, ani: Speaker, citra: Speaker, budi: Chat
) -> None:
    with (
        logged_in(town, citra.name, NEWLINE) as again,
        logged_in(town, citra.name) as old,
        logged_in(town, citra.name, NEWLINE) as gone,
    ):
        gone.asks("logout", "Logout success")
        counts(town, budi.user, citra.name, "0")
        citra.hears("lastread 0")
        again.hears("lastread 0")
        old.asks("dance", "command not existslastread 0\n")
        ani.asks("dance", "command not exists")
        gone.asks(f"login {budi.user} {PASSWORD}", "Login success")
        counts(town, registered(town, "dewi"), budi.user, "3")
        gone.hears("lastread 3")
        for speaker in (citra, again, gone):
            speaker.peer.hears_nothing()


async def test_who_logs_in_as_somebody_else_is_not_told_what_the_former_one_was_to_hear(
    town: Town, ani: Speaker, budi: Chat
) -> None:
    counts(town, budi.user, ani.name, "0")
    ani.asks(f"login {registered(town, 'dewi')} {PASSWORD}", "Login success")
    ani.asks("dance", "command not exists")


async def test_nothing_else_tells_what_somebody_has(
    town: Town, ani: Speaker, citra: Speaker, budi: Chat
) -> None:
    ops = town.name("ops")
    citra.asks(f"create {ops}", f"Group {ops} created")
    await budi.join_group(ops)
    citra.sends(ops, "satu")
    citra.sends(budi.user, "satu")
    citra.sends(ani.name, "satu")
    await budi.read(citra.name)
    ani.asks(f"show {citra.name}", f"1<date> {citra.name} : satu\n", "")
    ani.asks(f"show {citra.name} x", "Usage: show NAME, or show NAME and a number")
    ani.asks(f"show {citra.name} -2", "Usage: show NAME, or show NAME and a number")
    counts(town, budi.user, ops, "0")
    citra.peer.hears_nothing()


# --- without a server ---------------------------------------------------------------------------


def row(number: int, name: str, last: int, unread: int) -> ConversationInfo:
    """A conversation as one member sees it."""
    kind = {"#": "group", "*": "broadcast"}.get(name[:1], "direct")
    return ConversationInfo(number, kind, name, b"", last, last - unread, unread, 0)


def wrote(number: int, seq: int, sender: str, to: str) -> MessageEvent:
    """Somebody wrote."""
    return MessageEvent(number, seq, sender, to, "halo", 0, b"")


def test_a_message_is_announced_once_by_a_reply_or_by_itself() -> None:
    news = News()
    news.message(wrote(1, 1, "budi", "ani"), "ani")
    news.message(wrote(1, 2, "budi", "ani"), "ani")
    assert news.with_reply([row(1, "budi", 2, 2)]) == "New message(s) from budi\n"
    assert news.waiting() == ""
    news.message(wrote(1, 2, "budi", "ani"), "ani")
    assert news.waiting() == ""
    news.message(wrote(1, 3, "budi", "ani"), "ani")
    news.message(wrote(2, 8, "dewi", "#ops"), "ani")
    assert news.waiting() == "New message(s) from budi\nNew message(s) from ops\n"
    assert news.waiting() == ""


def test_what_is_read_before_it_was_announced_is_not_announced() -> None:
    news = News()
    news.message(wrote(1, 1, "budi", "ani"), "ani")
    assert news.with_reply([row(1, "budi", 1, 0)]) == ""
    assert news.waiting() == ""
    news.shown(2, 5)
    news.message(wrote(2, 5, "budi", "#ops"), "ani")
    assert news.waiting() == ""


def test_of_each_who_counts_the_newest_is_told_and_not_of_everybody() -> None:
    news = News()
    for number in range(READERS_MOST + 1):
        news.read(f"dewi{number}", number)
    news.read("dewi1", 7)
    told = news.with_reply([]).splitlines()
    assert told == [f"lastread {number}" for number in [*range(2, READERS_MOST + 1), 7]]
    assert news.with_reply([]) == ""


async def test_who_has_left_in_whatever_way_is_not_found_any_more() -> None:
    gateway = Imagined()
    one, two = gateway.visit(Signup), gateway.visit(Signup)
    for wire in (one, two):
        await until_quiet(wire)
        wire.says(b"login ani rahasia\0")
    await within(lambda: b"Login success" in one.said and b"Login success" in two.said)
    assert {name: len(those) for name, those in gateway.present.items()} == {"ani": 2}
    one.breaks()
    assert {name: len(those) for name, those in gateway.present.items()} == {"ani": 1}
    two.visitor.session_ended()
    assert gateway.present == {}
    two.says(b"login budi rahasia\0")
    await within(lambda: two.said.count(b"Login success") == 2)
    assert list(gateway.present) == ["budi"]
    two.breaks()
    await until_quiet(one, two)
    assert gateway.present == {}
    assert gateway.quiet.faults == []


def test_addresses_have_names_without_marks() -> None:
    assert [called(address) for address in ("budi", "#ops", "*")] == ["budi", "ops", "broadcast"]
