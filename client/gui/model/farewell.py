"""Ending a session on the server, as well as that goes.

Belongs here: that. What is forgotten of it on this side is ``model``'s and ``entry``'s.
"""

from __future__ import annotations

import asyncio
from typing import Final

from client.chat import Chat
from client.errors import ClientError
from protocol.errors import Failure

FAREWELL: Final = 2.0
"""Seconds that ending a session may take when a window closes; one that is not reached expires by itself."""


async def farewell(chat: Chat) -> bool:
    """Log out; whether the server has heard of it."""
    try:
        async with asyncio.timeout(FAREWELL):
            await chat.logout()
    except (Failure, ClientError, TimeoutError):
        return False
    return True
