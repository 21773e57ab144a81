"""The lines that were typed, kept from one ``pesan chat`` to the next, readable by their owner alone.

Messages are among them: whoever wants none kept removes the file and makes it a link to /dev/null.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from config.folders import private_folder, state_folder

KEPT_MOST: Final = 512 * 1024
"""Bytes; beyond that the older half is forgotten."""


def typed_lines(profile: str) -> History:
    """What was typed under this profile; only for now where nothing can be kept."""
    file = state_folder() / f"{profile}.typed"
    try:
        private_folder(file.parent)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        if file.is_file():
            file.chmod(0o600)
            _shorten(file)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(file))


def _shorten(file: Path) -> None:
    """Drop the older half when there is too much. An entry begins with an empty line and a ``#`` line."""
    if file.stat().st_size <= KEPT_MOST:
        return
    recent = file.read_bytes()[-KEPT_MOST // 2 :]
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(recent[max(recent.find(b"\n# "), 0) :])
    draft.replace(file)
