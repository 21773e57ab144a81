"""The client: ``client.Chat`` is what people program against.

Belongs here: the library (session machine, sockets, ``Chat``), the command line and the windows
built on it. Does not belong here: anything of the server's; what both ends share is ``protocol``.
Names are loaded when they are first used, so ``import client`` costs nothing.

    from client import Chat, MessageEvent
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from client.chat import Chat, Event, SetBack, Status
    from client.errors import (
        ClientError,
        Closed,
        Corrupt,
        LoggedOut,
        Offline,
        SourceChanged,
        Timeout,
        WrongServerKey,
    )
    from client.files.api import Files, Folder, Progress
    from client.trunk import Trunks
    from protocol.commands import RealmInfo
    from protocol.errors import Failure
    from protocol.events import (
        DeliveredEvent,
        MembershipEvent,
        MessageEvent,
        PresenceEvent,
        ReadEvent,
        TypingEvent,
        UndeliveredEvent,
    )
    from protocol.files import FileInfo, FinishReply, StoredFile

_WHERE = {
    "Chat": "client.chat",
    "Event": "client.chat",
    "SetBack": "client.chat",
    "Status": "client.chat",
    "ClientError": "client.errors",
    "Closed": "client.errors",
    "Corrupt": "client.errors",
    "LoggedOut": "client.errors",
    "Offline": "client.errors",
    "SourceChanged": "client.errors",
    "Timeout": "client.errors",
    "WrongServerKey": "client.errors",
    "Files": "client.files.api",
    "Folder": "client.files.api",
    "Progress": "client.files.api",
    "Trunks": "client.trunk",
    "RealmInfo": "protocol.commands",
    "Failure": "protocol.errors",
    "DeliveredEvent": "protocol.events",
    "MembershipEvent": "protocol.events",
    "MessageEvent": "protocol.events",
    "PresenceEvent": "protocol.events",
    "ReadEvent": "protocol.events",
    "TypingEvent": "protocol.events",
    "UndeliveredEvent": "protocol.events",
    "FileInfo": "protocol.files",
    "FinishReply": "protocol.files",
    "StoredFile": "protocol.files",
}

__all__ = [
    "Chat",
    "ClientError",
    "Closed",
    "Corrupt",
    "DeliveredEvent",
    "Event",
    "Failure",
    "FileInfo",
    "Files",
    "FinishReply",
    "Folder",
    "LoggedOut",
    "MembershipEvent",
    "MessageEvent",
    "Offline",
    "PresenceEvent",
    "Progress",
    "ReadEvent",
    "RealmInfo",
    "SetBack",
    "SourceChanged",
    "Status",
    "StoredFile",
    "Timeout",
    "Trunks",
    "TypingEvent",
    "UndeliveredEvent",
    "WrongServerKey",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'client' has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
