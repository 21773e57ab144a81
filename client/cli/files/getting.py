"""Fetching files: get.

A file from somebody else is saved under a harmless form of its name, in the folder that we chose, and never
over what is there. It gets its name once all of it has arrived and its hash is right; until then it is a file
beside it that ends with .part.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from client.cli import output
from client.cli.context import Context, shared
from client.cli.exits import INTERRUPTED, NOT_FOUND, OFFLINE, OTHER, TIMEOUT, USAGE, Mistake
from client.cli.files.arguments import IN_SPACE, Wanted, wanted
from client.cli.files.progress import Seen
from client.cli.files.remote import find
from client.cli.files.several import Several
from client.cli.files.sources import unreadable
from client.files.parts import in_the_way
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
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@shared
def get(context: Context, files: tuple[str, ...], target: str | None, force: bool) -> None:
    """Fetch files: by number, as messages and pesan file ls show it, or by path in your own space.

    \b
    pesan file get 17
    pesan file get 17 18 /docs/report.pdf -o Downloads
    pesan file get 17 -o - | tar -tz

    The hash is checked before a file gets its name; until then it ends with .part, and the same command goes
    on with that. Characters of a name that could lead elsewhere, or mean something to a system, become _.
    Nothing that is there is replaced without --force, and what is no plain file never is. What cannot be
    fetched is named, and the others are fetched all the same. To stdout bytes go as they come; that they were
    not the file is told behind the last one, with exit code 1. The type is the server's guess: do not rely on
    it.
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
        """Fetch all of it, in order. Raises ``Mistake`` when something was not fetched."""
        if self._target == STDOUT:
            await self._print(await find(self._chat, found[0]))
            return
        place = Place.of(self._target, len(found), self._force)
        several = Several(len(found), "fetched")
        planned: list[Planned] = []
        for one in found:
            with several.one(self._context.explain):
                planned.append(place.plan(await find(self._chat, one)))
        _refuse_namesakes(planned)
        for plan in planned:
            with several.one(partial(self._ended, plan)):
                await self._save(plan)
                self._show(plan)
                several.well()
        several.end()

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

    def _ended(self, one: Planned, error: Exception) -> tuple[str, int]:
        """(sentence, exit code) of what went wrong with it."""
        name = output.one_line(str(one.target))
        if isinstance(error, FileExistsError):
            error = _taken(one)
        elif isinstance(error, OSError):
            error = unreadable(name, error)
        sentence, code = self._context.explain(error)
        if isinstance(error, Mistake):
            return sentence, code
        again = f"; {AGAIN}." if code in (TIMEOUT, OFFLINE) else "."
        return f"{name}: {sentence.rstrip('.')}{again}", code

    def _show(self, one: Planned) -> None:
        record = output.fields(one.file, saved=str(one.target))
        self._context.show(record, f"{output.one_line(str(one.target))}: {output.size(one.file.size)}")


class Place(NamedTuple):
    """Where files are to be saved."""

    path: Path
    is_folder: bool
    force: bool

    @classmethod
    def of(cls, target: str | None, count: int, force: bool) -> Place:
        """``target`` for so many files. Raises ``Mistake`` where none can be."""
        path = Path(target) if target is not None else Path()
        is_folder = target is None or path.is_dir() or target.endswith(os.sep) or count > 1
        if is_folder and not path.is_dir():
            raise Mistake(f"there is no folder {output.one_line(str(path))} here.", NOT_FOUND)
        return cls(path, is_folder, force)

    def plan(self, file: StoredFile) -> Planned:
        """This file's own. Raises ``Mistake`` where something is that stays."""
        one = Planned(file, self.path / local_name(file.name) if self.is_folder else self.path)
        if in_the_way(one.target, self.force):
            raise _taken(one)
        return one


def _refuse_namesakes(planned: Sequence[Planned]) -> None:
    """One would replace the other, or be told to be there already."""
    targets = [one.target for one in planned]
    for target in targets:
        if targets.count(target) > 1:
            name = output.one_line(target.name)
            raise Mistake(f"two of them are called {name}: fetch one with -o.", USAGE)


def _taken(one: Planned) -> Mistake:
    """What is there, and what can be done."""
    name = output.one_line(str(one.target))
    if one.target.is_dir():
        return Mistake(f"{name} is a folder: -o names a file.", OTHER)
    if one.target.is_file() and not one.target.is_symlink():
        return Mistake(f"{name} exists: --force replaces it, -o saves under another name.", OTHER)
    quoted = output.one_line(shlex.quote(str(one.target)))
    by_hand = f"pesan file get {one.file.file} -o - > {quoted}"
    return Mistake(f"{name} is no plain file; {by_hand} writes there.", OTHER)
