"""What a message's text is made of: paragraphs with links and code in them, and blocks of code.

Belongs here: finding these in plain text. What cannot be read as markup is text. Nothing of it is ever run,
and a link is only what begins with http://, https:// or mailto: and is shown in full.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct

RUNS_MOST: Final = 300
"""Runs of one text; each is a thing to be drawn, so the rest of a longer one is plain."""
BLOCKS_MOST: Final = 40
"""Blocks of code of one text, for the same reason."""

_OPENS: Final = re.compile(r" {0,3}```([\w+#.-]{0,32})[ \t]*\Z")
_CLOSES: Final = re.compile(r" {0,3}```[ \t]*\Z")
_UNSEEN: Final = (
    "\x00-\x20\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e\u2000-\u200f"
    "\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
"""Blanks, controls, and what has no width or turns the direction of what follows: in a link, it would hide
where that leads."""
_FOUND: Final = re.compile(
    r"(?<!`)(?P<ticks>`{1,3})(?P<code>[^`\n]++)(?P=ticks)(?!`)"
    rf"|(?<!\w)(?P<link>(?:https?://|mailto:)[^{_UNSEEN}<>\"`]++)",
    re.IGNORECASE,
)
_TARGET: Final = re.compile(r"https?://[\w\[].*|mailto:[^@]+@\w.*", re.IGNORECASE)
_STOPS: Final = frozenset(".,;:!?'*_~…»”’")
"""What ends a sentence, and no link."""
_BRACKETS: Final = {")": "(", "]": "[", "}": "{"}


class Style(StrEnum):
    """What a run of characters is."""

    PLAIN = "plain"
    CODE = "code"
    LINK = "link"


class Run(Struct, frozen=True):
    """Characters of one style. ``target`` is a link's."""

    text: str
    style: Style = Style.PLAIN
    target: str = ""


class Paragraph(Struct, frozen=True):
    """Running text; line breaks are in it."""

    runs: tuple[Run, ...]


class Code(Struct, frozen=True):
    """A fenced block. ``language`` as it was named, or ''."""

    text: str
    language: str = ""


Block = Paragraph | Code


def blocks(text: str) -> tuple[Block, ...]:
    """A message's text, read. Time is linear in its length."""
    text = text.replace("\r\n", "\n")
    if "```" not in text:
        return (Paragraph(tuple(_runs(text, RUNS_MOST))),)
    return tuple(_blocks(text.split("\n"))) or (Paragraph((Run(text),)),)


def _blocks(lines: list[str]) -> Iterator[Block]:
    ends = _ends(lines)
    begin = at = codes = 0
    room = RUNS_MOST
    while at < len(lines):
        opens = _OPENS.match(lines[at]) if codes < BLOCKS_MOST else None
        end = ends[at + 1] if opens else len(lines)
        if opens is None or end == len(lines):
            at += 1
            continue
        for paragraph in _paragraph(lines[begin:at], room):
            room -= len(paragraph.runs)
            yield paragraph
        yield Code("\n".join(lines[at + 1 : end]), opens[1])
        begin = at = end + 1
        codes += 1
    yield from _paragraph(lines[begin:], room)


def _ends(lines: list[str]) -> list[int]:
    """For each line the next one, itself included, that closes a block; their number where none does."""
    ends = [len(lines)] * (len(lines) + 1)
    for at in range(len(lines) - 1, -1, -1):
        ends[at] = at if _CLOSES.match(lines[at]) else ends[at + 1]
    return ends


def _paragraph(lines: list[str], room: int) -> Iterator[Paragraph]:
    text = "\n".join(lines).strip("\n")
    if text:
        yield Paragraph(tuple(_runs(text, max(room, 1))))


def _runs(text: str, most: int) -> Iterator[Run]:
    """At most ``most`` of them."""
    at = made = 0
    for found in _FOUND.finditer(text):
        if made + 3 > most:
            break
        run, end = _run(found)
        if run is None:
            continue
        if found.start() > at:
            yield Run(text[at : found.start()])
            made += 1
        yield run
        made += 1
        at = end
    if at < len(text) or not text:
        yield Run(text[at:])


def _run(found: re.Match[str]) -> tuple[Run | None, int]:
    """What was found, and where it ends; None when it is nothing but text."""
    if found["code"] is not None:
        return Run(found["code"], Style.CODE), found.end()
    link = _trimmed(found["link"])
    if not _TARGET.fullmatch(link):
        return None, found.end()
    return Run(link, Style.LINK, link), found.start() + len(link)


def _trimmed(link: str) -> str:
    """Without what belongs to the sentence: stops, and a bracket that was opened before it."""
    count = Counter(link)
    end = len(link)
    while end:
        last = link[end - 1]
        if last not in _STOPS and not (last in _BRACKETS and count[last] > count[_BRACKETS[last]]):
            break
        count[last] -= 1
        end -= 1
    return link[:end]
