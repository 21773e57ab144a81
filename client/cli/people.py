"""Other people: online."""

from __future__ import annotations

import click

from client.cli import output
from client.cli.context import Context, shared


@click.command()
@shared
def online(context: Context) -> None:
    """Print the name of everyone online, one a line."""
    for name in context.run(lambda chat: chat.online()):
        context.show({"user": name}, output.one_line(name))
