"""The Procfile as jobs: which processes are to run, under which names.

honcho reads it, as ``honcho start`` would. Says nothing about what the processes are, but that the
broker is the one that cannot be replaced while it runs: two cannot listen on one port.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from honcho import environ

import config

BROKER: Final = "broker"
WEB: Final = "web"
OPTIONAL: Final = frozenset({"gateway", "web"})
"""Processes without which a server serves."""
OPERATORS: Final = frozenset("();<>|&")


class Job(NamedTuple):
    """One process to run. ``name`` is ``messaging.2``, ``command`` a line for the shell."""

    name: str
    command: str

    @property
    def is_broker(self) -> bool:
        """Whether this is the broker, by its name in the Procfile."""
        return self.name.rpartition(".")[0] == BROKER

    @property
    def replaceable(self) -> bool:
        """Whether a second one may run beside it while it is being replaced."""
        return not self.is_broker


def own_procfile() -> str:
    """The Procfile of this installation: inside the package, or at the project's root beside it."""
    packaged = Path(config.__path__[0]) / "Procfile"
    beside = Path(__file__).resolve().parents[2] / "Procfile"
    return packaged.read_text() if packaged.is_file() else beside.read_text()


def jobs(text: str, concurrency: Mapping[str, int]) -> list[Job]:
    """Every process of a Procfile, as often as ``concurrency`` says (default once).

    Raises ``ValueError`` for a Procfile without a process, and for a count of one that it does not have.
    """
    processes = environ.parse_procfile(text).processes
    if not processes:
        raise ValueError("the Procfile names no process")
    if strangers := sorted(concurrency.keys() - processes.keys()):
        raise ValueError(f"the Procfile has no {', '.join(strangers)}; it has {', '.join(processes)}")
    expanded = environ.expand_processes(processes, concurrency=dict(concurrency))
    return [Job(process.name, process.cmd) for process in expanded]


def concurrency(text: str) -> dict[str, int]:
    """``messaging=2,auth=2`` as numbers. Raises ``ValueError``."""
    counts = {}
    for part in filter(None, text.split(",")):
        name, _, count = part.partition("=")
        if not count.isdecimal():
            raise ValueError(f"{part!r} is not like messaging=2")
        counts[name.strip()] = int(count)
    if none := [name for name, count in counts.items() if not count and name not in OPTIONAL]:
        raise ValueError(f"a server needs at least one {none[0]}")
    if counts.get(BROKER, 1) > 1:
        raise ValueError("a server has one broker: two cannot listen on one port")
    if counts.get(WEB, 1) > 1:
        raise ValueError("a server has one web: a tab finds its window in the process where it left it")
    return counts


def shell_line(command: str) -> str:
    """``command`` so that the shell becomes it: its process id, exit code and signals are then our own.

    A line that is more than one simple command is left alone; the shell stays above what it starts.
    """
    try:
        words = list(shlex.shlex(command, posix=True, punctuation_chars=True))
    except ValueError:  # a quote without its end; the shell will say so
        return command
    simple = bool(words) and "=" not in words[0] and not any(set(word) <= OPERATORS for word in words)
    return f"exec {command}" if simple and words[0] != "exec" else command
