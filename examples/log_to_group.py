"""A pipe into a group: posts every line of stdin there. ``make 2>&1 | log_to_group.py ops``

PESAN_SERVER, PESAN_USER and PESAN_PASSWORD say where and as whom; the group is made if needed.
"""

import asyncio
import os
import sys

from client import Chat
from protocol.errors import Conflict


async def main(group: str) -> None:
    """Post until stdin ends. Lines are sent while earlier ones are still on their way, in order."""
    server, user, password = (os.environ[f"PESAN_{name}"] for name in ("SERVER", "USER", "PASSWORD"))
    async with Chat.connect(server, username=user, password=password, device="log") as chat:
        try:
            await chat.create_group(group)
        except Conflict:  # it is there already
            await chat.join_group(group)
        room = asyncio.Semaphore(100)  # lines on their way at once
        async with asyncio.TaskGroup() as tasks:
            while line := await asyncio.to_thread(sys.stdin.readline):
                if text := line.rstrip():
                    await room.acquire()
                    sending = tasks.create_task(chat.send(f"#{group}", text))
                    sending.add_done_callback(lambda _: room.release())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1].removeprefix("#")))
