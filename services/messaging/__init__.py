"""The messaging service: sending, reading and listing what was said.

Here: the table of its handlers. ``send`` resolves and ``post`` stores whole batches of messages,
``history`` shows them, ``reading`` moves markers, ``listing`` counts; ``locate`` finds the conversation
that a command means. Groups come and go in another service; here they are only written to.
"""

from __future__ import annotations

from services.context import Service, Together
from services.messaging.history import history
from services.messaging.listing import list_conversations, verify
from services.messaging.reading import read, typing
from services.messaging.send import send

_SEND = Together(send)

SERVICE = Service(
    "messaging",
    {
        "message.send": _SEND,
        "message.broadcast": _SEND,
        "message.history": history,
        "message.read": read,
        "message.typing": typing,
        "conversation.list": list_conversations,
        "conversation.verify": verify,
    },
)
