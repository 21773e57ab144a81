"""Fetching files: get.

A file from somebody else is saved under a harmless form of its name, in the folder that we chose, and never
over what is there. It gets its name once all of it has arrived and its hash is right; until then it is a file
beside it that ends with .part.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from client.cli import output
from client.cli.context import Context, shared
from client.cli.exits import INTERRUPTED, NOT_FOUND, OTHER, USAGE, Mistake
from client.cli.files.arguments import IN_SPACE, Wanted, wanted
from client.cli.files.progress import Seen
from client.cli.files.remote import find
from client.cli.files.sources import unreadable
from client.errors import ClientError
from protocol.errors import Failure
from protocol.file_names import local_name
from protocol.files import StoredFile

if TYPE_CHECKING:
    from client.chat import Chat

STDOUT: Final = "-"
AGAIN: Final = "the same command goes on where this one stopped"


class Planned(NamedTuple):
    """A file of the server's and where it is to be saved."""

    file: StoredFile
    target: Path


@click.command(short_help="Fetch files.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=IN_SPACE)
@click.option(
    "-o", "--output", "target", metavar="PATH", type=click.Path(allow_dash=True),
    help="Save it as PATH, or in the folder PATH; - is stdout. [here, under its own name]",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace what is there.")
@shared
def get(context: Context, files: tuple[str, ...], target: str | None, force: bool) -> None:
    """Fetch files: by number, as messages and pesan file ls show it, or by path in your own space.

    \b
    pesan file get 17
    pesan file get 17 18 /docs/report.pdf -o Downloads
    pesan file get 17 -o - | tar -tz

    The hash is checked before a file gets its name; until then it ends with .part, and the same command goes
    on with that. Characters of a name that could lead elsewhere, or mean something to a system, become _.
    Nothing that is there is replaced without --force. To stdout bytes go as they come; that they were not the
    file is told behind the last one, with exit code 1. The type is the server's guess: do not rely on it.
    """
    found = wanted(files)
    if target == STDOUT:
        _check_stdout(context, found)
    try:
        context.run(lambda chat: Getting(context, chat, target, force).run(found))
    except KeyboardInterrupt:
        raise Mistake("stopped." if target == STDOUT else f"stopped; {AGAIN}.", INTERRUPTED) from None


def _check_stdout(context: Context, found: Sequence[Wanted]) -> None:
    if len(found) > 1 or context.json:
        raise Mistake("to stdout one file can go, and nothing else.", USAGE)
    if sys.stdout.isatty():
        raise Mistake("what is in a file may drive a terminal: pipe it, or name a file with -o.", USAGE)


class Getting:
    """One run of ``get``."""

    def __init__(self, context: Context, chat: Chat, target: str | None, force: bool) -> None:
        self._context = context
        self._chat = chat
        self._target = target
        self._force = force

    async def run(self, found: Sequence[Wanted]) -> None:
        """Fetch all of it, in order; nothing where one has no place. Raises ``Mistake``."""
        stored = [await find(self._chat, one) for one in found]
        if self._target == STDOUT:
            await self._print(stored[0])
            return
        planned = plan(stored, self._target, self._force)
        for number, one in enumerate(planned):
            try:
                await self._save(one)
            except (Failure, ClientError, OSError) as error:
                raise self._ended(one, number, len(planned), error) from None
            self._show(one)

    async def _save(self, one: Planned) -> None:
        with Seen(one.target.name) as seen:
            async with aclosing(self._chat.files.save(one.file, one.target, replace=self._force)) as steps:
                async for progress in steps:
                    seen.shows(progress)

    async def _print(self, file: StoredFile) -> None:
        async with aclosing(self._chat.files.download(file)) as pieces:
            async for piece in pieces:
                sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()

    def _ended(self, one: Planned, saved: int, count: int, error: Exception) -> Mistake:
        rest = f" ({saved} of {count} fetched)" if count > 1 else ""
        name = output.one_line(str(one.target))
        if isinstance(error, FileExistsError):
            return _exists(one.target)
        if isinstance(error, OSError):
            return Mistake(f"{unreadable(name, error).message}{rest}", OTHER)
        sentence, code = self._context.explain(error)
        again = f"; {AGAIN}" if code in (5, 6) else ""
        return Mistake(f"{name}: {sentence.rstrip('.')}{again}{rest}", code)

    def _show(self, one: Planned) -> None:
        record = output.fields(one.file, saved=str(one.target))
        self._context.show(record, f"{output.one_line(str(one.target))}: {output.size(one.file.size)}")


def plan(stored: Sequence[StoredFile], target: str | None, force: bool) -> list[Planned]:
    """Where each of them is to be saved. Raises ``Mistake`` where that cannot be."""
    folder = Path(target) if target is not None else Path()
    names_folder = target is None or folder.is_dir() or target.endswith(os.sep) or len(stored) > 1
    if names_folder and not folder.is_dir():
        raise Mistake(f"there is no folder {output.one_line(str(folder))} here.", NOT_FOUND)
    planned: list[Planned] = []
    for file in stored:
        one = Planned(file, folder / local_name(file.name) if names_folder else folder)
        if one.target.is_dir():
            raise Mistake(f"{output.one_line(str(one.target))} is a folder: -o names a file.", OTHER)
        if os.path.lexists(one.target) and not force:
            raise _exists(one.target)
        if any(one.target == other.target for other in planned):
            raise Mistake(
                f"two of them are called {output.one_line(one.target.name)}: fetch one with -o.", USAGE
            )
        planned.append(one)
    return planned


def _exists(target: Path) -> Mistake:
    name = output.one_line(str(target))
    return Mistake(f"{name} exists: --force replaces it, -o saves under another name.", OTHER)
