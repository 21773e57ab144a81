"""Sentences of other realms: what they say to a person, made harmless before it is shown, stored or logged.

Belongs here: that alone. Not here: what is done about what they say.
"""

from __future__ import annotations


def plain(sentence: str, most: int) -> str:
    """``sentence`` without what could do something to a terminal, a log or a database, and not too long."""
    return "".join(letter if letter.isprintable() else " " for letter in sentence[:most]).strip()
