"""What someone who typed a wrong word may have meant: a near word, an example, a rule of the shell.

Belongs here: lines behind click's own message about the arguments. What the server refuses is ``exits``'.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

import click

EXAMPLES: Final = {
    "register": "pesan register ani",
    "send": 'pesan send budi "see you at noon"',
    "history": "pesan history budi -n 50",
    "group create": "pesan group create ops",
    "group join": "pesan group join ops",
    "group leave": "pesan group leave ops",
    "group members": "pesan group members ops",
    "group remove": "pesan group remove ops budi",
    "sessions revoke": "pesan sessions revoke 7",
    "completion": "pesan completion bash",
}
"""One for each command that cannot do without arguments; a test compares."""
ELSEWHERE: Final = {
    "join": "group join",
    "leave": "group leave",
    "create": "group create",
    "members": "group members",
    "groups": "group list",
    "revoke": "sessions revoke",
    "who": "online",
    "messages": "history",
    "help": "--help",
}
"""Words that people try in place of those that there are."""


def of(error: click.ClickException) -> list[str]:
    """Lines to show below the error; none where it says it all."""
    if isinstance(error, click.MissingParameter):
        return [*_example(error), *_quotes(error)]
    if isinstance(error, click.NoSuchOption):
        command = error.ctx.info_name if error.ctx is not None else ""
        dash = "Put -- before a text that begins with a dash."
        return [dash] if command in ("send", "broadcast") else []
    if isinstance(error, click.UsageError):
        return _near(error)
    return []


def _example(error: click.MissingParameter) -> list[str]:
    if error.ctx is None:
        return []
    words = error.ctx.command_path.partition(" ")[2]
    return [f"For example: {EXAMPLES[words]}"] if words in EXAMPLES else []


def _quotes(error: click.MissingParameter) -> list[str]:
    from client.cli.names import Named

    if error.param is not None and isinstance(error.param.type, Named) and error.param.type.groups:
        return ["A group's name needs quotes, for the shell takes # for a comment: '#ops'."]
    return []


def _near(error: click.UsageError) -> list[str]:
    """The command that is written almost like this, unless click has said so."""
    found = re.match(r"No such command '([^']*)'\.?$", error.message)
    if found is None or error.ctx is None or not isinstance(error.ctx.command, click.Group):
        return []
    if getattr(error, "possibilities", None):
        return []  # newer versions of click look among the commands of a group themselves
    if error.ctx.parent is None and found.group(1) in ELSEWHERE:
        return [f"Did you mean pesan {ELSEWHERE[found.group(1)]}?"]
    near = get_close_matches(found.group(1).lower(), error.ctx.command.list_commands(error.ctx), 1)
    return [f"Did you mean {near[0]}?"] if near else []
