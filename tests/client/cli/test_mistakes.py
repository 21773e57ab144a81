"""Words that make no sense, and what is said to whoever typed them."""

from __future__ import annotations

import io
import shlex
from typing import Any

import click
import pytest

from client.cli import context, hints, passwords, places
from client.cli.hints import EXAMPLES
from client.cli.program import pesan
from client.errors import Offline
from protocol.commands import HelloReply, SendReply
from protocol.errors import RateLimited, TooLarge
from tests.client.cli.shell import SERVER, Pretended, Shell
from tests.client.cli.test_program import every_command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sned", "budi", "hi"], "Did you mean send?"),
        (["Hsitory"], "Did you mean history?"),
        (["join", "ops"], "Did you mean pesan group join?"),
        (["help"], "Did you mean pesan --help?"),
        (["--timeout", "abc", "online"], "'abc' is not a number of seconds: more than 0, at most 86400"),
        (["--timeout", "-1", "online"], "'-1' is not a number of seconds"),
        (["history", "budi", "--limit", "0"], "'0' is not a number of messages: 1 or more, or --all."),
        (["history", "budi", "-n", "9" * 20], "is not a number of messages"),
        (["history", "budi", "--after", "-3"], "'-3' is not a message's number"),
        (["sessions", "revoke", "9" * 20], "is not a session's number: pesan sessions lists them"),
        (["sessions", "revoke", "0"], "is not a session's number"),
        (["--server", "pesan://127.0.0.1:99999", "online"], "port is not a number from 1 to 65535"),
        (["--server", "pesan://chat.example:7700", "online"], "has no key"),
        (["--server", "pesan://chat.example:7700", "online"], "?key=… included, and put it in quotes"),
        (["login", ""], "pesan login NAME"),
    ],
)
def test_what_was_meant_is_said(shell: Shell, words: list[str], said: str) -> None:
    shell.log_in()
    ended = shell.run(*words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_a_near_word_is_told_once(shell: Shell) -> None:
    err = shell.run("group", "jion", "ops").err
    assert err.count("Did you mean") == 1
    assert "join" in err.partition("Did you mean")[2]


def test_words_tried_in_place_of_others_lead_to_commands(shell: Shell) -> None:
    known = {words for words, _ in every_command()} | {"--help"}
    assert set(hints.ELSEWHERE.values()) <= known
    assert not hints.ELSEWHERE.keys() & known


def test_a_word_like_no_command_is_not_guessed(shell: Shell) -> None:
    assert "Did you mean" not in shell.run("xyzzy").err


def test_a_name_that_is_none_is_refused_before_anything_is_asked(shell: Shell) -> None:
    shell.set(PESAN_SERVER=SERVER)
    for name in ("", "x y"):
        ended = shell.run("register", name)
        assert ended.code == 2
        assert "is not a name: use 1 to 32 letters" in ended.err


def test_every_command_that_needs_arguments_shows_an_example(shell: Shell) -> None:
    needy = {
        words
        for words, command in every_command()
        if any(isinstance(one, click.Argument) and one.required for one in command.params)
    }
    assert needy == EXAMPLES.keys()
    for words in needy:
        ended = shell.run(*words.split())
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(f"Usage: pesan {words} ")
        assert f"\nFor example: {EXAMPLES[words]}\n" in ended.err


def test_examples_are_understood(shell: Shell) -> None:
    for example in EXAMPLES.values():
        words = shlex.split(example)[1:]
        ctx = click.Context(pesan, info_name="pesan")
        command: click.Command = pesan
        while isinstance(command, click.Group) and words:
            found = command.get_command(ctx, words.pop(0))
            assert found is not None
            command = found
        assert command.make_context(example, words) is not None


def test_errors_that_say_it_all_have_no_hint() -> None:
    assert hints.of(click.ClickException("No such command 'sned'.")) == []
    assert hints.of(click.UsageError("No such command 'sned'.")) == []


def test_who_is_nobody_yet_hears_of_register_too(shell: Shell) -> None:
    shell.set(PESAN_SERVER=SERVER)
    ended = shell.run("whoami")
    assert ended.err == "pesan: not logged in: pesan login NAME, or for a new user pesan register NAME\n"


# --- where the server is --------------------------------------------------------------------------


def test_a_host_that_does_not_exist_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    class Chat(Pretended):
        async def online(self) -> list[str]:
            raise Offline("The server cannot be reached.")

    server = SERVER.replace("127.0.0.1", "chat.example")
    shell.log_in(server=server)
    shell.pretend(Chat())
    for missing, said in ((True, "there is no host chat.example."), (False, "is it running, and can")):
        monkeypatch.setattr(places, "_has_no_address", lambda host, missing=missing: missing)
        ended = shell.run("online", "--server", server)
        assert ended.code == 6
        assert ended.err.startswith(f"pesan: cannot reach pesan://chat.example:7700: {said}")


def test_a_host_is_looked_up() -> None:
    assert places._has_no_address("no-such-host.invalid")
    assert not places._has_no_address("127.0.0.1")


# --- texts ----------------------------------------------------------------------------------------


class Post(Pretended):
    """Takes messages of up to 9 bytes."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, to: str, body: str, *, id: bytes) -> SendReply:
        if len(body.encode()) > 9:
            raise TooLarge("The body of message.send may have 130048 bytes.")
        self.sent.append(body)
        return SendReply(1, len(self.sent), 1, False)

    async def hello(self) -> HelloReply:
        return HelloReply("0", 1, "here", 1, 2, 0, [], {"message_bytes": 9, "password_min_length": 8})


@pytest.fixture
def post(shell: Shell) -> Post:
    found = Post()
    shell.log_in()
    shell.pretend(found)
    return found


def test_a_text_that_is_too_long_is_told_with_both_numbers(shell: Shell, post: Post) -> None:
    ended = shell.run("send", "budi", "0123456789é")
    said = "pesan: This message has 12 bytes, and one may have at most 9.\n"
    assert (ended.code, ended.err, post.sent) == (1, said, [])


def from_stdin(shell: Shell, monkeypatch: pytest.MonkeyPatch, data: bytes, *words: str) -> Any:
    """``pesan words…`` with these bytes on stdin."""
    make = io.TextIOWrapper

    def raw(_: io.BytesIO, encoding: str) -> Any:
        return make(io.BytesIO(data), encoding=encoding)

    monkeypatch.setattr(io, "TextIOWrapper", raw)
    return shell.run(*words)


def test_bytes_that_are_no_text_are_not_sent(
    shell: Shell, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = from_stdin(shell, monkeypatch, b"ab\xff\n", "send", "budi")
    said = "pesan: This is no text in UTF-8 (byte 3 is 0xff), so it was not sent.\n"
    assert (ended.code, ended.err, post.sent) == (2, said, [])


# --- passwords ------------------------------------------------------------------------------------


def test_a_password_that_is_too_short_is_told_before_it_is_typed_twice(
    shell: Shell, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts: list[str] = []

    def getpass(prompt: str, stream: Any) -> str:
        prompts.append(prompt)
        return "seven 7"

    monkeypatch.setattr("getpass.getpass", getpass)
    monkeypatch.setattr(passwords, "interactive", lambda: True)
    ended = shell.run("register", "ani")
    assert (ended.code, ended.err) == (2, "pesan: a password needs at least 8 characters.\n")
    assert prompts == ["New password for ani: "]


def test_a_pause_is_told_before_it_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    context._say_pause(RateLimited("Too many wrong passwords; try again in 3 seconds.", retry_after=3.0))
    context._say_pause(RateLimited("Too often.", retry_after=0.1))
    said = "pesan: Too many wrong passwords; try again in 3 seconds. Waiting for that.\n"
    assert capsys.readouterr().err == said
