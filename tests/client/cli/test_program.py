"""The command ``pesan`` itself: its table of commands, what it loads, how it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import click
import pytest

from client.cli import program
from client.cli.exits import Mistake
from client.cli.program import COMMANDS, pesan
from client.errors import LoggedOut, Offline, Timeout
from protocol.errors import Conflict, NotFound
from tests.client.cli.shell import SERVER, Pretended, Shell


def every_command() -> Iterator[tuple[str, click.Command]]:
    """(words, command) of every command and subcommand of ours."""
    ctx = click.Context(pesan, info_name="pesan")
    for name in COMMANDS:
        command = pesan.get_command(ctx, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            for below, one in command.commands.items():
                yield f"{name} {below}", one


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_help_is_the_commands_own(name: str) -> None:
    command = dict(every_command())[name]
    assert command.get_short_help_str(100) == COMMANDS[name].help


def test_every_command_that_asks_a_server_has_the_shared_options() -> None:
    without = [
        (words, option)
        for words, command in every_command()
        if words not in ("completion", "gui", "web")  # a window is told by whoever sits at it
        for option in ("--json", "--server", "--profile", "--timeout")
        if option not in [opt for parameter in command.params for opt in parameter.opts]
    ]
    assert without == []


def test_no_option_takes_a_secret_as_its_value() -> None:
    valued = [
        (words, parameter.name)
        for words, command in every_command()
        for parameter in command.params
        if any(part in str(parameter.name) for part in ("password", "secret", "token"))
        and not (isinstance(parameter, click.Option) and parameter.is_flag)
    ]
    assert valued == []


def test_every_command_and_option_is_explained() -> None:
    silent = [
        (words, parameter.name)
        for words, command in every_command()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ] + [(words, "") for words, command in every_command() if not command.help]
    assert silent == []


def test_help_loads_no_command() -> None:
    script = """
