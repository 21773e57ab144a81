"""Becoming somebody: register, login, logout, whoami, password."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING

import click

from client.cli import output, passwords
from client.cli.context import Context, shared
from client.cli.exits import USAGE, Mistake
from protocol.addresses import checked_name
from protocol.errors import Failure
from protocol.limits import DEVICE_MAX_LENGTH

if TYPE_CHECKING:
    from client.chat import Chat

TWO_PEOPLE = """\b
Two people on one machine have a profile each:
  pesan --profile ani  register ani
  pesan --profile budi register budi"""


@click.command(help=f"Create a user, and log in.\n\n{TWO_PEOPLE}")
@click.argument("name")
@passwords.from_stdin
@shared
def register(context: Context, name: str, password_stdin: bool) -> None:
    """Create a user and remember the session."""
    checked_name(name)
    _refuse_to_replace(context, name)
    least = partial(_least, context)
    password = passwords.password(f"New password for {name}", stdin=password_stdin, twice=True, least=least)

    async def work(chat: Chat) -> None:
        user = await chat.register(name, password)
        await _log_in(context, chat, user, password)

    context.run(work, anonymous=True)
    _say_who(context, "registered, and logged in,")


@click.command(help=f"Log in, and remember the session in the profile.\n\n{TWO_PEOPLE}")
@click.argument("name", required=False)
@passwords.from_stdin
@shared
def login(context: Context, name: str | None, password_stdin: bool) -> None:
    """Open a session and remember it; without NAME as the profile's user, or the last one."""
    if name is None:
        name = context.profile.user or (context.remembered.user if context.remembered else "")
    if not name:
        raise Mistake(f"who? {context.command('login NAME')}", USAGE)
    checked_name(name)
    _refuse_to_replace(context, name)
    password = passwords.password(f"Password for {name}", stdin=password_stdin)
    replaced = context.login_if_any
    context.run(lambda chat: _log_in(context, chat, name, password), anonymous=True)
    if replaced is not None:
        _end(context, replaced.token)
    _say_who(context, "logged in")


def _refuse_to_replace(context: Context, name: str) -> None:
    """Another person's session is not thrown away by mistake."""
    login = context.login_if_any
    if login is not None and login.user.lower() != name.lower():
        raise Mistake(
            f"this profile is logged in as {login.user}: {context.command('logout')}, "
            f"or be {name} as well: pesan --profile {name} …"
        )


def _least(context: Context) -> int:
    """How many characters a password needs at this server."""
    hello = context.run(lambda chat: chat.hello(), anonymous=True)
    return hello.limits.get("password_min_length", 1)


async def _log_in(context: Context, chat: Chat, name: str, password: str) -> None:
    device = "".join(character for character in socket.gethostname() if character.isprintable())
    await chat.login(name, password, device[:DEVICE_MAX_LENGTH])
    context.remember(chat)


def _end(context: Context, token: bytes) -> None:
    """End the session that a new login took the place of; whether that works matters little."""
    import asyncio
    from contextlib import suppress

    from client.errors import ClientError

    async def work() -> None:
        async with context.chat(anonymous=True, token=token) as chat:
            await chat.logout()

    with suppress(Failure, ClientError):
        asyncio.run(work())


def _say_who(context: Context, what: str) -> None:
    login = context.login
    record = {"user": login.user, "session": login.session, "profile": context.profile_name}
    if context.json:
        context.show(record, None)
    else:
        output.note(f"{what} as {login.user}")


@click.command()
@shared
def logout(context: Context) -> None:
    """End this session, and forget it."""
    login = context.login
    context.run(lambda chat: chat.logout())
    context.forget()
    context.show({"user": login.user, "session": login.session, "profile": context.profile_name}, None)


@click.command()
@shared
def whoami(context: Context) -> None:
    """Print the name we are logged in with."""
    reply = context.run(lambda chat: chat.whoami())
    record = output.fields(reply, profile=context.profile_name, server=context.server)
    context.show(record, output.one_line(reply.user))


@click.command()
@click.option(
    "--password-stdin", is_flag=True, help="Read the old and the new password from stdin, a line each."
)
@shared
def password(context: Context, password_stdin: bool) -> None:
    """Set a new password; every other session of ours ends.

    Without a terminal: --password-stdin, or PESAN_PASSWORD (the old one) and PESAN_NEW_PASSWORD.
    """
    user = context.user
    old = passwords.password(f"Old password of {user}", stdin=password_stdin)
    new = passwords.password(
        f"New password for {user}",
        stdin=password_stdin,
        variable="PESAN_NEW_PASSWORD",
        twice=True,
        least=partial(_least, context),
    )
    context.run(lambda chat: chat.change_password(old, new))
    context.show({"user": user, "changed": True}, None)
