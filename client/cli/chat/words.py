"""What a typed line means: something to say, or a slash command with its arguments.

Belongs here: the table of slash commands, reading a line, the sentences about a line that cannot be
read, /help. Pure: what a command does is ``desk``'s.
"""

from __future__ import annotations

import difflib
import re
from enum import StrEnum
from typing import Final, NamedTuple

from protocol import addresses
from protocol.addresses import Kind
from protocol.errors import Invalid

HISTORY_MOST: Final = 1000


class Takes(StrEnum):
    """What an argument is."""

    WHO = "WHO"
    """An address: a person, ``#group`` or ``*``."""
    PERSON = "PERSON"
    GROUP = "GROUP"
    """A group's name, with or without ``#``; read without, of another realm as ``team@b``."""
    COMMAND = "COMMAND"
    """The name of a slash command, with or without the slash."""
    NUMBER = "N"
    FILE = "FILE"
    """A file's number, as messages show it."""
    PATH = "PATH"
    """Of this machine: the rest of the line, spaces and all."""
    SWITCH = "on|off"
    LOCK = "password"
    """The word itself: a password will be asked for, since none is ever typed in the open."""
    TEXT = "TEXT"
    """The rest of the line as it stands."""


class Word(NamedTuple):
    """One slash command: ``needs`` must be given, ``may`` (one more) can be."""

    name: str
    help: str
    needs: tuple[Takes, ...] = ()
    may: Takes | None = None

    @property
    def takes(self) -> tuple[Takes, ...]:
        """Every argument in order."""
        return (*self.needs, self.may) if self.may else self.needs

    @property
    def usage(self) -> str:
        """How it is typed: ``/history [N]``."""
        optional = f" [{self.may}]" if self.may else ""
        return f"/{self.name}" + "".join(f" {one}" for one in self.needs) + optional


_ROWS = (
    Word("to", "open a conversation: a person, #group, * for everyone; elsewhere NAME@REALM", (Takes.WHO,)),
    Word("msg", "say something elsewhere without going there", (Takes.WHO, Takes.TEXT)),
    Word("broadcast", "say something to everyone", (Takes.TEXT,)),
    Word("file", "send a file here, while you go on talking", (Takes.PATH,)),
    Word("get", "fetch [file N] into this folder, or to PATH", (Takes.FILE,), Takes.PATH),
    Word("cancel", "stop files under way; the same again goes on"),
    Word("inbox", "your conversations, the newest last"),
    Word("unread", "conversations with unread messages"),
    Word("history", "the last N messages here (default 50)", (), Takes.NUMBER),
    Word("read", "mark everything here, or in WHO, as read", (), Takes.WHO),
    Word("who", "who is online"),
    Word("realms", "other realms, and whether they are there"),
    Word("groups", "every group here, and yours elsewhere"),
    Word("join", "become a member of a group and open it", (Takes.GROUP,)),
    Word(
        "create",
        "create a group and open it; asks for a password to join if told so",
        (Takes.GROUP,),
        Takes.LOCK,
    ),
    Word("leave", "leave this group, or GROUP", (), Takes.GROUP),
    Word("members", "members of this group, or of GROUP", (), Takes.GROUP),
    Word("remove", "remove a member from this group", (Takes.PERSON,)),
    Word("typing", "whether others are told that you are typing", (), Takes.SWITCH),
    Word("whoami", "your name and device"),
    Word("help", "this list, or one command", (), Takes.COMMAND),
    Word("quit", "leave; so does Ctrl-D"),
)

WORDS: Final[dict[str, Word]] = {word.name: word for word in _ROWS}
"""Every slash command by name, in the order of /help."""


_SHOWN: Final = re.compile(r"^(?:\[file ([0-9]+)\]|file ([0-9]+)\b)")
"""A file's number as messages show it."""


class Say(NamedTuple):
    """Say this in the current conversation."""

    text: str


