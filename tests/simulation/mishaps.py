"""What befalls the parties of a run: each mishap of a plan, carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.limits import TOPIC_BYTES
from tests.simulation.plan import Deed

if TYPE_CHECKING:
    from tests.simulation.world import World

FLOOD = 1_600
"""Frames at once: more than a connection with 100 topics at most may send."""


def befall(world: World, mishap: Deed) -> None:
    """Let it happen, now."""
    seconds, which = mishap.what
    world.note(f"{mishap.kind} {mishap.who} {mishap.what}")
    world.counts[mishap.kind] += 1
    worker = world.workers[mishap.who % len(world.workers)]
    device = world.devices[mishap.who % len(world.devices)]
    # Mostly where messages are stored.
    storing = world.workers[mishap.who if mishap.who < 2 else -1 - mishap.who % world.plan.messaging]
    match mishap.kind:
        case "kill worker":
            world.kill_worker(worker)
        case "kill worker after commit":
            storing.dies_after_commit = True
        case "stop worker inside a transaction":
            storing.stops = "inside", seconds
        case "stop worker after commit":
            storing.stops = "after", seconds
        case "kill broker":
            world.kill_broker()
        case "kill everything":
            for each in world.workers:
                world.kill_worker(each)
            world.kill_broker()
        case "kill device":
            device.kill()
            world.clock.after(seconds, world.restart_device, device)
        case "cut":
            device.cut(which, seconds)
        case "freeze worker":
            worker.freeze(seconds)
        case "freeze broker":
            world.broker.freeze(seconds / 2)
        case "disk full":
            world.disk_full = True
            world.clock.after(seconds / 2, world.mend_disk)
        case "commits in doubt":
            world.commits_in_doubt = True
            world.clock.after(seconds / 2, world.mend_disk)
        case "stray frame":
            device.stray(b"\7 not a subscription")
        case "flood of subscriptions":
            device.pour([b"\0" + bytes(TOPIC_BYTES)] * FLOOD)
        case unknown:
            raise AssertionError(f"no mishap is called {unknown}")
