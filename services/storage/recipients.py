"""Recipients: the users' own topics, on which direct messages and notices about them are heard.

Here: SQL that looks up many users' topics at once. Not here: accounts (``users``).
"""

from __future__ import annotations

from collections.abc import Iterable

from services.storage.engine import Bulk, Transaction

_TOPICS = Bulk(
    each="select id, topic from users where id = $1",
    arrays="select id, topic from users where id = any($1::bigint[])",
)


def topics(tx: Transaction, users: Iterable[int]) -> dict[int, bytes]:
    """Topics in force, by user."""
    return dict(tx.bulk(_TOPICS, [(user,) for user in users]))
