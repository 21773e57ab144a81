"""What the window says, in each language: one catalogue (``LANGUAGE.po``) each, read when it is first needed.

Belongs here: finding a text, filling it in, and how days, times, sizes are written. The English sentence is
the key of its translation. Does not belong here: which sentence is said when.
"""

from __future__ import annotations

from client.gui.words.words import Words

__all__ = ["Words"]
