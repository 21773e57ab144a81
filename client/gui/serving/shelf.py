"""Files of the page itself: Flet's client from its wheel, and our own beside it, compressed once.

Belongs here: finding, compressing and sending them. The browser keeps them, and asks each time whether they
are still the same: a page must not mix files of two versions, and the answer to that costs nothing.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

OURS: Final = Path(__file__).parent / "page"
TYPES: Final = {
    ".bin": "application/octet-stream",
    ".css": "text/css; charset=utf-8",
    ".frag": "application/octet-stream",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".otf": "font/otf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""Ends of names that are served, and what they are; nothing else is."""
PACKED: Final = frozenset({".png", ".webp", ".woff2"})
"""These are compressed as they are."""
FIRST: Final = ("main.dart.wasm", "main.dart.mjs", "canvaskit/skwasm.wasm", "canvaskit/skwasm.js")
"""Large ones that every first visit asks for."""
MANIFEST: Final = "assets/FontManifest.json"
FONTS: Final = (
    {
        "family": "Roboto",
        "fonts": [
            {"asset": "fonts/roboto.woff2"},
            {"asset": "fonts/roboto-500.woff2", "weight": 500},
            {"asset": "fonts/roboto-700.woff2", "weight": 700},
        ],
    },
    {"family": "monospace", "fonts": [{"asset": "fonts/roboto-mono.woff2"}]},
)
"""Families that are loaded with the page, in files under ``page/assets`` (and, the first, Flet's)."""
LEVEL: Final = 6
"""Higher ones take twice as long for one percent."""


class Book(NamedTuple):
    """A file, ready to be sent."""

    plain: bytes
    packed: bytes
    """The same with gzip; empty where that does not help."""
    mark: str
    """What says whether a browser has this one."""
    kind: str


class Shelf:
    """Every file of the page."""

    def __init__(self) -> None:
        self._flet = _flet()
        self._books: dict[str, Book] = {}

    def fill(self) -> None:
        """Have ready what every first visit asks for."""
        for name in FIRST:
            self.book(name)

    def answer(self, request: Request) -> Response:
        """A file, or that the browser has it already. Called in a thread: some are large."""
        book = self.book(request.path_params.get("path") or "index.html")
        if book is None:
            return PlainTextResponse("There is no such page.", 404)
        packed = bool(book.packed) and "gzip" in request.headers.get("accept-encoding", "")
        headers = {"etag": book.mark, "cache-control": "no-cache", "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == book.mark:
            return Response(status_code=304, headers=headers)
        if packed:
            headers["content-encoding"] = "gzip"
        return Response(book.packed if packed else book.plain, headers=headers, media_type=book.kind)

    def book(self, name: str) -> Book | None:
        """The file of this name; None if there is none that is served."""
        if name not in self._books:
            content = self._content(name)
            if content is None:
                return None
            self._books[name] = _bound(content, Path(name).suffix)
        return self._books[name]

    def _content(self, name: str) -> bytes | None:
        parts = name.split("/")
        if Path(name).suffix not in TYPES or any(part in ("", ".", "..") for part in parts) or "\\" in name:
            return None
        for folder in (OURS, self._flet):
            file = folder.joinpath(*parts)
            with contextlib.suppress(OSError):  # of a name that is longer than names are
                if file.is_file():
                    content = file.read_bytes()
                    return _with_fonts(content) if name == MANIFEST else content
        return None


def _bound(content: bytes, suffix: str) -> Book:
    mark = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    packed = b"" if suffix in PACKED else gzip.compress(content, LEVEL, mtime=0)
    return Book(content, packed if len(packed) < len(content) else b"", mark, TYPES[suffix])


def _flet() -> Path:
    """Where the wheel has Flet's client."""
    found = find_spec("flet_web")
    assert found is not None and found.origin is not None, "flet-web is not installed"
    return Path(found.origin).parent / "web"


def _with_fonts(manifest: bytes) -> bytes:
    """The list of fonts with those of the window.

    The first is Flet's own, which its client would ask the internet for; without its heavier ones the engine
    would smear it where text is bold.
    """
    return json.dumps([*json.loads(manifest), *FONTS]).encode()
