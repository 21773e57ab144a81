"""The command ``pesan up``: options, the checks before anything starts, and the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from broker.up.notices import Notices
from broker.up.policy import COULD_NOT_START, Policy
from broker.up.printer import Lines
from broker.up.procfile import Job, concurrency, jobs, own_procfile
from broker.up.supervisor import Supervisor
from config.claims import claim
from config.folders import socket_folder
from config.loading import SettingsError, load
from config.log import ServerLog, open_log
from config.settings import Settings

PATIENCE = 4.0
"""Seconds beyond ``drain_timeout`` that a process may take to stop before it is killed."""


@click.command(name="up")
@click.option("--procfile", type=click.Path(exists=True, dir_okay=False), help="Another Procfile.")
@click.option("-c", "--concurrency", "counts", default="", help="How many of what: messaging=2,auth=2.")
def command(procfile: str | None, counts: str) -> None:
    """Run a server: every process of the Procfile, until Ctrl-C.

    Starts again what ends by itself; kill -HUP replaces the workers one at a time. Exit codes: 0 after
    Ctrl-C, 143 after SIGTERM, 78 when the server could not start.
    """
    try:
        wanted = jobs(Path(procfile).read_text() if procfile else own_procfile(), concurrency(counts))
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    try:
        settings = load()
        folder = socket_folder(settings.home)
        if claim(folder / "up.lock") is None:
            _refuse(f"pesan up already runs on the data folder {settings.home}.")
        notices = Notices(folder / "up.sock")
        log = open_log(settings, "up")
    except (SettingsError, OSError) as error:
        _refuse(str(error))
    sys.exit(_run(wanted, settings, notices, log))


def _run(wanted: list[Job], settings: Settings, notices: Notices, log: ServerLog) -> int:
    read: Callable[[], Settings] = lambda: load(home=settings.home)  # noqa: E731 - with its type
    supervisor = Supervisor(
        Policy(wanted, settings.drain_timeout + PATIENCE, settings.watchdog_timeout),
        settings,
        read,
        _environment(settings.home),
        notices,
        Lines(sys.stdout, [job.name for job in wanted]),
        log,
    )
    try:
        return supervisor.run()
    finally:
        notices.close()
        log.close()


def _refuse(reason: str) -> NoReturn:
    click.echo(f"pesan up: {reason}", err=True)
    sys.exit(COULD_NOT_START)


def _environment(home: Path) -> dict[str, str]:
    """Ours, with the Python that runs us first, and no module of ours taken from the current folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {
        **os.environ,
        "PATH": path,
        "PESAN_HOME": str(home),
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",
    }
