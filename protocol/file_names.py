"""Names of files and folders: data, never a path of anybody's disk.

What could deceive a reader's eye or a program's ear is refused when a name is given (``checked_file_name``,
``checked_path``); ``local_name`` is for who saves a file under the name that somebody else gave it.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from protocol.errors import Invalid
from protocol.limits import FILE_NAME_MAX_BYTES, FOLDERS_MAX_DEPTH, PATH_MAX_LENGTH

_REFUSED_KINDS: Final = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Control characters, marks of form, halves of pairs, separators of lines and of paragraphs.

Marks of form cannot be seen, so two names that look the same would not be. Those of direction are among them:
with them ``exe.png`` may be shown for ``gnp.exe``.
"""

_JOINERS: Final = frozenset("\u200c\u200d")
"""The marks of form without which Persian, Indian languages and many emoji cannot be written."""

_UNSEEN_KINDS: Final = frozenset(("Cf", "Mn", "Me"))
"""Marks of form and combining marks: a name of nothing else cannot be seen."""

_BLANKS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and a sign, says Unicode, that show nothing: fillers of Hangul, and Braille without dots."""

_DEVICES: Final = frozenset(
    (
        "con",
        "prn",
        "aux",
        "nul",
        "conin$",
        "conout$",
        *(port + n for port in ("com", "lpt") for n in "0123456789¹²³"),
    )
)
"""Names that are devices on some systems, with whatever ending."""

_SPECIAL: Final = frozenset('/\\:*?"<>|')
"""Means something else than itself in a path of some system."""

_COMPOSED_FROM: Final = 4
"""As many characters at most does NFC make one of. What has more than so many for each byte that is allowed
is refused before anybody looks at each of them."""

_ENDING_MAX_BYTES: Final = 16
"""A longer one says nothing about what is in a file."""

_TOO_LONG: Final = f"A file's name may have {FILE_NAME_MAX_BYTES} bytes of UTF-8."
_PATH_TOO_LONG: Final = f"A path may have {PATH_MAX_LENGTH} characters."


def checked_file_name(name: str) -> str:
    """``name`` in its composed form (NFC) if a file may be called so. Raises ``Invalid`` with the reason."""
    if len(name) > _COMPOSED_FROM * FILE_NAME_MAX_BYTES:
        raise Invalid(_TOO_LONG)
    if any(map(_deceives, name)):
        raise Invalid("A file's name may hold no control characters and no marks that cannot be seen.")
    name = unicodedata.normalize("NFC", name)
    if name in (".", "..") or not any(map(_shows, name)):
        raise Invalid(f"{name!r} is no name for a file.")
    if name != name.strip():
        raise Invalid("A file's name may not begin or end with a space.")
    if "/" in name or "\\" in name:
        raise Invalid("A file's name may hold no slash and no backslash.")
    if len(name.encode()) > FILE_NAME_MAX_BYTES:
        raise Invalid(_TOO_LONG)
    return name


def checked_path(path: str) -> tuple[str, str]:
    """(folder, name) of a path in somebody's own space; folder '' is the topmost.

    Slashes at either end mean nothing. Raises ``Invalid``; of the topmost folder itself, too.
    """
    folder, _, name = checked_folder(path).rpartition("/")
    if not name:
        raise Invalid("Name a file or a folder: this is the topmost one.")
    return folder, name


def checked_folder(path: str) -> str:
    """A folder's path in the form in which it is stored: '' for the topmost, no slash at either end."""
    path = path.strip("/")
    if len(path) > _COMPOSED_FROM * PATH_MAX_LENGTH:
        raise Invalid(_PATH_TOO_LONG)
    parts = path.split("/") if path else []
    if len(parts) > FOLDERS_MAX_DEPTH:
        raise Invalid(f"Folders may be {FOLDERS_MAX_DEPTH} deep.")
    whole = "/".join(map(checked_file_name, parts))
    if len(whole) > PATH_MAX_LENGTH:  # composing may make it longer than what was sent
        raise Invalid(_PATH_TOO_LONG)
    return whole


def local_name(name: str) -> str:
    """A name under which a file from anybody may be saved: nothing hidden, no option, no device, no path.

    At most ``FILE_NAME_MAX_BYTES`` of UTF-8; what is too long loses its middle, not its ending. What it
    returned it returns again.
    """
    kept = _cut("".join("_" if letter in _SPECIAL or _deceives(letter) else letter for letter in name))
    if kept[0] in ".-~" or kept.partition(".")[0].strip().lower() in _DEVICES:
        kept = _cut("_" + kept)
    return kept


def _shows(letter: str) -> bool:
    blank = letter.isspace() or letter in _BLANKS
    return not blank and unicodedata.category(letter) not in _UNSEEN_KINDS


def _deceives(letter: str) -> bool:
    return letter not in _JOINERS and unicodedata.category(letter) in _REFUSED_KINDS


def _cut(name: str) -> str:
    """At most as long as a name may be, without spaces around it and dots behind it, which some drop."""
    name = name.lstrip(" ").rstrip(" .")
    if len(name.encode()) <= FILE_NAME_MAX_BYTES:
        return name or "_"
    ending = name[name.rfind(".") :] if "." in name else ""
    if len(ending.encode()) > _ENDING_MAX_BYTES:
        ending = ""
    room = FILE_NAME_MAX_BYTES - len(ending.encode())
    return name.encode()[:room].decode(errors="ignore").rstrip(" .") + ending or "_"
