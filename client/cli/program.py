"""The command ``pesan`` itself: which words there are, and how a run of it ends.

Belongs here: the table of commands, loaded on first use, and turning whatever was raised into an exit
code and a sentence on stderr. Commands of the server's operator (``pesan up``) come from other
packages by the entry point group ``pesan.commands``, so nothing here imports them.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from client.cli import exits, output
from client.cli.context import Context, options
from client.cli.exits import INTERRUPTED, OTHER, Mistake
from client.errors import ClientError, LoggedOut
from protocol.errors import Failure

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

OPERATORS: Final = "pesan.commands"


class Row(NamedTuple):
    """Where a command is, and its line in ``pesan --help``."""

    where: str
    help: str


COMMANDS: Final[dict[str, Row]] = {
    "register": Row("client.cli.accounts:register", "Create a user, and log in."),
    "login": Row("client.cli.accounts:login", "Log in, and remember the session in the profile."),
    "logout": Row("client.cli.accounts:logout", "End this session, and forget it."),
    "whoami": Row("client.cli.accounts:whoami", "Print the name we are logged in with."),
    "chat": Row("client.cli.chat:command", "Chat interactively."),
    "send": Row("client.cli.sending:send", "Send a message."),
    "broadcast": Row("client.cli.sending:broadcast", "Send a message to everyone."),
    "inbox": Row("client.cli.reading:inbox", "Show what is unread, and leave it so."),
    "read": Row("client.cli.reading:read", "Show what is unread, and mark it as read."),
    "unread": Row("client.cli.reading:unread", "Count what is unread."),
    "history": Row("client.cli.reading:history", "Show a conversation."),
    "tail": Row("client.cli.tailing:tail", "Print new messages as they come, until Ctrl-C."),
    "online": Row("client.cli.people:online", "Print the name of everyone online, one a line."),
    "user": Row("client.cli.people:user", "Print whether somebody is online, and when they last were."),
    "realms": Row("client.cli.realms:realms", "Print the other realms that can be written to."),
    "file": Row("client.cli.files:command", "Files: send, get, ls, mv, rm, mkdir, usage, uploads, cancel."),
    "group": Row("client.cli.groups:command", "Groups: create, join, leave, members, list, remove."),
    "verify": Row("client.cli.verifying:verify", "Prove that no message is missing."),
    "sessions": Row("client.cli.sessions:command", "List our logged-in devices; sessions revoke N ends one."),
    "password": Row("client.cli.accounts:password", "Set a new password; every other session of ours ends."),
    "gui": Row("client.gui.program:gui", "Open the window on the desktop."),
    "web": Row("client.gui.program:web", "Serve the window to browsers, until Ctrl-C."),
    "completion": Row(
        "client.cli.completing:completion", "Print the script that lets a shell complete our commands."
    ),
}
"""Every command of a client, in the order of ``--help``."""


class Lazy(click.Group):
    """A group whose commands are imported when their word is typed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Ours, then the operators'."""
        return [*COMMANDS, *sorted(_operators().keys() - COMMANDS.keys())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, loaded; None when there is no such word."""
        row = COMMANDS.get(cmd_name)
        if row is not None:
            module, _, attribute = row.where.partition(":")
            return _command(getattr(import_module(module), attribute))
        found = _operators().get(cmd_name)
        return _command(found.load()) if found else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in ``--help``, from the table: nothing is loaded but what operators added."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in COMMANDS.items()])
        others = sorted(_operators().items())
        operators = [(name, _help_of(found)) for name, found in others if name not in COMMANDS]
        if operators:
            with formatter.section("For whoever runs a server"):
                formatter.write_dl(operators)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Words for the first argument, without loading any command."""
        from click.shell_completion import CompletionItem

        words = [CompletionItem(name, help=row.help) for name, row in COMMANDS.items()]
        words += [CompletionItem(name) for name in sorted(_operators())]
        return [word for word in words if word.value.startswith(incomplete)] + click.Command.shell_complete(
            self, ctx, incomplete
        )


def _operators() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # takes longer than all the rest of this module

    return {found.name: found for found in entry_points(group=OPERATORS)}


def _help_of(found: EntryPoint) -> str:
    """One that does not load is listed all the same."""
    try:
        return _command(found.load()).get_short_help_str(80)
    except Exception as error:
        return f"(cannot be loaded: {error})"


def _command(found: Any) -> click.Command:
    assert isinstance(found, click.Command), found
    return found


EPILOG: Final = """\b
Two people on one machine:
  pesan --profile ani register ani      pesan --profile budi register budi
  pesan --profile ani send budi hello   pesan --profile budi inbox

\b
The server is found by --server, PESAN_SERVER (a connection string), the
profile ($XDG_CONFIG_HOME/pesan/config.toml), or this machine's data folder.
Passwords come from a prompt, --password-stdin or PESAN_PASSWORD.
Exit codes: 0 ok, 2 usage, 3 not logged in or not allowed, 4 not found,
5 timeout, 6 offline, 1 anything else.
"""


@click.group(cls=Lazy, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pesan", message="%(prog)s %(version)s")
@options
@click.pass_context
def pesan(ctx: click.Context) -> None:
    """Chat from the shell."""
    ctx.ensure_object(Context)


def run(arguments: list[str] | None = None) -> int:
    """Run ``pesan`` with these arguments (default: the process's own); the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    context = Context()
    try:
        code = pesan.main(args=arguments, prog_name="pesan", standalone_mode=False, obj=context)
        sys.stdout.flush()
        return code if isinstance(code, int) else exits.OK
    except click.ClickException as error:
        from client.cli import hints

        error.show()
        for hint in hints.of(error):
            output.note(hint)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return _nobody_reads()
    except (Mistake, Failure, ClientError) as error:
        return _failed(context, error)


def _failed(context: Context, error: Exception) -> int:
    sentence, code = context.explain(error)
    if isinstance(error, LoggedOut):
        context.forget_ended()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _nobody_reads()
    output.note(f"pesan: {output.one_line(sentence)}")
    return code


def _nobody_reads() -> int:
    """Whoever read our output has had enough: end without a word, now and at the interpreter's exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OTHER
