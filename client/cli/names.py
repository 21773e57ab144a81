"""People and groups as arguments: their type, and how a shell completes them.

Belongs here: what a word on the command line names. The server judges whether it exists.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

from client.cli.context import Context
from protocol.message_id import message_id

if TYPE_CHECKING:
    from client.chat import Chat

    _Type = click.ParamType[str]
else:
    _Type = click.ParamType  # not generic in older versions of click

PATIENCE: Final = 1.0
"""Seconds that a completion may take before it gives up in silence."""


class Named(_Type):
    """A person, a group, or both (``budi``, ``#ops``); completion asks the server."""

    name = "name"

    def __init__(self, people: bool = True, groups: bool = True, marked: bool = True) -> None:
        self.people = people
        self.groups = groups
        self.marked = marked
        """Whether a group is written with its ``#``."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names that begin like this; none when the server cannot say."""
        context = ctx.ensure_object(Context)
        context.timeout_named = PATIENCE
        try:
            names = context.run(self._names)
        except Exception:  # nothing may ever be printed into a line that is being typed
            return []
        wanted = incomplete.lower()
        return [CompletionItem(_typed(name)) for name in names if name.lower().startswith(wanted)]

    async def _names(self, chat: Chat) -> list[str]:
        names = []
        if self.people:
            names += [user.user for user in await chat.users()]
        if self.groups:
            mark = "#" if self.marked else ""
            names += [f"{mark}{group.group}" for group in await chat.groups()]
        return names + [name for name in await self._foreign(chat) if name not in names]

    async def _foreign(self, chat: Chat) -> list[str]:
        """People and groups of other realms with whom we have talked: no list has the others."""
        names = [row.name for row in await chat.conversations() if "@" in row.name]
        people = [name for name in names if not name.startswith("#")] if self.people else []
        groups = [name for name in names if name.startswith("#")] if self.groups else []
        return people + [name if self.marked else name[1:] for name in groups]


def _typed(name: str) -> str:
    """In bash an unquoted # would begin a comment; other shells quote completions themselves."""
    if not name.startswith("#") or os.environ.get("_PESAN_COMPLETE") != "bash_complete":
        return name
    word = os.environ.get("COMP_WORDS", "").rpartition("\n")[2]
    return name if word[:1] in ("'", '"') else f"\\{name}"


def new_id() -> bytes:
    """A fresh id for a message."""
    return message_id(time.time_ns() // 1_000_000)


ADDRESS: Final = Named()
PERSON: Final = Named(groups=False)
GROUP: Final = Named(people=False, marked=False)
