"""How far a transfer is, as programs are told. Nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from protocol.files import FinishReply


class Progress(NamedTuple):
    """``done`` of ``size`` bytes are over; ``resumed`` of them were, before this call began.

    ``file``: set in the last of an upload. ``path``: set in the last of a ``save``, where it lies now.
    ``coming``: so many bytes of a file from another realm have reached our server, which sends them when it
    has all; None: nothing has to be waited for.
    """

    done: int
    size: int
    resumed: int = 0
    file: FinishReply | None = None
    path: Path | None = None
    coming: int | None = None
