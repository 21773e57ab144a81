"""A process that sends messages, for tests of many writers: ``HOME DATABASE NAME SHARED COUNT``.

Sends COUNT messages in batches of up to 7 to ``#ops``: half under ids of its own, half as ``ani`` under
ids that every writer uses. A batch that could not be stored is sent again, as a client would.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from config.log import LogFile, ServerLog
from config.settings import Settings
from protocol.backend import Call
from protocol.envelope import pack_body
from services.batch import Engine
from services.messaging import SERVICE
from services.storage import open_store
from services.storage.migrate import migrate


def main(home: str, database: str, name: str, shared: str, count: int) -> None:
    """Migrate, send, and print how often a batch had to be sent again."""
    settings = Settings(home=Path(home), realm="here", database=database)
    store = open_store(settings)
    migrate(store, 1)
    with store.read() as tx:
        rows = tx.rows("select u.name, u.id, s.id from users u join sessions s on s.user_id = u.id")
    numbers: dict[str, tuple[int, int]] = {name: (user, session) for name, user, session in rows}
    engine = Engine(SERVICE, store, settings, ServerLog(LogFile(settings.home / "log", 1 << 16, 3), name))
    calls = []
    for n in range(count):
        who, id = (name, f"{name}{n}") if n % 2 else (shared, f"shared{n}")
        body = pack_body({"to": "#ops", "body": f"{name} {n}", "id": id.ljust(16).encode()})
        user, session = numbers[who]
        calls.append(Call(n, "message.send", user, who, session, False, body))
    again = 0
    while calls:
        batch = calls[: 1 + again % 7] if again else calls[:7]
        done = engine.take(batch, time.time_ns() // 1000)
        stored = {handle for handle, status, _ in done.replies if status == "ok"}
        again += len(batch) - len(stored)
        assert again < 500, done.replies[:3]
        calls = [call for call in calls if call.handle not in stored]
    store.close()
    print(again)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
