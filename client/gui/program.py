"""How a window is begun: ``flet run main.py``, ``pesan gui``, ``pesan web``.

Belongs here: the commands, and choosing between the desktop and a browser.
"""

from __future__ import annotations

import flet as ft

from client.gui.window import open_window


def run() -> None:
    """Open a window on the desktop."""
    ft.run(open_window)
