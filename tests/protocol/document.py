"""Reads docs/PROTOCOL.md as data, and says the same of the code, so that the two can be compared.

Belongs here: the tables' shapes, and how a type of ours is written in them. What must agree is
said in ``test_document``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct, inspect

FILE: Final = Path(__file__).resolve().parents[2] / "docs" / "PROTOCOL.md"
UNBOUNDED: Final = 2**63 - 1

Fields = dict[str, str]
"""Type by name, as written in the document."""
Rows = list[list[str]]
"""Cells of a table without its head; code marks stripped from the first one."""


class Command(NamedTuple):
    """What the section of one command says."""

    request: Fields
    reply: Fields
    errors: set[str]
    order: tuple[list[str], list[str]]


class Document(NamedTuple):
    """Everything in the document that is data."""

    commands: dict[str, Command]
    bulk: dict[str, Command]
    shapes: dict[str, Fields]
    events: dict[str, Fields]
    limits: Rows
    settings: Rows
    errors: Rows
    table: Rows
    bulk_table: Rows
    rates: Rows
    programs: list[str]


def parse(text: str) -> Document:
    """Read the document. Raises ``KeyError`` or ``ValueError`` when it has lost its form."""
    chapters = split(text, "## ")
    limits, settings = tables(chapters["Limits"])
    (errors,) = tables(chapters["Errors"])
    commands, table = _commands(chapters["Commands"])
    bulk, bulk_table = _commands(chapters["Bulk commands"])
    (rates,) = tables(chapters["Rate limits"])
    programs = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return Document(
        commands,
        bulk,
        {bare(name): _one(body) for name, body in split(chapters["Shapes"], "### ").items()},
        {bare(name): _one(body) for name, body in split(chapters["Events"], "### ").items()},
        limits,
        settings,
        errors,
        table,
        bulk_table,
        rates,
        programs,
    )


def split(text: str, mark: str) -> dict[str, str]:
    """Sections by heading; what stands before the first one is left out."""
    parts = re.split(rf"^{mark}(.+)$", text, flags=re.MULTILINE)[1:]
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    if len(found) != len(parts) // 2:
        raise ValueError("a heading comes twice")
    return found


def tables(text: str) -> list[Rows]:
    """Every table."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in block.splitlines()]
        rows = [[bare(first), *rest] for first, *rest in lines[2:]]
        if any(len(row) != len(lines[0]) for row in rows):
            raise ValueError(f"a row of the table {lines[0]} has more or fewer cells than its head")
        found.append(rows)
    return found


def bare(text: str) -> str:
    """Without code marks."""
    return text.strip().strip("`")


def _commands(chapter: str) -> tuple[dict[str, Command], Rows]:
    entries = split(chapter, "### ")
    (table,) = tables(chapter.split("\n### ", 1)[0])
    return {bare(name): _command(body) for name, body in entries.items()}, table


def _command(section: str) -> Command:
    match = re.search(r"^Request:(.*?)^Reply:(.*?)^Errors:(.*)", section, re.MULTILINE | re.DOTALL)
    if match is None:
        raise ValueError(f"no request, reply and errors in {section[:60]!r}")
    request, reply = _fields(match.group(1)), _fields(match.group(2))
    return Command(
        request, reply, set(re.findall(r"`([a-z_]+)`", match.group(3))), (list(request), list(reply))
    )


def _fields(text: str) -> Fields:
    if text.strip() == "no fields.":
        return {}
    return _one(text)


def _one(text: str) -> Fields:
    (rows,) = tables(text)
    if len({row[0] for row in rows}) != len(rows):
        raise ValueError(f"a field comes twice: {rows}")
    return {name: kind for name, kind, _ in rows}


# --- the code -----------------------------------------------------------------------------------


def fields_of(struct: type[Struct]) -> Fields:
    """A struct's fields as the document writes them, by their names on the wire."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return {field.encode_name: _written(field.type) + _absent(field) for field in info.fields}


def shapes_in(struct: type[Struct]) -> set[type[Struct]]:
    """Structs inside the fields of this one, and inside theirs."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    found = {kind.cls for field in info.fields for kind in _inner(field.type)}
    return found.union(*map(shapes_in, found))


def _inner(kind: Any) -> list[inspect.StructType]:
    match kind:
        case inspect.StructType():
            return [kind]
        case inspect.ListType():
            return _inner(kind.item_type)
        case inspect.UnionType():
            return [found for item in kind.types for found in _inner(item)]
    return []


def _absent(field: inspect.Field) -> str:
    if field.required:
        return ""
    if field.default is None:
        return ", optional"
    if field.default_factory is list:
        return ", default []"
    written = {"False": "false", "True": "true", "": '`""`'}.get(str(field.default), str(field.default))
    return f", default {written}"


def _written(kind: Any) -> str:
    match kind:
        case inspect.StrType():
            return "str" + _length(kind)
        case inspect.BytesType():
            return "bin" + _length(kind)
        case inspect.BoolType():
            return "bool"
        case inspect.IntType():
            return "uint" + _range(kind)
        case inspect.ListType():
            return f"[{_written(kind.item_type)}]"
        case inspect.TupleType():
            return f"[{', '.join(_written(item) for item in kind.item_types)}]"
        case inspect.DictType():
            return f"{{{_written(kind.key_type)}: {_written(kind.value_type)}}}"
        case inspect.StructType():
            return kind.cls.__name__
        case inspect.UnionType():
            (one,) = [item for item in kind.types if not isinstance(item, inspect.NoneType)]
            return _written(one)
    raise TypeError(f"the document has no way to write {kind}")


def _length(kind: inspect.StrType | inspect.BytesType) -> str:
    least, most = kind.min_length, kind.max_length
    if most is None:
        assert least is None
        return ""
    if least == most:
        return f" {most}"
    return f" {least}–{most}" if least else f" ≤ {most}"


def _range(kind: inspect.IntType) -> str:
    assert kind.ge is None or kind.ge in (0, 1)
    if kind.le in (None, UNBOUNDED):
        return f" ≥ {kind.ge}" if kind.ge else ""
    return f" {kind.ge}–{kind.le}"


def converts(value: str, setting: object) -> bool:
    """Whether the number in a table is the setting's."""
    return float(value) == msgspec.convert(setting, float, strict=False)
