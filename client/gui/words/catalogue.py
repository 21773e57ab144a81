"""The catalogue of a language: ``LANGUAGE.po`` beside this file, read once when it is first needed.

Belongs here: reading it. Keeping it complete is ``gather``'s.
"""

from __future__ import annotations

import io
from functools import lru_cache
from gettext import GNUTranslations
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER: Final = Path(__file__).parent


def place(language: str) -> Path:
    """Where a language's catalogue lies."""
    return FOLDER / f"{language}.po"


@lru_cache
def catalogue(language: str) -> GNUTranslations:
    """Its texts by the English sentence; what is not in it is said in English."""
    with place(language).open("rb") as file:
        texts = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, texts)
    compiled.seek(0)
    return GNUTranslations(compiled)
