"""``python -m benchmarks dm --pairs 50 --window 32 --seconds 10 --json``: run a scenario, print its figures.

``dm`` runs the ``relay`` yardstick in the same call and reports the ratio of the two, which is what
its bar is about. ``all`` runs everything in turn, but for ``crash``, ``soak`` and ``realms``, which have
options of their own (``python -m benchmarks crash --help``) and take minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from benchmarks.crash.run import main as crash
from benchmarks.dm import dm
from benchmarks.fanout import fanout
from benchmarks.figures import Meter
from benchmarks.files.scenario import file
from benchmarks.gateway.scenario import gateway
from benchmarks.idle import idle
from benchmarks.latency import latency
from benchmarks.logins.logouts import logouts
from benchmarks.logins.scenario import logins
from benchmarks.own_server import OwnServer
from benchmarks.realms.run import main as realms
from benchmarks.relay import relay
from benchmarks.soak import main as soak
from benchmarks.start import start
from benchmarks.web.scenario import web

DM_BAR = 0.18
"""``dm`` delivers at least this share of what the relay echoes a second."""


def main() -> int:
    """Run what the command line names; exit code 1 when a bar was missed."""
    if sys.argv[1:2] == ["crash"]:
        return crash(sys.argv[2:])
    if sys.argv[1:2] == ["soak"]:
        return soak(sys.argv[2:])
    if sys.argv[1:2] == ["realms"]:
        return realms(sys.argv[2:])
    options = _options()
    scenarios: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
        "relay": lambda o: relay(o.pairs, o.window, o.seconds),
        "dm": _dm_and_relay,
        "latency": lambda o: _driven(o, latency, seconds=o.seconds),
        "logins": lambda o: _driven(o, logins, rate_limits=True, seconds=o.seconds),
        "logouts": lambda o: _driven(o, logouts, listeners=o.listeners, seconds=o.seconds),
        "fanout": lambda o: _driven(o, fanout, members=o.members, seconds=o.seconds),
        "file": lambda o: _driven(o, file, mib=o.mib, rounds=o.rounds, seconds=o.seconds),
        "idle": lambda o: _driven(o, idle, clients=o.clients),
        "gateway": _gateway,
        "start": lambda o: start(),
        "web": lambda o: web(o.short),
    }
    missed = False
    for name in scenarios if options.scenario == "all" else [options.scenario]:
        figures = scenarios[name](options)
        missed = missed or figures.get("bar_met") is False
        _print(figures, options.json)
    return int(missed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "scenario",
        choices=[
            "relay",
            "dm",
            "latency",
            "logins",
            "logouts",
            "fanout",
            "file",
            "idle",
            "gateway",
            "start",
            "web",
            "all",
        ],
        help="what to measure",
    )
    parser.add_argument("--server", default="", help="connection string; default: start one of our own")
    parser.add_argument("--database", default="", help="PESAN_DATABASE of our own server; default: SQLite")
    parser.add_argument("--workers", type=int, default=1, help="messaging workers of our own server")
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--window", type=int, default=32, help="messages in flight of each pair")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--members", type=int, default=500, help="of the group in fanout")
    parser.add_argument("--listeners", type=int, default=1000, help="in logouts")
    parser.add_argument("--mib", type=int, default=1024, help="size of the file in file")
    parser.add_argument("--rounds", type=int, default=3, help="in file: how often each side has its turn")
    parser.add_argument("--clients", type=int, default=2000, help="in idle and in gateway")
    parser.add_argument("--short", action="store_true", help="in web: a look, in place of a measurement")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args()


def _driven(
    options: argparse.Namespace,
    scenario: Callable[..., dict[str, Any]],
    *,
    rate_limits: bool = False,
    **kwargs: Any,
) -> dict[str, Any]:
    """Run a scenario against the server it was given, or one of its own."""
    if options.server:
        return scenario(options.server, Meter({}), **kwargs)
    with ExitStack() as stack:
        server = stack.enter_context(
            OwnServer(
                counts={"messaging": options.workers},
                environment={"PESAN_DATABASE": options.database} if options.database else {},
                rate_limits=rate_limits,
            )
        )
        meter = Meter({name: process.pid for name, process in server.processes.items()})
        return scenario(server.connection, meter, **kwargs)


def _gateway(options: argparse.Namespace) -> dict[str, Any]:
    """Always on a server of its own: it looks into the gateway's process, and starts it again."""
    return gateway(
        clients=options.clients,
        pairs=options.pairs,
        seconds=options.seconds,
        workers=options.workers,
        database=options.database,
    )


def _dm_and_relay(options: argparse.Namespace) -> dict[str, Any]:
    """Both, the relay before and after, so that a drift of the machine's speed shows."""
    before = relay(options.pairs, options.window, min(3.0, options.seconds))
    figures = _driven(options, dm, pairs=options.pairs, window=options.window, seconds=options.seconds)
    after = relay(options.pairs, options.window, min(3.0, options.seconds))
    echoes = [before["echoes_per_second"], after["echoes_per_second"]]
    ratio = round(figures["delivered_per_second"] / (sum(echoes) / 2), 3)
    return {
        **figures,
        "relay_echoes_per_second": echoes,
        "ratio": ratio,
        "bar": DM_BAR,
        "bar_met": ratio >= DM_BAR,
    }


def _print(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures), flush=True)
        return
    print(f"\n{figures['scenario']} ({os.cpu_count()} cores)")
    bars = figures.pop("bars", [])
    for name, value in _rows(figures):
        if name != "scenario":
            print(f"  {name.replace('_', ' '):40} {value}", flush=True)
    for bar in bars:
        print(
            f"  {'ok    ' if bar['met'] else 'missed'} {bar['what']:45} {bar['found']:8}"
            f"  ({bar['rule']} {bar['bar']})",
            flush=True,
        )


def _rows(figures: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values; what holds maps of maps is opened."""
    for name, value in figures.items():
        if isinstance(value, dict) and any(isinstance(one, dict) for one in value.values()):
            yield from _rows(value, f"{above}{name} ")
        else:
            yield above + name, value


if __name__ == "__main__":
    sys.exit(main())
