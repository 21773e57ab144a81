"""Groups: create, join, leave, members, list, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from client.cli import output, passwords
from client.cli.context import Context, interactive, options, shared
from client.cli.names import GROUP, PERSON
from protocol import addresses
from protocol.commands import GroupInfo, GroupReply
from protocol.errors import InvalidCredentials

if TYPE_CHECKING:
    from client.chat import Chat

VARIABLE = "PESAN_GROUP_PASSWORD"


@click.group(short_help="Groups: create, join, leave, members, list, remove.")
@options
def command() -> None:
    """Groups. NAME is written with or without its mark: ops, or in quotes '#ops'; of another realm team@b."""


@command.command()
@click.argument("name", type=GROUP)
@click.option("--password", is_flag=True, help="Ask for a password that members must know to join.")
@passwords.from_stdin
@shared
def create(context: Context, name: str, password: bool, password_stdin: bool) -> None:
    """Create a group, and be its first member.

    PESAN_GROUP_PASSWORD gives it a password as well.
    """
    secret = _password(name, asked=password, stdin=password_stdin, twice=True)
    reply = context.run(lambda chat: chat.create_group(name, secret))
    _show_entered(context, name, reply)


@command.command()
@click.argument("name", type=GROUP)
@passwords.from_stdin
@shared
def join(context: Context, name: str, password_stdin: bool) -> None:
    """Become a member. A password is asked for where one is needed, or read from PESAN_GROUP_PASSWORD."""
    secret = _password(name, asked=False, stdin=password_stdin)
    try:
        reply = context.run(lambda chat: chat.join_group(name, secret))
    except InvalidCredentials:
        if secret or not interactive():
            raise
        asked = _password(name, asked=True, stdin=False)
        reply = context.run(lambda chat: chat.join_group(name, asked))
    _show_entered(context, name, reply)


@command.command()
@click.argument("name", type=GROUP)
@shared
def leave(context: Context, name: str) -> None:
    """Leave. The last member to leave deletes the group and its messages."""
    context.run(lambda chat: chat.leave_group(name))
    context.show({"group": _marked(name), "left": True}, None)


@command.command()
@click.argument("name", type=GROUP)
@shared
def members(context: Context, name: str) -> None:
    """Print the members, longest-standing first."""
    found = context.run(lambda chat: chat.group_members(name))
    if context.json:
        for member in found:
            output.out(output.json_line(output.fields(member, group=_marked(name))))
        return
    output.table((output.one_line(one.user), "creator" * one.creator, "online" * one.online) for one in found)


@command.command(name="list")
@shared
def list_(context: Context) -> None:
    """Print every group here, and those of other realms that we are in."""

    async def work(chat: Chat) -> tuple[list[GroupInfo], list[str]]:
        rows = await chat.conversations()
        return await chat.groups(), [row.name for row in rows if row.name[:1] == "#" and "@" in row.name]

    found, elsewhere = context.run(work)
    if context.json:
        for group in found:
            output.out(output.json_line({**output.fields(group), "group": _marked(group.group)}))
        for name in elsewhere:
            output.out(output.json_line({"group": name, "member": True}))
        return
    here = [
        (
            output.one_line(_marked(group.group)),
            f"{group.members} member" + "s" * (group.members != 1),
            "joined" * group.member,
            "password" * group.password,
        )
        for group in found
    ]
    output.table([*here, *((output.one_line(name), "", "joined", "") for name in elsewhere)])


@command.command()
@click.argument("name", type=GROUP)
@click.argument("user", type=PERSON)
@shared
def remove(context: Context, name: str, user: str) -> None:
    """Remove a member. Only the group's creator may."""
    context.run(lambda chat: chat.remove_member(name, user))
    context.show({"group": _marked(name), "user": user, "removed": True}, None)


def _password(name: str, *, asked: bool, stdin: bool, twice: bool = False) -> str:
    """The group's password; '' for none."""
    if stdin:
        return passwords.line_of_stdin()
    secret = passwords.from_environment(VARIABLE)
    if asked and not secret:
        otherwise = f"--password-stdin or {VARIABLE}"
        secret = passwords.ask(f"Password of {_marked(name)}", twice=twice, otherwise=otherwise)
    return secret


def _show_entered(context: Context, name: str, reply: GroupReply) -> None:
    context.show(output.fields(reply, group=_marked(name)), None)


def _marked(name: str) -> str:
    return str(addresses.parse(f"#{name.removeprefix('#')}"))
