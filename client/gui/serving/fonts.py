"""Fonts for emoji and for scripts that Flet's own font does not have: sent when a text first needs them.

Belongs here: answering the requests of Flutter's engine. It asks for ``FAMILY/vN/HASH.woff2`` as Google Fonts
names them, or ``….SLICE.woff2`` of a font that is cut into slices; ``page/page.js`` says that we have them.
Which version it names does not matter: it needs the glyphs. docs/decisions/0050-served-by-ourselves.md.
"""

from __future__ import annotations

import re
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

PATH: Final = "/fonts"
FOLDER: Final = Path(__file__).parent / "fonts"
ALIASES: Final = {"notosans": "notosansdevanagari"}
"""The engine looks for Devanagari in a font that has much else; what else is in it, Flet's own font has."""
_ASKED: Final = re.compile(r"([a-z0-9]{1,64})/v\d{1,4}/[\w-]{1,200}?(?:\.(\d{1,3}))?\.woff2")
AGE: Final = 30 * 86_400
"""Seconds that a browser may keep one without asking again."""


def font(asked: str) -> bytes | None:
    """The font at this address; None when there is none.

    >>> font("notosansthai/v25/abc.woff2")[:4]
    b'wOF2'
    """
    found = _ASKED.fullmatch(asked)
    return _read(ALIASES.get(found[1], found[1]), found[2] or "") if found else None


@lru_cache(maxsize=64)
def _read(family: str, number: str) -> bytes | None:
    whole, slices = FOLDER / f"{family}.woff2", FOLDER / f"{family}.zip"
    if number and slices.is_file():
        with zipfile.ZipFile(slices) as opened:
            name = f"{int(number)}.woff2"
            return opened.read(name) if name in opened.namelist() else None
    return whole.read_bytes() if not number and whole.is_file() else None


def _answer(request: Request) -> Response:
    found = font(request.path_params["asked"])
    if found is None:
        return PlainTextResponse("There is no such font.", 404)
    return Response(found, headers={"cache-control": f"max-age={AGE}"}, media_type="font/woff2")


route: Final = Route(f"{PATH}/{{asked:path}}", _answer, methods=["GET"])
