"""The messaging service: sending, reading and listing what was said.

Here: the table of its handlers. ``send`` resolves and ``post`` stores whole batches of messages, ``history``
shows them and ``attached`` their files, ``reading`` moves markers, ``listing`` counts; ``locate`` finds the
conversation that a command means. ``abroad`` reads addresses in other realms, ``outgoing`` queues what goes
there, and ``arriving`` takes files from there. Groups come and go in another service; here they are only
written to.
"""

from __future__ import annotations

from services.context import Service, Together
from services.messaging import history, listing, reading, send

_SEND = Together(send.send)

SERVICE = Service(
    "messaging",
    {
        "message.send": _SEND,
        "message.broadcast": _SEND,
        "message.deliver": _SEND,
        "message.history": history.history,
        "message.read": reading.read,
        "message.typing": reading.typing,
        "conversation.list": listing.list_conversations,
        "conversation.verify": listing.verify,
    },
)
