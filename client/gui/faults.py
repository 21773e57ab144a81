"""A mistake of ours, told to whoever runs the program: its type and place, never a text that somebody wrote.

Belongs here: that. What a person or a server did is the model's ``Problem``.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Final

LOG: Final = logging.getLogger("pesan.window")


def tell(where: str, error: BaseException) -> None:
    """Log it in one line."""
    steps = traceback.extract_tb(error.__traceback__)
    way = " > ".join(f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in steps)
    LOG.error("%s: %s at %s", where, type(error).__name__, way)
