"""Folders in users' own spaces, and what a folder's path means for all that is beneath it.

Here: SQL on ``folders``, and what is done to a folder and to the files in it at once. Not here: all else
about files. A folder at path ``a/b`` is the row with folder ``a`` and name ``b``; what is in it has folder
``a/b``. The topmost one has no row.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from services.storage.engine import Transaction


def beneath(path: str) -> tuple[str, str, str]:
    """What is anywhere in a folder has the first for its ``folder``, or one from the second to the third."""
    return path, path + "/", path + "0"  # 0 follows the slash, and names are compared by their bytes


def split(path: str) -> tuple[str, str]:
    """(folder, name) of a path that is not the topmost."""
    folder, _, name = path.rpartition("/")
    return folder, name


def exists(tx: Transaction, owner: int, path: str) -> bool:
    """Whether there is a folder at this path; the topmost one always is."""
    if not path:
        return True
    row = tx.row(
        "select 1 from folders where owner_id = $1 and folder = $2 and name = $3", (owner, *split(path))
    )
    return row is not None


def add(tx: Transaction, owner: int, path: str, now: int) -> None:
    """Make a folder. Raises ``Duplicate`` when there is one."""
    tx.run(
        "insert into folders (owner_id, folder, name, created_at) values ($1, $2, $3, $4)",
        (owner, *split(path), now),
    )


def page(tx: Transaction, owner: int, path: str, after: str, limit: int) -> list[str]:
    """Names of up to ``limit`` folders in a folder, behind the name ``after``."""
    rows = tx.rows(
        "select name from folders where owner_id = $1 and folder = $2 and name > $3 order by name limit $4",
        (owner, path, after, limit),
    )
    return [row[0] for row in rows]


def delete(tx: Transaction, owner: int, path: str) -> None:
    """Delete a folder that is empty."""
    tx.run("delete from folders where owner_id = $1 and folder = $2 and name = $3", (owner, *split(path)))


_DELETE: Final = (
    "delete from folders where (owner_id, folder, name) in (select owner_id, folder, name from folders"
    " where owner_id = $1 and "
)


def delete_beneath(tx: Transaction, owner: int, path: str, limit: int) -> int:
    """Delete up to ``limit`` of the folders beneath a folder, in which no files are any more; how many.

    None goes before those in it: these are behind it in the order of their folders' paths.
    """
    here, first, end = beneath(path)
    found = tx.run(
        _DELETE + "folder >= $2 and folder < $3 order by folder desc limit $4)", (owner, first, end, limit)
    )
    return found + tx.run(_DELETE + "folder = $2 limit $3)", (owner, here, limit - found))


class Extent(NamedTuple):
    """Of all paths beneath a folder, counted from it on: the most characters, and the most names."""

    length: int
    depth: int


_REACH: Final = (
    "select coalesce(max(length(folder) + 1 + length(name)), 0),"
    " coalesce(max(length(folder) - length(replace(folder, '/', '')) + 2), 0)"
)
_ANY: Final = "select 1"
_BENEATH: Final = " where owner_id = $1 and (folder = $2 or (folder >= $3 and folder < $4))"


def is_larger(tx: Transaction, owner: int, path: str, most: int) -> bool:
    """Whether more than ``most`` files and folders are beneath a folder."""
    found = 0
    for sql in (f"{_ANY} from folders", f"{_ANY} from files"):
        found += len(tx.rows(f"{sql}{_BENEATH} limit $5", (owner, *beneath(path), most + 1 - found)))
    return found > most


def extent(tx: Transaction, owner: int, path: str) -> Extent:
    """How far what is beneath a folder reaches; (0, 0) when it is empty."""
    found = [
        tx.row(sql + _BENEATH, (owner, *beneath(path)))
        for sql in (f"{_REACH} from folders", f"{_REACH} from files")
    ]
    longest = max(row[0] for row in found if row)
    deepest = max(row[1] for row in found if row)
    return Extent(max(longest - len(path), 0), max(deepest - path.count("/") - 1, 0))


_RENAMED: Final = (
    " set folder = cast($1 as text) || substr(folder, cast($2 as integer))"
    " where owner_id = $3 and (folder = $4 or (folder >= $5 and folder < $6))"
)


def move(tx: Transaction, owner: int, path: str, to: str) -> None:
    """Give a folder, and with it all that is beneath it, another path, where nothing is."""
    for sql in ("update folders" + _RENAMED, "update files" + _RENAMED):
        tx.run(sql, (to, len(path) + 1, owner, *beneath(path)))
    tx.run(
        "update folders set folder = $1, name = $2 where owner_id = $3 and folder = $4 and name = $5",
        (*split(to), owner, *split(path)),
    )
