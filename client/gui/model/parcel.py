"""One message of ours that has no answer yet, as a value.

Belongs here: that. Sending it is ``outbox``'s, showing it ``waiting``'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from client.gui.model.problem import Problem


@dataclass
class Parcel:
    """One message to ``to``. ``put_at`` in microseconds. ``refusal``: the server will not store it, and why.

    ``passed_on``: our server has it, for a group of another realm, which has not numbered it.
    """

    id: bytes
    to: str
    text: str
    put_at: int
    refusal: Problem | None = None
    passed_on: bool = False
