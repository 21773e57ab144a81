"""A server of one's own, attackers at its doors, a pair that chats: what was tried, and who noticed."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from typing import Any, Final

import psutil

from benchmarks.own_server import ROOT, OwnServer
from tests.fuzz.zmtp.attackers import ALL
from tests.fuzz.zmtp.pair import Pair, register

P99_MS: Final = 1000.0
"""Milliseconds within which 99 of 100 messages are delivered while the attackers take a core."""
GROWTH_MIB: Final = 96
"""MiB by which the broker may have grown when the attackers have gone: what libc keeps for the next time."""
SETTLE: Final = 7.0
"""Seconds after the attack until half handshakes have been closed."""
GIVEN_BACK: Final = 75.0
"""Seconds after the attack within which the broker gives back what a flood took."""


async def against(curve: bool, seconds: float, seed: int, kinds: Iterable[str] = ALL) -> dict[str, Any]:
    """Attack one server for so long; figures of attackers, pair and broker."""
    settings = {"curve": curve, "password_memory_kib": 8, "password_passes": 1}
    with OwnServer(settings=settings, rate_limits=True) as server:
        broker = psutil.Process(server.processes["broker"].pid)
        await register(server.connection)
        pair, peak = Pair(), Peak(broker)
        before = mib(broker)
        watch = asyncio.create_task(peak.watch())
        tried, _ = await asyncio.gather(
            attackers(server.connection, seconds, seed, kinds), pair.chat(server.connection, seconds)
        )
        watch.cancel()
        given_back = await settled(broker, before)
        alive = server.processes["broker"].poll() is None and broker.is_running()
        return {
            "curve": curve,
            "seconds": seconds,
            "seed": seed,
            **tried,
            "pair": pair.figures(),
            "broker": {
                "same_process": alive,
                "before_mib": before,
                "peak_mib": peak.mib,
                "after_mib": mib(broker) if alive else 0,
                "given_back_s": given_back,
                "connections_after": len(broker.net_connections("tcp")) if alive else 0,
            },
        }


async def attackers(server: str, seconds: float, seed: int, kinds: Iterable[str]) -> dict[str, Any]:
    """The attackers, in a process of their own; what they tried."""
    arguments = [f"--seconds={seconds}", f"--seed={seed}", f"--kinds={','.join(kinds)}"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fuzz.zmtp.attackers", server, *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("the attackers stumbled")
    tried: dict[str, Any] = json.loads(output)
    return tried


async def settled(broker: psutil.Process, before: int) -> float:
    """Wait until half handshakes are closed and memory is given back; seconds until then."""
    began = time.monotonic()
    await asyncio.sleep(SETTLE)
    while broker.is_running() and mib(broker) > before + GROWTH_MIB and time.monotonic() < began + GIVEN_BACK:
        await asyncio.sleep(0.5)
    return round(time.monotonic() - began, 1)


class Peak:
    """The most memory that a process had."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self.mib = 0

    async def watch(self) -> None:
        """Look ten times a second."""
        while self._process.is_running():
            self.mib = max(self.mib, mib(self._process))
            await asyncio.sleep(0.1)


def mib(process: psutil.Process) -> int:
    """Resident memory, MiB."""
    return int(process.memory_info().rss >> 20)


def faults(figures: dict[str, Any], p99_ms: float = P99_MS) -> list[str]:
    """What the pair noticed, or the broker suffered; nothing when all is well."""
    pair, broker = figures["pair"], figures["broker"]
    found = [f"{pair[name]} {name}" for name in ("lost", "doubled", "reconnects") if pair[name]]
    if not pair["messages"]:
        found.append("the pair said nothing")
    elif pair["delivery"]["p99_ms"] > p99_ms:
        found.append(f"p99 of {pair['delivery']['p99_ms']} ms, over {p99_ms}")
    if not broker["same_process"]:
        found.append("the broker died")
    elif broker["after_mib"] > broker["before_mib"] + GROWTH_MIB:
        found.append(f"the broker grew from {broker['before_mib']} to {broker['after_mib']} MiB")
    return found
