"""What a message's text is made of: paragraphs with links and code in them, and blocks of code.

Belongs here: finding these in plain text. What cannot be read as markup is text. Nothing of it is ever run,
and a link is only what begins with http://, https:// or mailto: and is shown in full.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


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
    return (Paragraph((Run(text),)),)
