"""Other people: online, user."""

from __future__ import annotations

import click

from client.cli import output
from client.cli.context import Context, shared
from client.cli.names import PERSON


@click.command()
@shared
def online(context: Context) -> None:
    """Print the name of everyone online, one a line."""
    for name in context.run(lambda chat: chat.online()):
        context.show({"user": name}, output.one_line(name))


@click.command()
@click.argument("name", type=PERSON)
@shared
def user(context: Context, name: str) -> None:
    """Print whether somebody is online, and when they last were. Also of another realm: budi@b."""
    found = context.run(lambda chat: chat.get_user(name))
    seen = f"last seen {output.local_time(found.last_seen)}" if found.last_seen else "never seen"
    state = "online" if found.online else f"offline, {seen}"
    context.show(output.fields(found), f"{output.one_line(found.user)} {state}")
