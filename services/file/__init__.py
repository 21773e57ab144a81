"""The file service: uploads, files, folders.

Here: the table of its handlers. ``begin`` refuses what may not be uploaded, ``uploading`` tells how far it
is, ``finish`` makes a file of it; ``looking`` answers questions, ``tree`` changes what is in people's own
spaces, and ``changing`` brings all that in order. Chunks come on a socket of their own, past all this.
"""

from __future__ import annotations

from config.settings import Settings
from services.context import Beside, Service, Together
from services.file import changing, looking, uploading


def _chunks(settings: Settings) -> Beside:
    # Here, for a process that serves; who only asks what the commands are needs no sockets.
    from services.file.bulk.line import Line

    return Line(settings)


SERVICE = Service(
    "file",
    {
        **dict.fromkeys(changing.HANDLERS, Together(changing.change)),
        "file.resume": uploading.resume,
        "file.uploads": uploading.list_uploads,
        "file.list": looking.list_files,
        "file.stat": looking.stat,
        "file.usage": looking.usage_of,
    },
    beside=_chunks,
)
