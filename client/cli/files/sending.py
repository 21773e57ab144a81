"""Sending files: send.

Everything that was named is looked at first; then one file goes after the other. A file that the server can
never take is named and left out; after anything else that goes wrong nothing more is sent.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final

import click

from client.cli import output
from client.cli.context import Context, shared
from client.cli.exits import INTERRUPTED, USAGE, Mistake
from client.cli.files import sources
from client.cli.files.arguments import TARGET, address, is_path, path, shown_path
from client.cli.files.memory import Memory, Transfer
from client.cli.files.progress import Seen
from client.cli.files.remote import into, nobody
from client.cli.files.sources import Source
from client.cli.realms import queued
from client.errors import ClientError, Corrupt, SourceChanged
from protocol.errors import Conflict, Failure, Invalid, NotFound, TooLarge
from protocol.files import FinishReply

if TYPE_CHECKING:
    from client.chat import Chat
    from client.files.progress import Progress

LEFT_OUT: Final = (TooLarge, Invalid, Conflict, SourceChanged, OSError)
"""What concerns one file, so that the others are sent all the same."""
AGAIN: Final = "the same command goes on where this one stopped"


@click.command(short_help="Send files to a person, a group, or into your own space.")
@click.argument("to", type=TARGET)
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(readable=False, allow_dash=True)
)
@click.option("--name", metavar="NAME", help="What the file is called there. [its own name]")
@click.option("--text", default="", metavar="TEXT", help="What the message says. [the file's name]")
@click.option("--force", is_flag=True, help="In your own space: replace what is there.")
@shared
def send(context: Context, to: str, paths: tuple[str, ...], name: str | None, text: str, force: bool) -> None:
    """Send files to a person (budi), a group ('#ops', in quotes), everyone ('*'), or keep them in your own
    space, under a path that begins with a slash.

    \b
    pesan file send budi report.pdf
    pesan file send '#ops' *.log --text "from last night"
    pesan file send /docs report.pdf            into the folder docs
    pesan file send /docs/final.pdf report.pdf  under another name
    pg_dump shop | pesan file send '#ops' - --name shop.sql

    Cut short, the same command goes on where it stopped, unless the file was changed. With - all of stdin
    is kept in a temporary file first (in TMPDIR), since the size must be known; the same bytes go on, too. If
    nothing comes, nothing is sent. Every path is looked at before anything is sent. On a terminal a bar shows
    how far it is, elsewhere a line every 10 seconds, on stderr.
    """
    _refuse_backwards(to, paths)
    if is_path(to):
        path(to)  # one that cannot be is told before anything is read
    else:
        to = address(to)
    if is_path(to) and text:
        raise Mistake("--text is for a message, and a path in your own space has none.", USAGE)
    if not is_path(to) and force:
        raise Mistake("--force is for your own space: what was sent to others stays.", USAGE)
    assert context.login  # who is not logged in is told before stdin is read
    found = sources.look(paths, name)
    try:
        context.run(lambda chat: Sending(context, chat, to, text, force).run(found))
    except KeyboardInterrupt:
        raise Mistake(f"stopped; {AGAIN}.", INTERRUPTED) from None
    finally:
        for source in found:
            source.close()


def _refuse_backwards(to: str, paths: tuple[str, ...]) -> None:
    """As cp and mv have it: files first, and then where to. Raises ``Mistake``."""
    *files, last = to, *paths
    if last != sources.STDIN and not os.path.lexists(last) and all(map(os.path.isfile, files)):
        turned = " ".join(output.one_line(shlex.quote(one)) for one in (last, *files))
        raise Mistake(f"TO comes first: pesan file send {turned}", USAGE)


class Sending:
    """One run of ``send``."""

    def __init__(self, context: Context, chat: Chat, to: str, text: str, force: bool) -> None:
        self._context = context
        self._chat = chat
        self._to = to
        self._text = text
        self._force = force
        self._memory = Memory.of(context)
        self._code = 0
        """The exit code of the first file that was left out."""

    async def run(self, found: list[Source]) -> None:
        """Send all of it. Raises ``Mistake`` when something was not sent."""
        paths = await self._paths(found)
        sent = 0
        for source, stored in zip(found, paths, strict=True):
            try:
                await self._one(source, stored)
                sent += 1
            except (Failure, ClientError, OSError) as error:
                said, code = self._refused(source, error)
                if not isinstance(error, LEFT_OUT) or len(found) == 1:
                    rest = f" ({sent} of {len(found)} sent)" if len(found) > 1 else ""
                    raise Mistake(f"{said}{rest}", code) from None
                output.note(f"pesan: {output.one_line(said)}")
                self._code = self._code or code
        if self._code:
            raise Mistake(f"{sent} of {len(found)} sent.", self._code)

    async def _paths(self, found: list[Source]) -> list[str]:
        """Where in our own space each of them goes; '' when it is sent to others."""
        if not is_path(self._to):
            return [""] * len(found)
        return await into(self._chat, self._to, path(self._to), [source.name for source in found])

    async def _one(self, source: Source, stored: str) -> None:
        transfer = Transfer(
            source.identity,
            source.size,
            source.changed,
            "" if stored else self._to,
            stored,
            source.name,
            self._text,
            self._force,
        )
        id, _ = self._memory.begin(transfer)
        reply = None
        try:
            with Seen(source.name) as seen:
                async with aclosing(self._upload(source, stored, id)) as steps:
                    async for progress in steps:
                        seen.shows(progress)
                        reply = progress.file
        except (Failure, ClientError) as error:
            if for_good(error):
                await give_up(self._chat, id)
                self._memory.end(transfer)
            raise
        assert reply is not None
        self._show(source, stored, id, reply)
        self._memory.end(transfer)
        if reply.away:
            output.note(output.one_line(await queued(self._chat, self._to)))

    def _upload(self, source: Source, stored: str, id: bytes) -> AsyncGenerator[Progress, None]:
        files = self._chat.files
        if stored:
            return files.upload(source.content, path=stored, id=id, replace=self._force)
        return files.upload(source.content, to=self._to, name=source.name, text=self._text, id=id)

    def _show(self, source: Source, stored: str, id: bytes, reply: FinishReply) -> None:
        where = {"path": shown_path(stored)} if stored else {"to": self._to}
        record = output.fields(reply, **where, id=id.hex())
        self._context.show(record, sent_line(reply, self._to, stored))

    def _refused(self, source: Source, error: Exception) -> tuple[str, int]:
        """(sentence, exit code): which file, why, and whether it can go on."""
        if isinstance(error, OSError):
            mistake = sources.unreadable(source.shown, error)
            return mistake.message, mistake.code
        if isinstance(error, NotFound) and (meant := nobody(error, self._to)):
            return f"{source.shown}: {meant.message}", meant.code
        sentence, code = self._context.explain(error)
        if isinstance(error, ClientError) and not for_good(error):
            return f"{source.shown}: {sentence.rstrip('.')}; {AGAIN}.", code
        if isinstance(error, Conflict) and "already" in sentence and is_path(self._to) and not self._force:
            return f"{source.shown}: {sentence.rstrip('.')} (--force replaces it)", code
        named = isinstance(error, SourceChanged)  # it says itself of which file it speaks
        return sentence if named else f"{source.shown}: {sentence}", code


def sent_line(reply: FinishReply, to: str, stored: str = "") -> str:
    """What became of a file, for people."""
    name, already = output.one_line(reply.file.name), " already" * reply.duplicate
    begun = f"{name}: {output.size(reply.file.size)},"
    if stored:
        return f"{begun} stored{already} as {output.one_line(shown_path(stored))}, file {reply.file.file}"
    # In a group of another realm it has no number before it has come back.
    message = f", message {reply.seq}" if reply.seq else ""
    return f"{begun} sent{already} to {to}, file {reply.file.file}{message}"


async def give_up(chat: Chat, id: bytes) -> None:
    """Nothing goes on with this upload: what the server has of it would count as ours until it is swept."""
    with suppress(Failure, ClientError):  # most are gone there already
        await chat.files.cancel(id)


def for_good(error: Exception) -> bool:
    """Whether the same upload can never come to its end.

    What is not found or not allowed may be put right (a folder made, a group joined), and then it goes on.
    """
    return isinstance(error, (Conflict, TooLarge, Invalid, Corrupt, SourceChanged))
