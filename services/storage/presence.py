"""Presence: which users each broker says are online, and who must hear of a change.

Here: SQL on the table ``presence`` and the questions that need it. A user is online while at least
one broker says so. Not here: when a broker finds someone silent, and the events themselves.
"""

# ruff: noqa: S608 - what is formatted into these texts are names of parameters, never values
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from protocol.addresses import name_key
from services.storage.engine import Transaction

SIZES: Final = (1, 8, 64, 512)
"""Numbers in one statement: few lengths, because the engines keep a plan for each text."""


def lock(tx: Transaction, users: list[int]) -> None:
    """Reports about the same users wait for each other, or each would think the other one's word stands."""
    for ids, marks in chunks(users, 1):
        tx.rows(f"select id from users where id in ({marks}) order by id{tx.for_update}", ids)


def online_among(tx: Transaction, users: list[int]) -> set[int]:
    """Those of ``users`` whom any broker says are online."""
    found: set[int] = set()
    for ids, marks in chunks(users, 1):
        found.update(
            row[0] for row in tx.rows(f"select user_id from presence where user_id in ({marks})", ids)
        )
    return found


def came(tx: Transaction, broker: bytes, users: list[int]) -> None:
    """This broker says that these are online. Numbers of nobody are passed over."""
    for ids, marks in chunks(users, 2):
        tx.run(
            f"insert into presence (broker, user_id) select $1, id from users where id in ({marks})"
            " on conflict (broker, user_id) do nothing",
            (broker, *ids),
        )


def went(tx: Transaction, broker: bytes, users: list[int]) -> None:
    """This broker says that these are offline."""
    for ids, marks in chunks(users, 2):
        tx.run(f"delete from presence where broker = $1 and user_id in ({marks})", (broker, *ids))


def of_broker(tx: Transaction, broker: bytes) -> list[int]:
    """Everyone whom this broker says is online."""
    rows = tx.rows("select user_id from presence where broker = $1 order by user_id", (broker,))
    return [row[0] for row in rows]


def set_last_seen(tx: Transaction, users: list[int], now: int) -> None:
    """They were seen until now."""
    for ids, marks in chunks(users, 2):
        tx.run(f"update users set last_seen_at = $1 where id in ({marks})", (now, *ids))


def online(tx: Transaction, after: str, limit: int) -> list[str]:
    """Up to ``limit`` names of users of ours online, sorted without case, behind the name ``after``."""
    rows = tx.rows(
        "select name from users where name_key > $1 and realm = ''"
        " and exists (select 1 from presence where user_id = users.id) order by name_key limit $2",
        (name_key(after), limit),
    )
    return [row[0] for row in rows]


def names(tx: Transaction, users: list[int]) -> dict[int, str]:
    """Names by number."""
    found: dict[int, str] = {}
    for ids, marks in chunks(users, 1):
        found.update(tx.rows(f"select id, name from users where id in ({marks})", ids))
    return found


def listeners(tx: Transaction, users: list[int]) -> list[tuple[int, bytes]]:
    """(user, topic) of everything where a change of ``users`` is told.

    These are their groups' topics and the user topics of those they talk to directly, as far as
    they are online themselves: who comes later asks.
    """
    found: list[tuple[int, bytes]] = []
    for ids, marks in chunks(users, 1):
        found += tx.rows(
            "select mine.user_id, conversations.topic from members mine"
            " join conversations on conversations.id = mine.conversation_id"
            f" where mine.user_id in ({marks}) and conversations.kind = 'group'",
            ids,
        )
        found += tx.rows(
            "select mine.user_id, users.topic from members mine"
            " join conversations on conversations.id = mine.conversation_id"
            " join members theirs on theirs.conversation_id = mine.conversation_id"
            " join users on users.id = theirs.user_id and users.realm = ''"
            f" where mine.user_id in ({marks}) and conversations.kind = 'direct'"
            " and theirs.user_id <> mine.user_id"
            " and exists (select 1 from presence where presence.user_id = theirs.user_id)",
            ids,
        )
    return found


def chunks(users: Iterable[int], first: int) -> Iterator[tuple[list[int], str]]:
    """Sorted numbers, some at a time, with their parameters' names from ``$first`` on.

    The last number is said again until the length is one of ``SIZES``; in a set that changes nothing.
    """
    ordered = sorted(set(users))
    for start in range(0, len(ordered), SIZES[-1]):
        ids = ordered[start : start + SIZES[-1]]
        size = next(size for size in SIZES if size >= len(ids))
        ids += ids[-1:] * (size - len(ids))
        yield ids, ", ".join(f"${first + place}" for place in range(size))
