"""``pesan up``: run every process of the Procfile, for someone who just wants a server.

honcho does the work, as ``honcho start`` would; added are a second Ctrl-C that forces, the
``pesan ready`` line without honcho's column in front, and a Procfile that is found wherever Pesan
was installed. Says nothing about what the processes are: the Procfile does.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
from honcho import environ
from honcho.manager import SIGNALS, Manager
from honcho.printer import Message, Printer

from config.settings import SettingsError, load

READY = b"pesan ready "


class _Printer(Printer):  # type: ignore[misc]
    """Leaves the line that tools wait for as the broker wrote it."""

    def write(self, message: Message) -> None:
        if isinstance(message.data, bytes) and message.data.startswith(READY):
            print(message.data.decode().rstrip(), file=self.output, flush=True)
        else:
            super().write(message)


class _Manager(Manager):  # type: ignore[misc]
    """The first signal lets every process drain, the second ends them."""

    returncode: int | None

    def _start(self) -> None:
        def stop(number: int, frame: Any) -> None:
            if self.returncode is not None:
                self.kill()
                return
            self._system_print("stopping; once more to force\n")
            self.returncode = SIGNALS[number]["rc"] if number == signal.SIGTERM else 0
            self.terminate()

        for number in SIGNALS:
            signal.signal(number, stop)
        super()._start()


@click.command(name="up", help="Run a server: every process of the Procfile, until Ctrl-C.")
@click.option("--procfile", type=click.Path(exists=True, dir_okay=False), help="Another Procfile.")
@click.option("-c", "--concurrency", default="", help="How many of what: messaging=2,auth=2.")
def command(procfile: str | None, concurrency: str) -> None:
    """Run until told to stop; the exit code is that of the process that ended first, if one did."""
    try:
        settings = load()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    manager = _Manager(_Printer(sys.stdout))
    text = Path(procfile).read_text() if procfile else _own_procfile()
    for process in environ.expand_processes(
        environ.parse_procfile(text).processes,
        concurrency=_concurrency(concurrency),
        env=_environment(settings.home),
    ):
        manager.add_process(process.name, process.cmd, env=process.env)
    manager.loop()
    sys.exit(manager.returncode)


def _own_procfile() -> str:
    """The Procfile of this installation: inside the package, or at the project's root beside it."""
    packaged = files("config") / "Procfile"
    beside = Path(__file__).resolve().parent.parent / "Procfile"
    return packaged.read_text() if packaged.is_file() else beside.read_text()


def _concurrency(text: str) -> dict[str, int]:
    counts = {}
    for part in filter(None, text.split(",")):
        name, _, count = part.partition("=")
        if not count.isdigit():
            raise click.BadParameter(f"{part!r} is not like messaging=2", param_hint="-c")
        counts[name] = int(count)
    return counts


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
