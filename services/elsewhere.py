"""What a handler raises that finds it has to ask another realm.

Nothing is done then, and nobody is refused: the broker hands the same request, with the same caller, to the
realm process, which asks the other server and answers (``services.realm.passed``). No client hears of it.
"""

from __future__ import annotations

from typing import ClassVar

from protocol import backend
from protocol.errors import Failure


class Elsewhere(Failure):
    """This request is the realm process's."""

    code: ClassVar[str] = backend.ELSEWHERE

    def __init__(self) -> None:
        super().__init__("This is another server's to say.")
