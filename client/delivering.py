"""One message, sent until it is answered.

Belongs here: what is done between a message and its answer by whoever never gives up: the terminal's and the
window's outbox. Repeating within one call, and the order of messages, are ``outbox``'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from client.errors import Offline, Timeout
from protocol.errors import Failure, Retry

if TYPE_CHECKING:
    from client.chat import Chat
    from protocol.commands import SendReply

AGAIN: Final = 0.1
"""Seconds until a message without an answer is sent again; the call has waited for its own time."""


async def deliver(
    chat: Chat,
    to: str,
    text: str,
    id: bytes,
    *,
    unanswered: Callable[[], object],
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> SendReply:
    """Send a message under one id, so that it is stored once, until the server says yes or no.

    ``unanswered`` is called whenever a try got no answer; ``pause`` waits some seconds, after
    which it is sent again. Raises ``Failure`` when the answer is no for good, and ``ClientError`` when none
    will ever come.
    """
    while True:
        try:
            return await chat.send(to, text, id=id)
        except (Timeout, Offline):
            unanswered()
            await pause(AGAIN)
        except Failure as error:
            if error.retry is not Retry.LATER:
                raise
            await pause(error.retry_after)
