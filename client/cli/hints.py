"""What someone who typed a wrong word may have meant: a near word, an example, a rule of the shell.

Belongs here: lines behind click's own message about the arguments. What the server refuses is ``exits``'.
"""

from __future__ import annotations

import re
import shlex
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import click

EXAMPLES: Final = {
    "register": "pesan register ani",
    "send": 'pesan send budi "see you at noon"',
    "history": "pesan history budi -n 50",
    "file send": "pesan file send budi report.pdf",
    "file get": "pesan file get 17",
    "file mv": "pesan file mv /draft.txt /docs/final.txt",
    "file rm": "pesan file rm /docs/old.txt",
    "file mkdir": "pesan file mkdir /docs",
    "group create": "pesan group create ops",
    "group join": "pesan group join ops",
    "group leave": "pesan group leave ops",
    "group members": "pesan group members ops",
    "group remove": "pesan group remove ops budi",
    "sessions revoke": "pesan sessions revoke 7",
    "completion": "pesan completion bash",
    "user": "pesan user budi",
}
"""One for each command that cannot do without arguments; a test compares."""
ELSEWHERE: Final = {
    "join": "group join",
    "leave": "group leave",
    "create": "group create",
    "members": "group members",
    "groups": "group list",
    "upload": "file send",
    "download": "file get",
    "get": "file get",
    "ls": "file ls",
    "files": "file ls",
    "file put": "file send",
    "file upload": "file send",
    "file list": "file ls",
    "file download": "file get",
    "file save": "file get",
    "file move": "file mv",
    "file rename": "file mv",
    "file delete": "file rm",
    "file remove": "file rm",
    "file quota": "file usage",
    "revoke": "sessions revoke",
    "who": "online",
    "messages": "history",
    "help": "--help",
}
"""Words that people try in place of those that there are."""


def of(error: click.ClickException) -> list[str]:
    """Lines to show below the error; none where it says it all."""
    if isinstance(error, click.MissingParameter):
        return [*_example(error), *_quotes(error), *_file(error)]
    if isinstance(error, click.NoSuchOption):
        dash = "Put -- before a text that begins with a dash."
        return [dash] if _words(error.ctx) in ("send", "broadcast") else []
    if isinstance(error, click.UsageError):
        return _near(error)
    return []


def _words(ctx: click.Context | None) -> str:
    """The command as it is typed, without ``pesan``."""
    return ctx.command_path.partition(" ")[2] if ctx is not None else ""


def _example(error: click.MissingParameter) -> list[str]:
    words = _words(error.ctx)
    return [f"For example: {EXAMPLES[words]}"] if words in EXAMPLES else []


def _quotes(error: click.MissingParameter) -> list[str]:
    from client.cli.names import Named

    if error.param is not None and isinstance(error.param.type, Named) and error.param.type.groups:
        return ["A group's name needs quotes, for the shell takes # for a comment: '#ops'."]
    return []


def _file(error: click.MissingParameter) -> list[str]:
    """To whoever names somebody and no file, or a file and nobody."""
    if _words(error.ctx) != "file send" or error.ctx is None or "to" not in error.ctx.params:
        return []
    to = str(error.ctx.params["to"])
    if Path(to).is_file():
        return [f"Who gets it stands first: pesan file send budi {shlex.quote(to)}"]
    return ["What comes from stdin is sent with - in place of a path."]


def _near(error: click.UsageError) -> list[str]:
    """The command that is written almost like this, unless click has said so."""
    found = re.match(r"No such command '([^']*)'\.?$", error.message)
    if found is None or error.ctx is None or not isinstance(error.ctx.command, click.Group):
        return []
    if getattr(error, "possibilities", None):
        return []  # newer versions of click look among the commands of a group themselves
    typed = f"{_words(error.ctx)} {found.group(1)}".strip()
    if typed in ELSEWHERE:
        return [f"Did you mean pesan {ELSEWHERE[typed]}?"]
    near = get_close_matches(found.group(1).lower(), error.ctx.command.list_commands(error.ctx), 1)
    return [f"Did you mean {near[0]}?"] if near else []
