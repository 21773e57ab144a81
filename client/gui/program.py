"""How a window is begun: ``pesan gui``, ``pesan web``, ``flet run main.py``.

Belongs here: the commands, and choosing between the desktop and a browser. Nothing of Flet is loaded before
it is known to be there: it is the extra ``gui`` of the package.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Final

import click

NEEDED: Final = ("flet", "flet_web", "uvicorn", "babel")
"""What the extra brings."""
MISSING: Final = (
    "the window needs more packages: pip install 'pesan[gui]' (in the project's folder: '.[gui]')"
)
COULD_NOT_START: Final = 78
"""EX_CONFIG of sysexits.h, as for every process of ours that cannot start."""


def missing() -> bool:
    """Whether the extra is not installed."""
    return any(find_spec(name) is None for name in NEEDED)


@click.command()
def gui() -> None:
    """Open the window on the desktop.

    Flet fetches its program for the desktop when it is first needed. Where there is no desktop, open the
    window in a browser: `pesan up` serves it.
    """
    if missing():
        _refuse("gui")
    _desktop()


@click.command()
def web() -> None:
    """Serve the window to browsers, until Ctrl-C.

    `pesan up` does so, too. By itself it serves the server whose data folder it finds (PESAN_HOME).
    """
    if missing():
        _refuse("web")
    sys.exit(_browsers())


def run() -> None:
    """What ``main.py`` does: the desktop, or with ``flet run --web`` and where there is none, a browser."""
    if missing():
        _refuse("gui")
    headless = sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if os.environ.get("FLET_FORCE_WEB_SERVER", "").lower() == "true" or headless:
        sys.exit(_browsers())
    _desktop()


def _desktop() -> None:
    import flet as ft  # here, for neither a missing extra nor a browser needs it

    from client.gui.window import open_window

    ft.run(open_window)


def _browsers() -> int:
    from client.gui.serving.process import main

    return main()


def _refuse(command: str) -> None:
    click.echo(f"pesan {command}: {MISSING}.", err=True)
    sys.exit(COULD_NOT_START)
