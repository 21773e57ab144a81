"""The first word of a ``json`` line that was meant as a token and has not even a token's form.

A word of that form never gets here: ``json`` looks for its session. Any other word may be a name, and is
taken for one. Only when that led to nothing is the system asked who bears it, so what goes well costs no
question more. Belongs here: what a bad token is, and nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar

from client import Chat
from gateway import people
from gateway.dialect import Wrong
from protocol.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from gateway.json import Json

T = TypeVar("T")
Known = Callable[[Chat, str], Awaitable[bool]]
"""Whether a name, as the system writes it, is somebody's or some group's."""
Run = Callable[[Any, list[Any]], Awaitable[Any]]
"""A method of the dialect that carries a command out."""

LONGEST: Final = 128
"""Bytes of a name with its realm; the content of a file is seldom so short."""
LOOKED_INTO: Final = 4096
"""Letters of a text, or of the rest of a line with a file, which may be megabytes long."""


async def check(json: Json, arguments: list[Any], known: Known | None = None, least: int = 0) -> None:
    """Raise ``Wrong`` when the first argument, which led to nothing, is a bad token.

    It is one when no good token stands before it, nothing known is called so (None: nothing can be), and at
    least ``least`` words are behind it, the first of which, if there must be one, is known.
    """
    if json.told or not arguments:
        return
    behind = _words(arguments[1:], least)
    if len(behind) < least or (least and not await _may_be(json, known, behind[0])):
        return
    if not await _is_known(json, known, arguments[0]):
        raise Wrong(json.STRANGER)


def before(known: Known, least: int) -> Callable[[Run], Run]:
    """For a command that begins with a name, if not with a token: a refusal may be a bad token's fault."""

    def checked(run: Run) -> Run:
        @wraps(run)
        async def carried_out(json: Json, arguments: list[Any]) -> Any:
            try:
                return await run(json, arguments)
            except (Wrong, NotFound, Forbidden):
                await check(json, arguments, known, least)
                raise

        return carried_out

    return checked


async def found(json: Json, arguments: list[Any], search: Awaitable[list[T]]) -> list[T]:
    """What a search for the things of a user finds; of nobody nothing, if it was not a bad token."""
    try:
        return await search
    except NotFound:
        await check(json, arguments, people.exists)
        return []


async def _is_known(json: Json, known: Known | None, word: str) -> bool:
    name = json.address(word)
    # Of somebody of another realm something would have been found, though it be nothing that they said.
    return known is not None and name != "" and "@" not in name and await known(json.chat, name)


async def _may_be(json: Json, known: Known | None, word: str) -> bool:
    """The same of a word that stands where a name belongs: who is of another realm is not asked about."""
    return "@" in json.address(word) or await _is_known(json, known, word)


def _words(arguments: list[Any], most: int) -> list[str]:
    """The words that arguments have: a text has several, and the last one here may be its rest."""
    words: list[str] = []
    for argument in arguments:
        if isinstance(argument, memoryview):
            words.append(bytes(argument[: LONGEST + 1]).decode(errors="replace"))
        else:
            # As lines are cut: at no space but ASCII's.
            words += (word.decode() for word in argument[:LOOKED_INTO].encode().split(None, most))
    return words
