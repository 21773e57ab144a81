"""Both themes can be read: contrasts are computed for every text and the ground that it stands on."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import flet as ft
import pytest

from client.gui.views import look, palette
from client.gui.views.palette import AVATARS, DARK, LIGHT, ON_AVATAR, PAIRS, TEXT, Palette, contrast

VIEWS = Path(look.__file__).parent
THEMES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert contrast("#FFFFFF", "#777777") == contrast("#777777", "#FFFFFF")
    assert contrast("#123456", "#123456") == 1


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_can_be_read_on_its_ground(theme: Palette) -> None:
    weak = {
        (text, ground): round(contrast(theme[text], theme[ground]), 2)
        for text, ground, least in PAIRS
        if contrast(theme[text], theme[ground]) < least
    }
    assert not weak


@pytest.mark.parametrize("theme", THEMES)
def test_signs_of_people_can_be_read(theme: Palette) -> None:
    assert all(contrast(ON_AVATAR, ground) >= TEXT for ground in AVATARS)


def test_both_themes_name_the_same_roles_and_flet_knows_them() -> None:
    roles = {field.name for field in dataclasses.fields(ft.ColorScheme)}
    assert set(LIGHT) == set(DARK)
    assert set(LIGHT) <= roles
    # The rest are "fixed" roles, which nothing of ours uses: the same in both themes.
    assert {role for role in roles - set(LIGHT) if "fixed" not in role} == set()


def _colours(file: Path) -> set[str]:
    """Names of colours that a piece uses: ``ft.Colors.X``, or ``Colour.X`` in ``controls``."""
    return {
        node.attr.lower()
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Attribute)
        and (
            (isinstance(node.value, ast.Attribute) and node.value.attr == "Colors")
            or (isinstance(node.value, ast.Name) and node.value.id == "Colour")
        )
    }


def test_pieces_name_roles_and_no_colours() -> None:
    allowed = set(LIGHT) | {"transparent", "with_opacity"}
    for file in VIEWS.glob("*.py"):
        assert _colours(file) <= allowed, file.name
        if file.name != "palette.py":
            assert '"#0' not in file.read_text() and '"#F' not in file.read_text(), file.name


def test_whatever_stands_as_text_is_in_a_pair() -> None:
    """A role that begins with ``on_`` is text by its name: each has the grounds that it is computed on."""
    texts = {role for role in LIGHT if role.startswith("on_")}
    assert texts == {text for text, _, _ in PAIRS if text.startswith("on_")}


def test_both_themes_are_made_of_their_palette() -> None:
    for theme, colours in ((look.theme(), LIGHT), (look.dark_theme(), DARK)):
        assert theme.color_scheme == ft.ColorScheme(**colours)
        assert theme.text_theme is not None
        styles = [getattr(theme.text_theme, field.name) for field in dataclasses.fields(theme.text_theme)]
        assert {style.color for style in styles if style is not None} == {colours["on_surface"]}
    assert palette.TEXT == 4.5
