"""What a handler raises that finds it has to ask another realm.

Nothing is done then, and nobody is refused: the broker hands the same request, with the same caller, to the
realm process, which asks the other server and answers (``services.realm.passed``). No client hears of it.
"""

from __future__ import annotations

from typing import ClassVar

from protocol import backend
from protocol.errors import Failure, Forbidden, NotFound
from services.context import Context
from services.storage import realms
from services.storage.realms import State


class Elsewhere(Failure):
    """This request is the realm process's."""

    code: ClassVar[str] = backend.ELSEWHERE

    def __init__(self) -> None:
        super().__init__("This is another server's to say.")


def asked(ctx: Context, realm: str) -> Failure:
    """What to raise for something of this realm: ``Elsewhere``, or a refusal where there is nobody to ask."""
    found = realms.named(ctx.tx, realm)
    if found is None or found.state == State.REMOVED:
        return NotFound(f"There is no realm {realm} here; this is {ctx.settings.realm}.")
    if found.state == State.BLOCKED:
        return Forbidden(f"{realm} is blocked here.")
    return Elsewhere()
