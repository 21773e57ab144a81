"""Fonts for scripts that Flet's own has not: what the engine asks for is there."""

from __future__ import annotations

import re

import pytest

from client.gui.serving import fonts, shelf

COMPLETE = (
    "notocoloremoji",
    "notosanssc",
    "notosanstc",
    "notosanshk",
    "notosansjp",
    "notosanskr",
    "notosansarabic",
)


def asked(family: str) -> list[str]:
    """Every numbered or whole file of a family that the engine knows, as it asks for them."""
    engine = (shelf._flet() / "main.dart.js").read_bytes()
    found = re.findall(rf"{family}/v\d+/[\w-]+(?:\.\d+)?\.woff2".encode(), engine)
    return sorted({name.decode() for name in found})


@pytest.mark.parametrize("family", COMPLETE)
def test_every_slice_that_the_engine_may_ask_for_is_a_font(family: str) -> None:
    sliced = [name for name in asked(family) if re.search(r"\.\d+\.woff2$", name)] or asked(family)
    assert sliced
    assert all((fonts.font(name) or b"")[:4] == b"wOF2" for name in sliced)


@pytest.mark.parametrize(
    "name", ["../settings/v1/a.woff2", "notosansthai/v1/../a.woff2", "notosansthai", "nothing/v1/a.woff2", ""]
)
def test_nothing_else_is_there(name: str) -> None:
    assert fonts.font(name) is None
