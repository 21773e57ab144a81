"""What is there: ls, usage; and order in one's own space: mv, rm, mkdir."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from client.cli import output
from client.cli.context import Context, shared
from client.cli.exits import NOT_FOUND, USAGE, Mistake
from client.cli.files.arguments import (
    FOLDER,
    IN_SPACE,
    ROOT,
    TARGET,
    Wanted,
    address,
    is_path,
    path,
    shown_path,
    wanted,
)
from client.cli.files.remote import into, is_folder, nobody
from client.cli.files.several import Several
from protocol.errors import Conflict, NotFound
from protocol.files import StoredFile

if TYPE_CHECKING:
    from client.chat import Chat


@click.command(short_help="List a folder of your own space, or the files of a conversation.")
@click.argument("where", metavar="[WHERE]", default=ROOT, type=TARGET)
@shared
def ls(context: Context, where: str) -> None:
    """List a folder of your own space (/, /docs), or the files of a conversation (budi, '#ops', '*').

    Number, size, time, sender (in a conversation) and name; a folder's name ends with a slash. Sizes are
    rounded on a terminal, and bytes elsewhere.
    """
    if not is_path(where):
        whose = address(where)
        context.run(lambda chat: _list_conversation(context, chat, whose))
        return
    stored = path(where)
    context.run(lambda chat: _list_folder(context, chat, stored))


async def _list_conversation(context: Context, chat: Chat, whose: str) -> None:
    try:
        files = [one async for one in chat.files.list(conversation=whose) if isinstance(one, StoredFile)]
    except NotFound as error:
        raise (nobody(error, whose) or error) from None
    if context.json:
        for one in files:
            output.out(output.json_line(output.fields(one, **{"with": whose})))
        return
    output.table((*_columns(one), output.one_line(one.owner), output.one_line(one.name)) for one in files)


async def _list_folder(context: Context, chat: Chat, stored: str) -> None:
    try:
        entries = [one async for one in chat.files.list(stored)]
    except NotFound:
        if not stored:
            raise
        entries = [await chat.files.stat(stored)]  # it may be one file
    if context.json:
        for one in entries:
            if isinstance(one, StoredFile):
                output.out(output.json_line(output.fields(one) | {"path": shown_path(one.path)}))
            else:
                output.out(output.json_line({"folder": one.name, "path": shown_path(one.path)}))
        return
    output.table(
        (*_columns(one), output.one_line(one.name))
        if isinstance(one, StoredFile)
        else ("-", "-", "-", f"{output.one_line(one.name)}/")
        for one in entries
    )


def _columns(file: StoredFile) -> tuple[str, str, str]:
    size = output.size(file.size) if sys.stdout.isatty() else str(file.size)
    return str(file.file), size, output.local_time(file.created_at)


# --- order ----------------------------------------------------------------------------------------


@click.command(short_help="Move or rename in your own space.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=IN_SPACE)
@click.argument("to", type=IN_SPACE)
@click.option("--force", is_flag=True, help="A file that is there gives way.")
@shared
def mv(context: Context, paths: tuple[str, ...], to: str, force: bool) -> None:
    """Give files or folders in your own space another path; into the folder TO if there is one.

    \b
    pesan file mv /draft.txt /final.txt
    pesan file mv /a.log /b.log /logs
    """
    sources = [_below_the_top(one) for one in paths]
    target = path(to)

    async def work(chat: Chat) -> None:
        names = [one.rpartition(ROOT)[2] for one in sources]
        for old, new in zip(sources, await into(chat, to, target, names), strict=True):
            try:
                await chat.files.move(old, new, replace=force)
            except Conflict as error:
                raise (await _way_out(chat, error, old, force)) from None
            context.show({"path": shown_path(old), "to": shown_path(new), "moved": True}, None)

    context.run(work)


async def _way_out(chat: Chat, error: Conflict, old: str, force: bool) -> Conflict:
    """What is in the way gives way only where both are files."""
    if force or "already a file" not in error.message or await is_folder(chat, old):
        return error
    return Conflict(f"{error.message.rstrip('.')} (--force replaces it).")


@click.command(short_help="Delete files of yours.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=IN_SPACE)
@click.option("-r", "--recursive", is_flag=True, help="Folders, too, with all that is in them.")
@shared
def rm(context: Context, files: tuple[str, ...], recursive: bool) -> None:
    """Delete files of yours, for good: by path in your own space, with its slash in front, or by number.

    \b
    pesan file rm /docs/old.txt
    pesan file rm 17

    Of a file that was sent to a conversation the message stays, and says that its file was deleted. An empty
    folder needs no -r. What cannot be deleted is named, and the others are deleted all the same.
    """
    found = wanted(files)

    async def work(chat: Chat) -> None:
        several = Several(len(found), "deleted")
        for one in found:
            with several.one(partial(_not_deleted, context, one, len(found) > 1, recursive)):
                await chat.files.delete(one.target, recursive=recursive)
                record = {"file": one.file} if one.file else {"path": shown_path(one.path)}
                context.show({**record, "deleted": True}, None)
                several.well()
        several.end()

    context.run(work)


def _not_deleted(
    context: Context, one: Wanted, named: bool, recursive: bool, error: Exception
) -> tuple[str, int]:
    """(sentence, exit code): which one, where there are several, and why."""
    sentence, code = context.explain(error)
    if isinstance(error, Conflict) and one.path and not recursive:
        sentence = f"{sentence.rstrip('.')} (-r deletes a folder with all in it)."
    if named and not isinstance(error, NotFound):  # there the sentence names it
        sentence = f"{output.one_line(one.shown)}: {sentence}"
    return sentence, code


@click.command(short_help="Make folders in your own space.")
@click.argument("folders", metavar="PATH...", nargs=-1, required=True, type=FOLDER)
@click.option("-p", "--parents", is_flag=True, help="Those above it, too; no error if it exists.")
@shared
def mkdir(context: Context, folders: tuple[str, ...], parents: bool) -> None:
    """Make folders in your own space."""
    found = [_below_the_top(one) for one in folders]

    async def work(chat: Chat) -> None:
        for one in found:
            try:
                await chat.files.mkdir(one, parents=parents)
            except NotFound as error:
                said = f"{error.message.rstrip('.')} (-p makes the folders above it, too)."
                raise Mistake(said, NOT_FOUND) from None
            context.show({"folder": one.rpartition(ROOT)[2], "path": shown_path(one), "made": True}, None)

    context.run(work)


def _below_the_top(word: str) -> str:
    stored = path(word)
    if not stored:
        raise Mistake("/ is the topmost folder: name something in it.", USAGE)
    return stored


@click.command(short_help="Print what your files take of your quota.")
@shared
def usage(context: Context) -> None:
    """Print how many files and folders are yours, and what they and unfinished uploads take of your quota."""
    found = context.run(lambda chat: chat.files.usage())
    count = "1 file or folder" if found.files == 1 else f"{found.files} files and folders"
    line = f"{count}, {output.size(found.bytes)} of {output.size(found.quota)}"
    context.show(output.fields(found), line)
