"""An echo bot: answers every direct message with the same words.

PESAN_SERVER, PESAN_USER and PESAN_PASSWORD say where and as whom; the user must be registered.
"""

import asyncio
import os
import sys

from client import Chat, MessageEvent


async def main() -> None:
    """Log in and answer until interrupted."""
    server, user, password = (os.environ[f"PESAN_{name}"] for name in ("SERVER", "USER", "PASSWORD"))
    async with Chat.connect(server, username=user, password=password, device="echo bot") as chat:

        @chat.on(MessageEvent)
        async def answer(event: MessageEvent) -> None:
            if event.to == chat.user and event.sender != chat.user:
                await chat.send(event.sender, event.body)

        await chat.listen()
        print(f"{chat.user} answers", flush=True)
        await chat.run_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(130)
