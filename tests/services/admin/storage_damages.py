"""Ways to break the storage, where the bytes of files are: for each rule one at least."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from config.settings import Settings
from services.file import staging
from tests.services.admin.busy import SECRET, Busy
from tests.services.admin.damage import Damage, also

LONG_AGO = 1_000_000_000
"""Seconds since the epoch."""
SENT = hashlib.sha256(SECRET.encode() * 2).hexdigest()
"""What the bytes of ``sent`` are kept under."""
STRANGE = hashlib.sha256(b"from nowhere").hexdigest()
OWN = hashlib.sha256(SECRET.encode()).hexdigest()


def place(settings: Settings, sha256: str) -> Path:
    """Where a blob is."""
    return settings.home / "files" / "blobs" / sha256[:2] / sha256


def _lose(settings: Settings, busy: Busy) -> None:
    place(settings, SENT).unlink()


def _cut(settings: Settings, busy: Busy) -> None:
    os.truncate(place(settings, OWN), 3)


def _rot(settings: Settings, busy: Busy) -> None:
    """One bit."""
    file = place(settings, OWN)
    data = bytearray(file.read_bytes())
    data[5] ^= 1
    file.write_bytes(data)


def _strange(settings: Settings, busy: Busy) -> None:
    file = place(settings, STRANGE)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"from nowhere")


def _leave(settings: Settings, busy: Busy) -> None:
    """Files of an upload that is over, and something else. What is young may still be removed in a moment."""
    folder = staging.folder(settings)
    upload = (9 << 64).to_bytes(16, "big").hex()
    for name in (f"{busy.dewi}-{upload}.data", f"{busy.dewi}-{upload}.map", "notes.txt"):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (LONG_AGO, LONG_AGO))
    (folder / f"{busy.citra}-{upload}.data").write_bytes(b"")


STORAGE = (
    Damage("storage.whole", f"blob {SENT} is not in storage: file {{sent}} of user {{citra}}", do=_lose),
    Damage(
        "storage.whole",
        f"blob {OWN} has 3 bytes and not 22: file {{own}} of user {{ani}}",
        do=_cut,
        also=also("storage.hashes"),
    ),
    Damage("storage.hashes", f"blob {OWN} has another hash: file {{own}} of user {{ani}}", do=_rot),
    Damage("storage.orphans", f"blob {STRANGE}, 12 bytes", do=_strange),
    Damage("storage.staging", "{dewi}-00000000000000090000000000000000.data", do=_leave, problems=3),
)
