"""The sessions printed in docs/DIALECTS.md: how they are read, and how they are typed into a real server.

The notation is explained to its readers in the document. Not here: any expectation of a dialect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Final, NamedTuple

from tests.gateway.peer import Peer

LINE_ENDS: Final = {"signup": b"\n", "bracket": b"\n", "ftp": b"\n", "json": b"\r\n"}
"""What ``nc``, for json ``nc -C``, sends for the enter key."""
NAMES: Final = ("ani", "budi", "citra", "dewi", "ops", "keluarga")
"""People and groups of the document. On the server they get names that nobody has."""
TOKEN: Final = "<token>"
PLACEHOLDERS: Final = {
    "<date>": r"\d{4}[-/]\d{1,2}[-/]\d{1,2} \d{1,2}:\d\d(?::\d\d(?:\.\d{6})?)?",
    "<number>": r"\d+",
    "<realm>": r'[^\s"]+',
}
OTHERS: Final = "<others>"
END: Final = "<end>"

_CHAPTER = re.compile(r"^## (\w+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"(?P<who>[a-z]+(?:@[a-z]+)?)?(?P<way>[<>]) ?(?P<text>.*)")
_NAME = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(NAMES)})(?![A-Za-z0-9])")


class Line(NamedTuple):
    """One line of a session: who it is at ('' where there is only one), and what was typed or seen."""

    who: str
    typed: bool
    text: str


def chapters(document: str) -> dict[str, list[list[Line]]]:
    """The sessions of each dialect's chapter."""
    return {name: sessions(text, name) for name, text in _CHAPTER.findall(document) if name in LINE_ENDS}


def sessions(text: str, dialect: str) -> list[list[Line]]:
    """Those of a dialect, wherever they are printed."""
    return [list(lines(block)) for name, block in _BLOCK.findall(text) if name == dialect]


def lines(block: str) -> Iterator[Line]:
    """The lines of one session."""
    last = ""
    for text in block.splitlines():
        found = _LINE.fullmatch(text)
        if found is None or (found["way"] == "<" and found["who"] is None):
            yield Line(last, False, text)  # <date> and the like begin a line that was answered
        elif found["way"] == ">":
            last = found["who"] or ""
            yield Line(last, True, found["text"])
        else:
            yield Line(found["who"], False, found["text"])


class Replay:
    """One session in one dialect. ``come(dialect)`` connects, ``named(text)`` puts in the names of today."""

    def __init__(self, dialect: str, come: Callable[[str], Peer], named: Callable[[str], str]) -> None:
        self._dialect = dialect
        self._come = come
        self._named = named
        self._peers: dict[str, Peer] = {}
        self._tokens: dict[str, str] = {}

    def play(self, session: list[Line]) -> None:
        """Type what was typed; what is answered is what is printed, and nothing else is."""
        with ExitStack() as stack:
            for line in session:
                if line.who not in self._peers:
                    self._peers[line.who] = stack.enter_context(self._come(self._dialect_of(line.who)))
                if line.typed:
                    self._types(line)
                else:
                    self._sees(line)
            for peer in self._peers.values():
                peer.hears_nothing()

    def _types(self, line: Line) -> None:
        text = self._named(line.text.replace(TOKEN, self._tokens.get(line.who, TOKEN)))
        self._peers[line.who].says(text.encode() + LINE_ENDS[self._dialect_of(line.who)])

    def _sees(self, line: Line) -> None:
        peer = self._peers[line.who]
        if line.text == END:
            peer.is_hung_up_on()
        elif line.text == OTHERS:
            peer.forgets()
        else:
            seen = peer.line().decode().rstrip()
            found = re.fullmatch(pattern(self._named(line.text)), seen)
            assert found, f"{seen!r} instead of {line.text!r}"
            if TOKEN in line.text:
                self._tokens[line.who] = found["token"]

    def _dialect_of(self, who: str) -> str:
        return who.partition("@")[2] or self._dialect


def pattern(text: str) -> str:
    """What is seen where the document has this line; one token is the same throughout it."""
    first, *rest = text.rstrip().split(TOKEN)
    made = re.escape(first)
    for number, piece in enumerate(rest):
        made += ("(?P=token)" if number else r'(?P<token>[^\s"]+)') + re.escape(piece)
    for placeholder, meant in PLACEHOLDERS.items():
        made = made.replace(re.escape(placeholder), meant)
    return made


class Names:
    """Names of today for those in the document, the same ones whenever it is asked."""

    def __init__(self, fresh: Callable[[str], str]) -> None:
        self._fresh = fresh
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        return _NAME.sub(lambda found: self._today(found[0]), text)

    def _today(self, name: str) -> str:
        if name not in self._known:
            self._known[name] = self._fresh(name)
        return self._known[name]
