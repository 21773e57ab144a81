"""What a word names: an address or a path in one's own space, a file's number or its path.

Belongs here: telling one from the other, and how a shell completes them. Whether it exists, the server knows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from click.shell_completion import CompletionItem

from client.cli import output
from client.cli.context import Context
from client.cli.exits import USAGE, Mistake
from client.cli.names import PATIENCE, Named
from protocol import addresses
from protocol.errors import Invalid
from protocol.file_names import checked_folder
from protocol.files import StoredFile

if TYPE_CHECKING:
    from client.chat import Chat

    _Type = click.ParamType[str]
else:
    _Type = click.ParamType  # not generic in older versions of click

ROOT: Final = "/"
_SHOWN: Final = re.compile(r"([0-9]+)|file ([0-9]+)|\[file ([0-9]+)\]")
"""A file's number as people write it, and as messages show it."""
_SPECIAL: Final = set(" \t'\"\\$`!&;|<>()[]{}*?#~")


def is_path(word: str) -> bool:
    """Whether a word that may be an address is a path in one's own space."""
    return word.startswith(ROOT)


def path(word: str) -> str:
    """A path as the server has it: no slash at either end, '' for the topmost folder. Raises ``Mistake``.

    Without the slash in front it would look like a file of this machine, and something else would be meant.
    """
    if not is_path(word):
        meant = output.one_line(f"{ROOT}{word}")
        raise Mistake(f"A path in your own space begins with a slash: {meant}", USAGE)
    try:
        return checked_folder(word)
    except Invalid as error:
        raise Mistake(error.message, USAGE) from None


def shown_path(stored: str) -> str:
    """A path as people write it."""
    return ROOT + stored


def address(word: str) -> str:
    """An address. Raises ``Mistake``; for what looks like a path, with its mark."""
    try:
        return str(addresses.parse(word))
    except Invalid as error:
        hint = f" (a path in your own space begins with a slash: /{word})" if "/" in word.strip("/.") else ""
        raise Mistake(error.message.rstrip(".") + (hint or "."), USAGE) from None


class Wanted(NamedTuple):
    """One file: by number, or by path in one's own space."""

    file: int = 0
    path: str = ""

    @property
    def shown(self) -> str:
        """As people write it."""
        return f"file {self.file}" if self.file else shown_path(self.path)

    @property
    def target(self) -> int | str:
        """As the library wants it."""
        return self.file or self.path


def wanted(words: Iterable[str]) -> list[Wanted]:
    """What ``get`` and ``rm`` were given: numbers, also as messages show them, and paths. Raises ``Mistake``.

    ``/7`` is a path. ``file 17`` and ``[file 17]`` may be one word or, without quotes, two.
    """
    found: list[Wanted] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in ("file", "[file") and rest and (number := _number(f"{word} {rest[0]}")):
            rest.pop(0)
        else:
            number = _number(word)
        found.append(_by_number(number) if number else _by_path(word))
    return found


def _number(text: str) -> str:
    """The digits of a number, however it is written; '' for anything else."""
    shown = _SHOWN.fullmatch(text)
    return next(filter(None, shown.groups())) if shown else ""


def _by_number(digits: str) -> Wanted:
    number = int(digits[:20])
    if not 1 <= number <= 2**63 - 1:
        raise Mistake(f"{digits} is no file's number: they are shown as [file 17].", USAGE)
    return Wanted(file=number)


def _by_path(word: str) -> Wanted:
    stored = path(word)
    if not stored:
        raise Mistake("name a file: / is the topmost folder.", USAGE)
    return Wanted(path=stored)


# --- completion -----------------------------------------------------------------------------------


class InSpace(Named):
    """A path in one's own space, and an address where ``people`` and ``groups`` say so."""

    name = "path"

    def __init__(self, addresses: bool = False, folders_only: bool = False) -> None:
        super().__init__(people=addresses, groups=addresses)
        self._addresses = addresses
        self._folders_only = folders_only

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """What is there and begins like this; nothing when the server cannot say."""
        if self._addresses and not is_path(incomplete):
            return super().shell_complete(ctx, param, incomplete)
        context = ctx.ensure_object(Context)
        context.timeout_named = PATIENCE
        folder, _, typed = (incomplete if is_path(incomplete) else ROOT + incomplete).rpartition(ROOT)
        try:
            names = context.run(lambda chat: self._inside(chat, checked_folder(folder)))
        except Exception:  # nothing may ever be printed into a line that is being typed
            return []
        return [CompletionItem(_typed(f"{folder}/{name}")) for name in names if name.startswith(typed)]

    async def _inside(self, chat: Chat, folder: str) -> list[str]:
        found: list[str] = []
        async for one in chat.files.list(folder):
            if not isinstance(one, StoredFile):
                found.append(f"{one.name}/")
            elif not self._folders_only:
                found.append(one.name)
        return found


def _typed(word: str) -> str:
    """In bash what the shell would act upon gets a backslash; other shells see to that themselves."""
    if os.environ.get("_PESAN_COMPLETE") != "bash_complete":
        return word
    last = os.environ.get("COMP_WORDS", "").rpartition("\n")[2]
    if last[:1] in ("'", '"'):
        return word
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in word)


TARGET: Final = InSpace(addresses=True)
IN_SPACE: Final = InSpace()
FOLDER: Final = InSpace(folders_only=True)


class Upload(_Type):
    """The id of an upload that is not finished, or its beginning."""

    name = "upload"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Lower case hex."""
        text = str(value).lower()
        if not 1 <= len(text) <= 32 or set(text) - set("0123456789abcdef"):
            self.fail(f"{value!r} is no upload: pesan file uploads lists them.", param, ctx)
        return text


UPLOAD: Final = Upload()
