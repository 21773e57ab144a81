"""Brings the catalogues up to the code: ``python -m client.gui.words.gather``.

Belongs here: finding every sentence that the window says, adding what is new to each catalogue, dropping what
is said no more, and naming what has no translation. English is its own: a new sentence stands for itself.
"""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from client.gui.model.preferences import LANGUAGES
from client.gui.words.catalogue import place

CODE: Final = Path(__file__).parent.parent
KEYWORDS: Final[dict[str, tuple[int, ...] | None]] = {
    "say": None,
    "count": (1, 2),
    "done": None,
    "known": None,
    "Problem": (2,),
}
"""Whatever is called so gets a sentence: at the first place, or at these."""
HEAD: Final = """msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plural}\\n"

"""
PLURALS: Final = {"en": "nplurals=2; plural=(n != 1);", "id": "nplurals=1; plural=0;"}

Id = str | tuple[str, str]
"""A sentence, or one for one and one for many."""


def gathered() -> set[Id]:
    """Every sentence."""
    found: set[Id] = set()
    with contextlib.redirect_stderr(io.StringIO()):  # Babel is told of every '' that is said
        rows = list(extract_from_dir(CODE, method_map=[("**.py", "python")], keywords=KEYWORDS))
    for _, _, message, _, _ in rows:
        found.add(message if isinstance(message, str) else (str(message[0]), str(message[1])))
    return found - {""}


def load(language: str) -> Catalog:
    """A language's catalogue as it is."""
    with place(language).open("rb") as file:
        return read_po(file, locale=language)


def renewed(language: str, old: Catalog) -> tuple[Catalog, list[Id]]:
    """The catalogue as it should be, and which sentences lack a translation."""
    new = Catalog(locale=language, fuzzy=False)
    new.mime_headers = [("Content-Type", "text/plain; charset=utf-8"), ("Plural-Forms", PLURALS[language])]
    lacking: list[Id] = []
    for id in sorted(gathered(), key=str):
        before = old.get(id)
        said = before.string if before is not None and _is_said(before) else ""
        if not said and language == "en":
            said = id
        if not said:
            lacking.append(id)
        new.add(id, said)
    return new, lacking


def _is_said(message: Message) -> bool:
    strings = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    return all(strings)


def written(new: Catalog) -> bytes:
    """A catalogue as its file: without dates and places, so that it changes with what it says alone."""
    out = io.BytesIO()
    write_po(out, new, width=100, no_location=True, omit_header=True)
    return (
        HEAD.format(language=new.locale_identifier, plural=PLURALS[str(new.locale)]) + out.getvalue().decode()
    ).encode()


def main() -> int:
    """Write both; 1 when a translation is missing."""
    status = 0
    for language in LANGUAGES:
        new, lacking = renewed(language, load(language))
        place(language).write_bytes(written(new))
        for id in lacking:
            print(f"{language}.po has no translation of {id!r}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
