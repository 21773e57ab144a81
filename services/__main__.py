"""``python -m services NAME``: one worker process of one service.

Exit codes: 0 stopped when told to, 2 no such service, 75 could not start this time (the database was
busy), 78 could not start and will not when tried again. One sentence says why.
"""

from __future__ import annotations

import gc
import importlib
import sys
import time
from contextlib import ExitStack, closing

from config.loading import SettingsError, load
from config.log import open_log
from config.settings import Settings
from protocol.commands import SERVICES
from services.batch import Unanswered
from services.context import Service
from services.storage import open_store
from services.storage.engine import StoreBusy, StoreUnavailable, Watchful
from services.storage.migrate import migrate
from services.worker import Worker, endpoints

USAGE = 2
COULD_NOT_START = 78  # EX_CONFIG of sysexits.h
TRY_AGAIN = 75  # EX_TEMPFAIL


def main(arguments: list[str]) -> int:
    """Run a worker until it is told to stop; the exit code."""
    if len(arguments) != 1 or arguments[0] not in SERVICES:
        print(f"usage: python -m services NAME, where NAME is one of {', '.join(SERVICES)}.", file=sys.stderr)
        return USAGE
    with ExitStack() as opened:
        try:
            worker = _started(arguments[0], load(), opened)
        except (SettingsError, StoreUnavailable, Unanswered, OSError) as error:
            print(f"The {arguments[0]} service could not start: {error}", file=sys.stderr)
            return TRY_AGAIN if isinstance(error, StoreBusy) else COULD_NOT_START
        worker.run()
    return 0


def _started(name: str, settings: Settings, opened: ExitStack) -> Worker:
    """A worker whose database is open and has its tables. Raises what ``main`` turns into a sentence."""
    service: Service = importlib.import_module(f"services.{name}").SERVICE
    log = open_log(settings, name)
    opened.callback(log.close)
    store = opened.enter_context(closing(open_store(settings)))
    applied = migrate(store, time.time_ns() // 1000)
    if applied:
        log.info("migrated", migrations=applied)
    if isinstance(store, Watchful):
        store.watch(log.alarm)
    worker = Worker(service, store, settings, log, endpoints(settings))
    # What was imported stays for good; the collector need not look at it again and again.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    return worker


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
