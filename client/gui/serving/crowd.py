"""The page that is answered when there is no room for another tab. It asks again by itself.

Belongs here: that. Whether there is room, ``tabs`` says; a page that was loaded just before waits by itself.
"""

from __future__ import annotations

import html
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

AGAIN: Final = 10
"""Seconds after which the browser asks again."""
PAGE: Final = """<!DOCTYPE html>
<html lang="{language}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="icon" type="image/svg+xml" href="/icon.svg">
  <link rel="stylesheet" href="/page.css">
  <title>Pesan</title>
</head>
<body>
  <main id="crowd"><img src="/icon.svg" alt=""><h1>{title}</h1><p>{advice}</p></main>
</body>
</html>
"""


def too_many(request: Request) -> Response:
    """Says so, in the language that the browser asks for."""
    from client.gui.words import Words  # here, for it loads Babel, which who has room does not need yet
    from client.gui.words.words import chosen

    words = Words(chosen(request.headers.get("accept-language", "")))
    page = PAGE.format(
        language=words.language,
        title=html.escape(words.say("Too many tabs are open.")),
        advice=html.escape(words.say("Close one that is not needed. This page tries again by itself.")),
    )
    headers = {"refresh": str(AGAIN), "retry-after": str(AGAIN), "cache-control": "no-store"}
    return HTMLResponse(page, 503, headers)
