"""The file service. It answers one command so far, ``file.list``, with an empty list.

Nothing can be stored yet, so nobody has a file and the answer is true. Storing, chunks and who may
fetch what come with the commands for them.
"""

from __future__ import annotations

from protocol.commands import Empty, FilesReply
from services.context import Caller, Context, Service


def list_files(ctx: Context, caller: Caller, command: Empty) -> FilesReply:
    """Names of the caller's files: none."""
    return FilesReply([])


SERVICE = Service("file", {"file.list": list_files})