class Order(NamedTuple):
    """Do what a slash command stands for. Arguments are checked, numbers still text."""

    name: str
    arguments: tuple[str, ...] = ()

    @property
    def argument(self) -> str:
        """The first argument, '' when there is none."""
        return self.arguments[0] if self.arguments else ""


class Unclear(Exception):
    """The line cannot be read. ``message`` is a sentence that says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def read(line: str) -> Say | Order | None:
    """What ``line`` means; None when it says nothing. Raises ``Unclear``.

    >>> read("//shrug"), read("/to #Ops")
    (Say(text='/shrug'), Order(name='to', arguments=('#Ops',)))
    """
    text = line.rstrip("\r\n")
    if not text.strip():
        return None
    if text.startswith("//"):
        return Say(text[1:])
    if not text.startswith("/"):
        return Say(text)
    name, _, rest = text[1:].partition(" ")
    word = WORDS.get(name.strip().lower())
    if word is None:
        raise Unclear(_unknown(name.strip()))
    return Order(word.name, _arguments(word, rest.strip()))


def _unknown(name: str) -> str:
    near = [one for one in WORDS if name and one.startswith(name.lower())]
    near = near or difflib.get_close_matches(name.lower(), WORDS, n=3, cutoff=0.6)
    shown = "".join(c for c in name[:20] if c.isprintable())
    if not near:
        return f"There is no command /{shown}; /help lists them, //{shown} says it."
    return f"There is no command /{shown}; did you mean {_either(near[:3])}?"


def _either(names: list[str]) -> str:
    slashed = [f"/{name}" for name in names]
    return " or ".join([", ".join(slashed[:-1]), slashed[-1]] if len(slashed) > 1 else slashed)


def _arguments(word: Word, rest: str) -> tuple[str, ...]:
    found: list[str] = []
    for kind in word.takes:
        if not rest:
            break
        if kind in (Takes.TEXT, Takes.PATH):
            one, rest = rest, ""
        else:
            if kind is Takes.FILE:
                rest = _SHOWN.sub(r"\1\2", rest)
            one, _, rest = rest.partition(" ")
            rest = rest.strip()
        found.append(_checked(word, kind, one))
    if len(found) < len(word.needs) or rest:
        raise Unclear(f"It is typed {word.usage}.")
    return tuple(found)


def _checked(word: Word, kind: Takes, text: str) -> str:
    """The argument in the form in which it is used."""
    try:
        if kind is Takes.WHO:
            return str(addresses.parse(text))
        if kind is Takes.GROUP:
            return str(addresses.parse(f"#{text.removeprefix('#')}"))[1:]
        if kind is Takes.PERSON:
            if addresses.parse(text).kind is not Kind.DIRECT:
                raise Unclear(f"{text[:40]} is no person. It is typed {word.usage}.")
            return text
    except Invalid as error:
        raise Unclear(error.message) from None
    if kind is Takes.NUMBER:
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= HISTORY_MOST and len(text) < 9):
            raise Unclear(f"How many is a number from 1 to {HISTORY_MOST}.")
        return text
    if kind is Takes.FILE:
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) < 2**63):
            raise Unclear("A file is named by its number: /get 17 for [file 17].")
        return text
    if kind in (Takes.SWITCH, Takes.LOCK) and text.lower() not in kind.split("|"):
        raise Unclear(f"It is typed {word.usage}.")
    return text if kind in (Takes.TEXT, Takes.PATH) else text.lower()


def help_lines(about: str = "") -> list[str]:
    """/help, or what it says about one command. Raises ``Unclear``."""
    name = about.removeprefix("/")
    if name:
        if name not in WORDS:
            raise Unclear(_unknown(name))
        return [f"{WORDS[name].usage}: {WORDS[name].help}"]
    width = max(len(word.usage) for word in WORDS.values())
    lines = [f"{word.usage:<{width}}  {word.help}" for word in WORDS.values()]
    return [*lines, "Anything else is said in the current conversation; //x says /x."]
