"""The fonts that the page begins with."""

from __future__ import annotations

import json

from client.gui.serving.shelf import FONTS, MANIFEST, Shelf
from client.gui.views import look


def test_every_font_that_is_named_is_there_and_has_a_licence() -> None:
    shelf = Shelf()
    book = shelf.book(MANIFEST)
    assert book is not None
    named = {family["family"]: family["fonts"] for family in json.loads(book.plain)}
    assert look.MONO in named
    for family in FONTS:
        assert named[family["family"]] == list(family["fonts"])
        for font in named[family["family"]]:
            found = shelf.book(f"assets/{font['asset']}")
            assert found is not None, font
            assert found.plain.startswith(b"wOF2")
            assert len(found.plain) < 80_000


def test_text_has_three_weights() -> None:
    fonts: list[dict[str, int]] = json.loads(json.dumps(FONTS[0]["fonts"]))
    weights = [font.get("weight", 400) for font in fonts]
    assert weights == [400, 500, 700]
