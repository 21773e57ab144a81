"""Which threads of ours give way to others on a machine with too little time."""

from __future__ import annotations

import os
import sys
import threading


def step_back(nice: int) -> None:
    """Let this thread stand behind whatever else runs, by ``nice`` (as far as 19 from wherever it is).

    Linux keeps a priority for each thread; elsewhere it would be the whole process's, so nothing is done.
    Threads that are started from this one inherit it, those of libzmq as well.
    """
    if sys.platform == "linux":
        least = min(19, os.getpriority(os.PRIO_PROCESS, 0) + nice)
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), least)
