"""What is wrong with a setting, in words: for who wrote it, not for who wrote the program.

Here: from msgspec's complaint to a sentence that names the setting, what it must be and what it is. Which
settings there are, and where they were read, is ``settings``'.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect

SHOWN: Final = 40
"""Characters of a wrong value that are shown."""


def place(complaint: str) -> tuple[str, str]:
    """(section, name) of the setting that msgspec complains about; both may be empty."""
    at = re.search(r" - at `\$\.([^`]+)`", complaint)
    path = at.group(1).split(".") if at else []
    unknown = re.search(r"unknown field `([^`]*)`", complaint)
    if unknown:
        return ".".join(path), unknown.group(1)
    return ".".join(path[:-1]), path[-1] if path else ""


def sentence(complaint: str, fields: Mapping[str, Any], settings: type[msgspec.Struct]) -> str:
    """The complaint about ``fields``, which were to become ``settings``, for a person."""
    section, name = place(complaint)
    known = _types(settings)
    if "unknown field" in complaint:
        return _unknown(section, name, known)
    here = _types(known[section].cls) if section else known  # type: ignore[attr-defined]
    inside = fields.get(section, {}) if section else fields
    if name not in here:
        return complaint
    whole = f"{section}.{name}" if section else name
    return f"{whole} must be {_words(here[name], name)}, not {_shown(inside.get(name))}."


def _types(struct: type[msgspec.Struct]) -> dict[str, inspect.Type]:
    described = inspect.type_info(struct)
    assert isinstance(described, inspect.StructType)
    return {field.name: field.type for field in described.fields}


def _unknown(section: str, name: str, known: Mapping[str, inspect.Type]) -> str:
    import difflib

    rates = _types(known["rates"].cls)  # type: ignore[attr-defined]
    if section and name in known:
        return f"{name} stands under [{section}] and belongs above it."
    if not section and name in rates:
        return f"{name} belongs under [rates], at the end of the file."
    where = f" under [{section}]" if section else ""
    close = difflib.get_close_matches(name, [*known, *rates], n=1)
    if not close:
        return f"there is no setting {name}{where}; the sample file shows them all."
    under = " under [rates]" if close[0] in rates and not section else ""
    return f"there is no setting {name}{where}; did you mean {close[0]}{under}?"


def _words(kind: inspect.Type, name: str) -> str:
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return ("a whole number" if isinstance(kind, inspect.IntType) else "a number") + _bounds(kind)
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.StructType):
        return f"a section, [{name}]"
    return "text in quotes"


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    most = f" and at most {kind.le}" if kind.le is not None else ""
    if kind.ge is not None:
        return f" from {kind.ge} to {kind.le}" if most else f" of at least {kind.ge}"
    return (f" above {kind.gt}" if kind.gt is not None else "") + most


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
