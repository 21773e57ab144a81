"""The text of a message, for those who read it line by line.

Belongs here: what several dialects do to a text. How a line is laid out around it is a dialect's.
"""

from __future__ import annotations

import re
from typing import Final

_LINE_ENDS: Final = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# C0 but for tab, DEL, C1, and the marks that turn the direction of writing around.
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """``text`` with line ends made spaces, and without anything a terminal would act upon."""
    if text.isprintable():
        return text
    return _CONTROL.sub("", _LINE_ENDS.sub(" ", text))
