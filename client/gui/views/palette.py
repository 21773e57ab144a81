"""Every colour of both themes, by the name of its role, and which text stands on which background.

Belongs here: numbers of colours. ``look`` makes themes of them; pieces name a role (``ft.Colors.SURFACE``).

A calm green-grey for what surrounds, one teal for what one acts on, and hardly a line: neighbours are told
apart by the tone of their ground; what lies on another ground like a card is ``surface_bright``. ``PAIRS``
names every text and every ground that it is drawn on; a test computes their contrast in both themes (WCAG 2.1
AA: 4.5 for text, 3 for what is only a sign or a border).
"""

from __future__ import annotations

from typing import Final

Palette = dict[str, str]
"""Role → colour as #RRGGBB."""

LIGHT: Final[Palette] = {
    "primary": "#0B6B5D",
    "on_primary": "#FFFFFF",
    "primary_container": "#CFEEE5",
    "on_primary_container": "#06382F",
    "secondary": "#46605A",
    "on_secondary": "#FFFFFF",
    "secondary_container": "#DDEBE6",
    "on_secondary_container": "#17332D",
    "tertiary": "#2F5C8F",
    "on_tertiary": "#FFFFFF",
    "tertiary_container": "#DBE7F7",
    "on_tertiary_container": "#0F2F52",
    "error": "#B3261E",
    "on_error": "#FFFFFF",
    "error_container": "#FBE4E1",
    "on_error_container": "#6A150F",
    "surface": "#FFFFFF",
    "surface_bright": "#FFFFFF",
    "surface_dim": "#D8E0DD",
    "surface_container_lowest": "#FFFFFF",
    "surface_container_low": "#F5F8F7",
    "surface_container": "#EFF3F1",
    "surface_container_high": "#E8EEEB",
    "surface_container_highest": "#E0E8E5",
    "on_surface": "#15201D",
    "on_surface_variant": "#4C5B56",
    "outline": "#6F7F79",
    "outline_variant": "#D3DDD9",
    "shadow": "#000000",
    "scrim": "#000000",
    "inverse_surface": "#22302C",
    "on_inverse_surface": "#EEF4F1",
    "inverse_primary": "#7BD8C3",
    "surface_tint": "#FFFFFF",
}

DARK: Final[Palette] = {
    "primary": "#74D3BE",
    "on_primary": "#00382F",
    "primary_container": "#14493F",
    "on_primary_container": "#CDF2E8",
    "secondary": "#B0CCC3",
    "on_secondary": "#1C352E",
    "secondary_container": "#263E38",
    "on_secondary_container": "#D5E9E2",
    "tertiary": "#A5C8F2",
    "on_tertiary": "#0C3054",
    "tertiary_container": "#24466B",
    "on_tertiary_container": "#D8E6FA",
    "error": "#FFB4AB",
    "on_error": "#690005",
    "error_container": "#5C1A16",
    "on_error_container": "#FFDAD6",
    "surface": "#111716",
    "surface_bright": "#1B2422",
    "surface_dim": "#0C1110",
    "surface_container_lowest": "#0C1110",
    "surface_container_low": "#161E1C",
    "surface_container": "#1B2422",
    "surface_container_high": "#232D2A",
    "surface_container_highest": "#2B3633",
    "on_surface": "#E3EAE7",
    "on_surface_variant": "#ABBAB4",
    "outline": "#85958F",
    "outline_variant": "#33403C",
    "shadow": "#000000",
    "scrim": "#000000",
    "inverse_surface": "#E3EAE7",
    "on_inverse_surface": "#202B28",
    "inverse_primary": "#0B6B5D",
    "surface_tint": "#111716",
}

GROUNDS: Final = (
    "surface",
    "surface_bright",
    "surface_container_lowest",
    "surface_container_low",
    "surface_container",
    "surface_container_high",
    "surface_container_highest",
)
"""What text of ordinary kinds may stand on."""

TEXT: Final = 4.5
SIGN: Final = 3.0

PAIRS: Final[tuple[tuple[str, str, float], ...]] = (
    *((text, ground, TEXT) for text in ("on_surface", "on_surface_variant") for ground in GROUNDS),
    *((text, ground, TEXT) for text in ("primary", "tertiary", "error") for ground in GROUNDS),
    *(("outline", ground, SIGN) for ground in GROUNDS),
    *((text, "outline_variant", TEXT) for text in ("on_surface", "on_surface_variant")),
    ("on_primary", "primary", TEXT),
    ("on_secondary", "secondary", TEXT),
    ("on_tertiary", "tertiary", TEXT),
    ("on_error", "error", TEXT),
    ("on_primary_container", "primary_container", TEXT),
    ("primary", "primary_container", TEXT),
    ("on_surface_variant", "primary_container", TEXT),
    ("on_secondary_container", "secondary_container", TEXT),
    ("on_surface", "secondary_container", TEXT),
    ("on_surface_variant", "secondary_container", TEXT),
    ("primary", "secondary_container", TEXT),
    ("on_tertiary_container", "tertiary_container", TEXT),
    ("on_error_container", "error_container", TEXT),
    ("on_inverse_surface", "inverse_surface", TEXT),
    ("inverse_primary", "inverse_surface", TEXT),
)
"""Text, its ground, and the contrast that they have at least."""

AVATARS: Final = (
    "#0F6B5E",
    "#2F5C8F",
    "#6B4C94",
    "#94406B",
    "#9A4A2B",
    "#7A5B13",
    "#4A6A24",
    "#276A77",
    "#54579A",
    "#8A4450",
)
"""Grounds of the signs of people and groups, the same in both themes; ``ON_AVATAR`` stands on them."""

ON_AVATAR: Final = "#FFFFFF"


def luminance(colour: str) -> float:
    """Relative luminance of ``#RRGGBB``, 0 to 1 (WCAG 2.1)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.1)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
