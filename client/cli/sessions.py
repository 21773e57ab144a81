"""Logged-in devices: sessions, sessions revoke."""

from __future__ import annotations

import click

from client.cli import output
from client.cli.context import Context, shared
from client.cli.numbers import SESSION


@click.group(
    invoke_without_command=True, short_help="List our logged-in devices; sessions revoke N ends one."
)
@click.pass_context
@shared
def command(context: Context, ctx: click.Context) -> None:
    """List our logged-in devices, newest first."""
    if ctx.invoked_subcommand is not None:
        return
    found = context.run(lambda chat: chat.sessions())
    if context.json:
        for session in found:
            output.out(output.json_line(output.fields(session)))
        return
    output.table(
        (
            str(session.session),
            output.one_line(session.device) or "-",
            f"since {output.local_time(session.created_at)}",
            f"seen {output.local_time(session.seen_at)}",
            "this one" * session.current,
        )
        for session in found
    )


@command.command()
@click.argument("number", type=SESSION)
@shared
def revoke(context: Context, number: int) -> None:
    """End one of our sessions, at once."""
    context.run(lambda chat: chat.revoke(number))
    if number == context.login.session:
        context.forget()
    context.show({"session": number, "revoked": True}, None)
