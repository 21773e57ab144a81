"""``pesan chat``: the interactive client.

    words     what a typed line means            room      what is known, and what to show
    lines     how it looks                       desk      does it, between the server and a front
    front     where lines are shown              outgoing  messages on their way
    transfers files on their way                 errands   each of them
    journeys  messages on their way to other realms
    terminal  a front on a terminal, with completion and keeping
    plain     a front on pipes

Only the command itself is here; the rest is loaded when it runs, prompt_toolkit when there is a terminal.
"""

from __future__ import annotations

import os
import sys

import click

from client.cli.context import Context, interactive, shared
from client.cli.names import ADDRESS


@click.command(short_help="Chat interactively.")
@click.argument("with_", metavar="[WITH]", required=False, default="", type=ADDRESS)
@shared
def command(context: Context, with_: str) -> int:
    """Chat with a person (budi), a group ('#ops', in quotes) or everyone ('*'); /help lists the commands.

    Where stdin or stdout is not a terminal, lines are read and plain lines printed (with --json, an
    object each), until stdin ends and everything was sent.
    """
    from client.cli.chat.room import Room
    from client.cli.files.memory import Memory
    from protocol import addresses

    memory = Memory.of(context)
    address = str(addresses.parse(with_)) if with_ else ""
    if context.json or not _screen():
        from client.cli.chat.plain import Plain

        return context.run(lambda chat: Plain(Room(), context.json, memory=memory).run(chat, address))
    from client.cli.chat.terminal import Terminal

    return context.run(lambda chat: Terminal(Room(), context.profile_name, memory=memory).run(chat, address))


def _screen() -> bool:
    """Whether there is a terminal on both sides that can do more than print."""
    return interactive() and sys.stdout.isatty() and os.environ.get("TERM") not in ("dumb", "", None)
