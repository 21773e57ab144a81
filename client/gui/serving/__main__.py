"""``python -m client.gui.serving``: serve the window to browsers; what ``web`` in the Procfile runs.

Without the packages that it needs it says so and waits: a server without it serves all else.
"""

from __future__ import annotations

import signal
import sys

from client.gui.program import MISSING, missing
from config.readiness import say_ready


def main() -> int:
    """Serve until told to stop; the exit code."""
    if missing():
        stops = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, stops)
        print(f"pesan web: {MISSING}.", file=sys.stderr, flush=True)
        say_ready()
        signal.sigwait(stops)
        return 0
    from client.gui.serving import process

    return process.main()


if __name__ == "__main__":
    sys.exit(main())
