"""Passwords and sessions, as far as they can be seen without a server."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from client.cli import passwords, profiles
from protocol.commands import HelloReply
from tests.client.cli.shell import SERVER, TOKEN, Pretended, Shell


class Desk(Pretended):
    """Takes every name and password, and writes down what was asked."""

    token = b"\2" * 16

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def register(self, name: str, password: str) -> str:
        self.asked.append(("register", name, password))
        return name

    async def hello(self) -> HelloReply:
        return HelloReply("0", 1, "here", 1, 2, 0, [], {"password_min_length": 8})

    async def login(self, name: str, password: str, device: str) -> None:
        self.asked.append(("login", name, password))
        self.user = name

    async def logout(self) -> None:
        self.asked.append(("logout",))

    async def change_password(self, old: str, new: str) -> None:
        self.asked.append(("password", old, new))

    async def join_group(self, name: str, password: str) -> Any:
        from protocol.commands import GroupReply

        self.asked.append(("join", name, password))
        return GroupReply(3, b"c" * 16, 0)


@pytest.fixture
def desk(shell: Shell) -> Desk:
    """Whom ``shell`` talks to, at a server that it knows."""
    found = Desk()
    shell.set(PESAN_SERVER=SERVER)
    shell.pretend(found)
    return found


def test_registering_logs_in_as_well(shell: Shell, desk: Desk) -> None:
    ended = shell.run("register", "ani", "--password-stdin", stdin="rahasia 1\n")
    assert (ended.code, ended.out) == (0, "")
    assert desk.asked == [("register", "ani", "rahasia 1"), ("login", "ani", "rahasia 1")]
    remembered = profiles.load_login("default")
    assert remembered is not None
    assert (remembered.user, remembered.server, remembered.token) == ("ani", SERVER, desk.token)


def test_the_password_comes_from_stdin_before_the_environment(shell: Shell, desk: Desk) -> None:
    shell.set(PESAN_PASSWORD="from the environment")
    shell.run("login", "ani")
    shell.run("login", "ani", "--password-stdin", stdin="from stdin\r\nmore\n")
    # The second session takes the place of the first, which ends.
    assert desk.asked == [
        ("login", "ani", "from the environment"),
        ("login", "ani", "from stdin"),
        ("logout",),
    ]


def test_without_a_terminal_the_other_ways_are_named(shell: Shell, desk: Desk) -> None:
    ended = shell.run("login", "ani")
    assert ended.code == 2
    assert "--password-stdin or PESAN_PASSWORD" in ended.err
    assert desk.asked == []


def test_no_line_on_stdin_is_no_password(shell: Shell, desk: Desk) -> None:
    assert shell.run("login", "ani", "--password-stdin", stdin="\n").code == 2
    assert desk.asked == []


def test_two_passwords_that_differ_are_refused(
    shell: Shell, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["rahasia 1", "rahasia 2"])
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: next(answers))
    monkeypatch.setattr(passwords, "interactive", lambda: True)
    ended = shell.run("register", "ani")
    assert (ended.code, ended.err) == (2, "pesan: the two are not the same.\n")
    assert desk.asked == []


def test_without_a_name_the_profiles_user_logs_in(shell: Shell, desk: Desk) -> None:
    assert shell.run("login").code == 2
    folder = shell.folder / "config" / "pesan"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('[profile.default]\nuser = "citra"\n')
    shell.run("login", "--password-stdin", stdin="rahasia\n")
    assert desk.asked == [("login", "citra", "rahasia")]


def test_without_a_name_the_last_user_logs_in_again(shell: Shell, desk: Desk) -> None:
    shell.log_in("ani")
    profiles.forget_login("default")
    shell.run("login", "--password-stdin", stdin="rahasia\n")
    assert desk.asked == [("login", "ani", "rahasia")]


def test_another_persons_session_is_not_replaced(shell: Shell, desk: Desk) -> None:
    shell.log_in("ani")
    ended = shell.run("login", "budi", "--password-stdin", stdin="rahasia\n")
    assert ended.code == 1
    assert "pesan --profile budi" in ended.err
    assert desk.asked == []


def test_a_session_of_another_server_is_no_session_here(shell: Shell) -> None:
    shell.log_in("ani", server=SERVER)
    other = SERVER.replace("AAA", "BBB")
    ended = shell.run("whoami", "--server", other)
    assert (ended.code, ended.out) == (3, "")


def test_the_new_password_comes_after_the_old_one(shell: Shell, desk: Desk) -> None:
    shell.log_in()
    shell.run("password", "--password-stdin", stdin="old one\nnew one\n")
    shell.set(PESAN_PASSWORD="old two", PESAN_NEW_PASSWORD="new two")
    shell.run("password")
    assert desk.asked == [("password", "old one", "new one"), ("password", "old two", "new two")]


def test_a_groups_password_has_ways_of_its_own(shell: Shell, desk: Desk) -> None:
    shell.log_in()
    shell.set(PESAN_PASSWORD="ani's own", PESAN_GROUP_PASSWORD="the group's")
    shell.run("group", "join", "#ops")
    shell.run("group", "join", "ops", "--password-stdin", stdin="said\n")
    assert desk.asked == [("join", "#ops", "the group's"), ("join", "ops", "said")]


def test_tokens_and_passwords_stay_off_stdout_and_stderr(shell: Shell, desk: Desk) -> None:
    secrets = [TOKEN.hex(), desk.token.hex(), "rahasia"]
    shown = ""
    for words in (["register", "ani"], ["login", "ani"], ["login", "ani", "--json"], ["login", "budi"]):
        ended = shell.run(*words, "--password-stdin", stdin="rahasia\n")
        shown += ended.out + ended.err
    assert not [secret for secret in secrets if secret in shown]
    assert "rahasia" not in " ".join(sys.argv)
