"""Uploads that did not end: uploads, cancel. Going on with one is ``send``'s, by repeating it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from client.cli import output
from client.cli.context import Context, shared
from client.cli.exits import NOT_FOUND, USAGE, Mistake
from client.cli.files.arguments import UPLOAD, shown_path
from protocol.files import UploadInfo

if TYPE_CHECKING:
    from client.chat import Chat


@click.command(short_help="List your uploads that are not finished.")
@shared
def uploads(context: Context) -> None:
    """List your uploads that are not finished, oldest first: id, how far, name, where to, how long kept.

    The command that began one goes on with it; pesan file cancel gives it up. They count as yours at their
    whole size.
    """
    found = context.run(lambda chat: chat.files.uploads())
    if context.json:
        for one in found:
            output.out(output.json_line(output.fields(one)))
        return
    output.table(
        (
            one.upload.hex(),
            f"{output.size(one.held)} of {output.size(one.size)}",
            output.one_line(one.name),
            f"to {output.one_line(one.to or shown_path(one.path))}",
            f"kept until {output.local_time(one.ends_at)}",
        )
        for one in found
    )


@click.command(short_help="Give up uploads that are not finished.")
@click.argument("ids", metavar="[UPLOAD]...", nargs=-1, type=UPLOAD)
@click.option("--all", "everything", is_flag=True, help="All of them.")
@shared
def cancel(context: Context, ids: tuple[str, ...], everything: bool) -> None:
    """Give up uploads that are not finished: the server drops what it has of them.

    UPLOAD is the id that pesan file uploads shows, or its beginning.
    """
    if everything == bool(ids):
        raise Mistake("name uploads, or give --all: pesan file uploads lists them.", USAGE)

    async def work(chat: Chat) -> None:
        there = await chat.files.uploads()
        for one in there if everything else [_named(there, id) for id in ids]:
            await chat.files.cancel(one.upload)
            context.show({"upload": one.upload.hex(), "name": one.name, "cancelled": True}, None)

    context.run(work)


def _named(there: list[UploadInfo], id: str) -> UploadInfo:
    """The one whose id begins like this. Raises ``Mistake``."""
    found = [one for one in there if one.upload.hex().startswith(id)]
    if not found:
        raise Mistake(f"there is no upload {id}: pesan file uploads lists them.", NOT_FOUND)
    if len(found) > 1:
        raise Mistake(f"{len(found)} uploads begin with {id}: write more of it.", USAGE)
    return found[0]
