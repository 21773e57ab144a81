"""What Flet calls for each new page: a model and a shell for it, until the page is gone.

Belongs here: making and ending these. What is drawn is ``views.shell``'s.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

import flet as ft

from client.chat import Chat
from client.gui.desktop import DesktopDoors, HomeKeeping
from client.gui.model.model import Model
from client.gui.views.shell import Shell
from client.gui.views.window import Window
from client.gui.visit import visit
from client.gui.words import Words
from client.gui.words.words import chosen, own_languages

# For the whole program: each event of a page runs in a task of its own, which would else end with a
# comparison of everything on the page.
ft.context.disable_auto_update()  # type: ignore[no-untyped-call]


async def open_window(page: ft.Page, gone: Callable[[], object] = lambda: None) -> None:
    """One window: it draws itself until the page is closed; then ``gone`` is called."""
    who = visit.get()
    zone = zoneinfo.ZoneInfo(who.zone) if who.zone in zoneinfo.available_timezones() else None
    keeping = who.keeping(page) if who.keeping is not None else HomeKeeping()
    model = Model(
        keeping,
        server=who.server,
        fixed=who.fixed,
        device=who.device,
        zone=zone,
        chats=who.chats or Chat.connect,
    )
    doors = who.doors(page, model) if who.doors is not None else DesktopDoors(page, model)
    shell = Shell(Window(page, model, Words(chosen(who.languages or own_languages()), zone), doors))

    async def close() -> None:
        gone()
        await shell.close()

    page.on_close = close
    await shell.open()
