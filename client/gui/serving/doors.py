"""How files come in from a browser and go out to it: the doors of one tab.

Belongs here: Flet's file picker and what is dropped on a page, made into files of the model; tickets for what
goes out. The requests themselves are ``uploads``' and ``downloads``'.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote

import flet as ft
import msgspec

from client.gui.model.album import is_picture
from client.gui.model.model import Model
from client.gui.model.transfers import Crate
from client.gui.serving.downloads import Outgoing
from client.gui.serving.freight import Freight
from client.gui.serving.spool import Incoming, Share
from client.gui.serving.uploads import Dropped
from protocol.file_names import local_name
from protocol.files import FileInfo

TICKETS_MOST: Final = 500
"""Tickets for files that go out, for one tab; the oldest are good for nothing then."""

EXPECTED_MOST: Final = 500
"""Files that one tab has announced and not begun to send; what is chosen beyond that is left out."""


class BrowserDoors:
    """Files come in over ``/files/in`` and go out over ``/files/out``, each with a ticket."""

    def __init__(self, freight: Freight, page: ft.Page, model: Model) -> None:
        self._freight = freight
        self._page = page
        self._model = model
        self._share = Share(freight.spool)
        self._take: Callable[[list[Crate]], None] | None = None
        self._in: list[tuple[str, Incoming]] = []
        self._out: OrderedDict[tuple[int, str, str], str] = OrderedDict()
        self._tab = page.session.id
        self._picker: ft.FilePicker | None = None
        self._launcher: ft.UrlLauncher | None = None
        freight.uploads.tabs[self._tab] = self._dropped
        freight.uploads.losses[self._tab] = self._lose

    # --- in -------------------------------------------------------------------------------------

    async def choose(self) -> list[Crate]:
        """Let somebody choose files to send; the browser begins to send them at once."""
        if self._picker is None:
            self._picker = ft.FilePicker(on_upload=self._uploaded)
        # A browser that is slow to open its dialog takes the window's losing the focus for a refusal.
        told = await self._picker.pick_files(allow_multiple=True, cancel_upload_on_window_blur=False)
        chosen = [file for file in told if _sensible(file)][: max(EXPECTED_MOST - self._expected, 0)]
        crates = [self._expect(file.name, file.size) for file in chosen]
        uploads = [
            ft.FilePickerUploadFile(upload_url=f"/files/in/{ticket}", id=file.id, name=file.name)
            for file, (ticket, _) in zip(chosen, crates, strict=True)
        ]
        if uploads:
            await self._picker.upload(uploads)
        return [incoming for _, incoming in crates]

    def on_drop(self, take: Callable[[list[Crate]], None]) -> None:
        """Have ``take`` called with files that are dropped on the window, or pasted."""
        self._take = take

    def _dropped(self, files: Sequence[Dropped]) -> list[str] | None:
        if self._take is None or not self._model.user or self._model.room is None:
            return None
        if self._expected + len(files) > EXPECTED_MOST:
            return None
        crates = [self._expect(file.name, file.size) for file in files]
        self._take([incoming for _, incoming in crates])
        return [ticket for ticket, _ in crates]

    def _lose(self) -> None:
        """The page is loaded again, and knows nothing of files that it was to send.

        While the one before is connected it is not: then it is a copy of the tab, and gets its own window.
        """
        connected: object = self._page.session.connection  # None while it is not, whatever its type says
        if connected is None:
            for _, incoming in self._in:
                if incoming.wanted:
                    incoming.fail()

    @property
    def _expected(self) -> int:
        """Files that have tickets and have not begun to come."""
        return sum(incoming.wanted for _, incoming in self._in)

    def _expect(self, name: str, size: int) -> tuple[str, Incoming]:
        self._in = [entry for entry in self._in if entry[1].wanted]
        incoming = Incoming(self._share, name, size)
        ticket = self._freight.uploads.tickets.issue(incoming)
        self._in.append((ticket, incoming))
        return ticket, incoming

    def _uploaded(self, event: ft.FilePickerUploadEvent) -> None:
        """What a browser cannot read, it never sends."""
        if event.error:
            for _, incoming in self._in:
                if incoming.name == event.file_name and incoming.wanted:
                    incoming.fail()

    # --- out ------------------------------------------------------------------------------------

    async def save(self, file: FileInfo, address: str) -> None:
        """Have the browser save a file as it saves any other."""
        name = quote(local_name(file.name), safe="")
        url = f"/files/out/{self._ticket(file, address)}/{name}"
        if self._launcher is None:
            self._launcher = ft.UrlLauncher()
        # An answer that is to be saved takes nothing's place; in a new tab it would be a pop-up.
        await self._launcher.launch_url(url, web_only_window_name="_self")

    async def picture(self, file: FileInfo) -> str | bytes | None:
        """Where the browser finds a picture."""
        if not is_picture(file) or await self._model.transfers.picture(file) is None:
            return None
        return f"/files/picture/{self._ticket(file, '')}"

    def _ticket(self, file: FileInfo, address: str) -> str:
        """One for each file and user, so that a browser keeps the picture that it has."""
        user = self._model.user
        key = (file.file, address, user)
        if key not in self._out:
            outgoing = Outgoing(self._model, user, file, address)
            self._out[key] = self._freight.downloads.tickets.issue(outgoing)
        self._out.move_to_end(key)
        while len(self._out) > TICKETS_MOST:
            self._freight.downloads.tickets.take_back(self._out.popitem(last=False)[1])
        return self._out[key]

    def close(self) -> None:
        """The tab is gone: no ticket of it is good any more, nothing more comes."""
        self._freight.uploads.tabs.pop(self._tab, None)
        self._freight.uploads.losses.pop(self._tab, None)
        for ticket, incoming in self._in:
            self._freight.uploads.tickets.take_back(ticket)
            incoming.drop()
        for ticket in self._out.values():
            self._freight.downloads.tickets.take_back(ticket)
        self._in, self._take = [], None
        self._out.clear()


def _sensible(file: ft.FilePickerFile) -> bool:
    """Whether a page says of a file what can be true: Flet believes whatever comes over its socket."""
    try:
        msgspec.convert({"name": file.name, "size": file.size}, Dropped)
    except msgspec.ValidationError:
        return False
    return True