import sys
from client.cli.program import run
assert run(["--help"]) == 0
from client.cli.program import COMMANDS
modules = {row.where.partition(":")[0] for row in COMMANDS.values()}
print(sorted(modules & set(sys.modules)), "client.chat" in sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[] False\n"


def test_a_word_of_ours_looks_for_no_entry_points() -> None:
    script = """
import sys
from client.cli.program import run
run(["whoami", "--help"])
print("importlib.metadata" in sys.modules, "prompt_toolkit" in sys.modules, "honcho" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False False False"


def test_help_tells_how_to_be_two_people_and_what_exit_codes_mean(shell: Shell) -> None:
    ended = shell.run("--help")
    assert ended.code == 0
    assert "--profile budi register budi" in ended.out
    assert "6 offline" in ended.out
    assert [name for name in COMMANDS if f"\n  {name} " not in ended.out] == []
    assert "\n  up " in ended.out


@pytest.fixture
def operators(monkeypatch: pytest.MonkeyPatch) -> dict[str, EntryPoint]:
    """Commands of other packages, to be filled by the test."""
    found: dict[str, EntryPoint] = {}
    monkeypatch.setattr(program, "_operators", lambda: found)
    return found


def entry(name: str, where: str) -> EntryPoint:
    """An entry point."""
    return EntryPoint(name, where, program.OPERATORS)


def test_an_operators_command_is_found_by_its_name(shell: Shell, operators: dict[str, EntryPoint]) -> None:
    operators["lift"] = entry("lift", "client.cli.completing:completion")
    assert "lift" in shell.run("--help").out
    assert shell.run("lift", "nonsense").code == 2
    assert "_PESAN_COMPLETE" in shell.run("lift", "zsh").out


def test_an_operators_command_cannot_take_a_word_of_ours(
    shell: Shell, operators: dict[str, EntryPoint]
) -> None:
    operators["send"] = entry("send", "nowhere:command")
    assert shell.run("send", "--help").code == 0
    assert shell.run("--help").out.count("\n  send ") == 1


def test_a_broken_operators_command_does_not_break_help(
    shell: Shell, operators: dict[str, EntryPoint]
) -> None:
    operators["lift"] = entry("lift", "nowhere:command")
    ended = shell.run("--help")
    assert ended.code == 0
    assert "cannot be loaded" in ended.out


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (NotFound("There is no group #ops."), 4, "There is no group #ops (pesan group list"),
        (Conflict("It is taken."), 1, "It is taken."),
        (Offline("gone"), 6, "cannot reach pesan://127.0.0.1:7700: is it running? (pesan up)"),
        (Timeout("No answer in time."), 5, "No answer in time."),
        (Mistake("so it is", 2), 2, "so it is"),
        (LoggedOut("The session has ended."), 3, "not logged in: pesan login NAME"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_whatever_goes_wrong_is_one_sentence_on_stderr(
    shell: Shell, error: BaseException, code: int, said: str
) -> None:
    class Chat(Pretended):
        async def online(self) -> list[str]:
            raise error

    shell.log_in()
    shell.pretend(Chat())
    ended = shell.run("online", "--json")
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert not said or (ended.err.startswith("pesan: ") and ended.err.count("\n") == 1)


def test_what_a_server_says_cannot_spoil_the_terminal(shell: Shell) -> None:
    class Chat(Pretended):
        async def online(self) -> list[str]:
            raise Conflict("\x1b[2Jno\nno")

    shell.log_in()
    shell.pretend(Chat())
    assert shell.run("online").err == "pesan: [2Jno no.\n"


def test_an_ended_session_is_forgotten(shell: Shell) -> None:
    class Chat(Pretended):
        async def online(self) -> list[str]:
            raise LoggedOut("The session has ended.")

    shell.log_in()
    shell.pretend(Chat())
    assert "that session has ended" in shell.run("online").err
    assert shell.run("online").err == "pesan: not logged in: pesan login NAME\n"


def test_a_session_opened_meanwhile_is_not_forgotten(shell: Shell) -> None:
    class Chat(Pretended):
        async def online(self) -> list[str]:
            from client.cli import profiles

            profiles.save_login("default", profiles.Login(SERVER, "ani", b"\1" * 16, 8))
            raise LoggedOut("The session has ended.")

    shell.log_in()
    shell.pretend(Chat())
    assert shell.run("online").code == 3
    assert (shell.folder / "state" / "pesan" / "default.json").exists()


def test_options_may_stand_before_the_command_or_behind_it(shell: Shell) -> None:
    class Chat(Pretended):
        async def online(self) -> list[str]:
            return ["ani"]

    shell.log_in(profile="satu")
    shell.pretend(Chat())
    assert shell.run("--json", "--profile", "satu", "online").out == '{"user":"ani"}\n'
    assert shell.run("online", "--json", "--profile", "satu").out == '{"user":"ani"}\n'
    shell.set(PESAN_PROFILE="satu")
    assert shell.run("online").out == "ani\n"
    shell.set(PESAN_SERVER=SERVER)
    ended = shell.run("--profile", "dua", "online")
    new = "or for a new user pesan --profile dua register NAME"
    assert (ended.code, ended.err) == (3, f"pesan: not logged in: pesan --profile dua login NAME, {new}\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["send"], "'#ops'"),
        (["history"], "'#ops'"),
        (["group", "join"], "'#ops'"),
        (["send", "budi", "-x"], "Put --"),
        (["nonsense"], "nonsense"),
        (["--timeout", "0", "online"], "--timeout"),
        (["--profile", "../x", "online"], "profile"),
        (["completion", "tcsh"], "tcsh"),
        (["sessions", "revoke", "x"], "'x'"),
        (["history", "budi", "-n", "0"], "-n"),
        (["send", "budi", "--id", "xyz", "hi"], "--id"),
        (["send", "budi", "--id", "0" * 32, "-"], "--id"),
        (["--server", "nonsense", "online"], "--server"),
    ],
)
def test_a_word_that_makes_no_sense_ends_with_2(shell: Shell, words: list[str], said: str) -> None:
    shell.log_in()
    ended = shell.run(*words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_completion_script_calls_us_back(shell: Shell, name: str) -> None:
    ended = shell.run("completion", name)
    assert ended.code == 0
    assert f"_PESAN_COMPLETE={name}_complete" in ended.out
