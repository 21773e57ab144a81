"""The outbox: what each realm is to be told, in order of commit, until it has said that it has it.

Here: SQL on ``outbox`` and on the counters in ``realms``. Its number comes from the realm's row, which so
stays locked until the transaction ends: numbers are in order of commit. Lock conversations first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from protocol.addresses import name_key
from services.storage import refusals
from services.storage.engine import Bulk, Transaction
from services.storage.refusals import Refusal


class Entry(NamedTuple):
    """Something to tell. ``message_id`` as in ``protocol.realms.Item``; ``size`` in bytes, for the bound.

    Of a ``message`` the text stays in ``messages``, at ``conversation`` and ``seq``.
    """

    kind: str
    user_id: int
    recipient: str
    conversation: int
    seq: int
    message_id: bytes | None
    body: str
    size: int


_ADD = Bulk(
    each="insert into outbox (realm_id, n, kind, user_id, recipient, conversation_id, seq, message_id,"
    " body, queued_at, size) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    arrays="insert into outbox (realm_id, n, kind, user_id, recipient, conversation_id, seq, message_id,"
    " body, queued_at, size) select * from"
    " unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[],"
    " $6::bigint[], $7::bigint[], $8::bytea[], $9::text[], $10::bigint[], $11::bigint[])",
)


def add(tx: Transaction, realm: int, entries: Sequence[Entry], now: int) -> None:
    """Put entries behind all that waits. Raises ``Duplicate`` for a post whose (user, id) waits already."""
    size = sum(entry.size for entry in entries)
    row = tx.row(
        "update realms set last_n = last_n + $1, waiting = waiting + $1, waiting_bytes = waiting_bytes + $2"
        " where id = $3 returning last_n",
        (len(entries), size, realm),
    )
    assert row is not None
    first = int(row[0]) - len(entries) + 1
    tx.bulk(
        _ADD,
        [(realm, first + place, *entry[:7], now, entry.size) for place, entry in enumerate(entries)],
    )
    posts = [(entry.user_id, entry.message_id) for entry in entries if entry.kind == "post"]
    refusals.again(tx, [(user, id) for user, id in posts if id is not None])


class Waiting(NamedTuple):
    """An entry on its way: ``user`` is the bare name of who did it, ``sent_at`` microseconds."""

    n: int
    kind: str
    user_id: int
    user: str
    recipient: str
    conversation: int
    seq: int
    message_id: bytes | None
    body: str
    sent_at: int
    size: int


def waiting(tx: Transaction, realm: int, after: int, limit: int, most_bytes: int) -> list[Waiting]:
    """What waits behind the number ``after``, in order: up to ``limit``, and until it is ``most_bytes``."""
    rows = tx.rows(
        "select o.n, o.kind, o.user_id, u.name, o.recipient, o.conversation_id, o.seq,"
        " coalesce(o.message_id, m.id), coalesce(m.body, o.body), coalesce(m.sent_at, o.queued_at), o.size"
        " from (select picked.*, sum(size) over (order by n) - size as ahead from (select * from outbox"
        " where realm_id = $1 and n > $2 and state = 'waiting' order by n limit $3) picked) o"
        " join users u on u.id = o.user_id"
        " left join messages m on o.kind = 'message'"
        " and m.conversation_id = o.conversation_id and m.seq = o.seq"
        " where o.ahead < $4 order by o.n",
        (realm, after, limit, most_bytes),
    )
    return [Waiting(*row) for row in rows]


class Held(NamedTuple):
    """Room in an outbox: entries, and their bytes."""

    entries: int
    size: int


def held(tx: Transaction, realm: int, user: int, limit: int) -> Held:
    """What of this user's waits; of more than ``limit`` entries only so many are counted."""
    row = tx.row(
        "select count(*), coalesce(sum(size), 0) from (select size from outbox"
        " where realm_id = $1 and user_id = $2 and state = 'waiting' limit $3) own",
        (realm, user, limit),
    )
    assert row is not None
    return Held(int(row[0]), int(row[1]))


def waited_for(tx: Transaction) -> set[int]:
    """Numbers of the realms for which anything waits."""
    return {row[0] for row in tx.rows("select id from realms where waiting > 0")}


def told(tx: Transaction, realm: int, last: int) -> None:
    """Everything up to ``last`` is there: posts stay until they come back to our copy, the rest goes."""
    _lock(tx, realm)
    row = tx.row(
        "select count(*), coalesce(sum(size), 0) from outbox"
        " where realm_id = $1 and state = 'waiting' and n <= $2",
        (realm, last),
    )
    assert row is not None
    if row[0]:
        tx.run(
            "update realms set waiting = waiting - $1, waiting_bytes = waiting_bytes - $2 where id = $3",
            (int(row[0]), int(row[1]), realm),
        )
        tx.run(
            "delete from outbox where realm_id = $1 and state = 'waiting' and n <= $2 and (kind <> 'post'"
            " or not exists (select 1 from copies where copies.conversation_id = outbox.conversation_id))",
            (realm, last),
        )
        tx.run(
            "update outbox set state = 'told' where realm_id = $1 and state = 'waiting' and n <= $2",
            (realm, last),
        )


def _lock(tx: Transaction, realm: int) -> None:
    """Nobody else counts or takes anything out of this outbox until the transaction ends.

    What is counted first and taken off the counters later must not be given up by somebody else between.
    """
    if tx.for_update:
        tx.row("select id from realms where id = $1" + tx.for_update, (realm,))  # noqa: S608 - a constant


def dropped(tx: Transaction, realm: int, numbers: Sequence[int]) -> None:
    """Delete posts that were told and refused, by number."""
    tx.bulk(_DROPPED, [(realm, n) for n in numbers])


_DROPPED = Bulk(
    each="delete from outbox where realm_id = $1 and n = $2 and state = 'told'",
    arrays="delete from outbox using unnest($1::bigint[], $2::bigint[]) as gone (realm_id, n)"
    " where outbox.realm_id = gone.realm_id and outbox.n = gone.n and outbox.state = 'told'",
)


# --- posts to groups of other realms ------------------------------------------------------------

_POSTED = Bulk(
    each="select user_id, message_id, conversation_id, queued_at from outbox"
    " where user_id = $1 and message_id = $2 and kind = 'post'",
    arrays="select outbox.user_id, outbox.message_id, conversation_id, queued_at from outbox"
    " join unnest($1::bigint[], $2::bytea[]) as wanted (user_id, message_id)"
    " on outbox.user_id = wanted.user_id and outbox.message_id = wanted.message_id where kind = 'post'",
)


class Posted(NamedTuple):
    """A post that waits, or is told and not back: in which copy, and since when, in microseconds."""

    conversation: int
    since: int


def posted(tx: Transaction, sent: Iterable[tuple[int, bytes]]) -> dict[tuple[int, bytes], Posted]:
    """Those of the given (user, id) that are posts on their way."""
    return {(row[0], row[1]): Posted(*row[2:]) for row in tx.bulk(_POSTED, list(sent))}


_POSTS = Bulk(
    each="select user_id, message_id, body from outbox"
    " where kind = 'post' and message_id = $1 and user_id = $2 and realm_id = $3 and conversation_id = $4",
    arrays="select user_id, message_id, body from outbox"
    " join unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[])"
    " as wanted (id, who, realm, conversation)"
    " on kind = 'post' and message_id = wanted.id and user_id = wanted.who and realm_id = wanted.realm"
    " and conversation_id = wanted.conversation",
)


def posts(
    tx: Transaction, realm: int, conversation: int, sent: Iterable[tuple[int, bytes]]
) -> dict[tuple[int, bytes], str]:
    """Texts of those of the given (user, id) that were posted in this copy and have not come back."""
    rows = [(id, user, realm, conversation) for user, id in sent]
    return {(row[0], row[1]): row[2] for row in tx.bulk(_POSTS, rows)}


_BACK = Bulk(
    each="delete from outbox where kind = 'post' and message_id = $1 and user_id = $2 and realm_id = $3"
    " returning state, size",
    arrays="delete from outbox using unnest($1::bytea[], $2::bigint[], $3::bigint[])"
    " as wanted (id, who, realm)"
    " where kind = 'post' and message_id = wanted.id and user_id = wanted.who and realm_id = wanted.realm"
    " returning state, size",
)


def back(tx: Transaction, realm: int, sent: Iterable[tuple[int, bytes]]) -> None:
    """These posts, by (user, id), have come back with their numbers, told or not: they wait no more."""
    rows = [(id, user, realm) for user, id in sent]
    if not rows:
        return
    _lock(tx, realm)
    gone = tx.bulk(_BACK, rows)
    sizes = [size for state, size in gone if state == "waiting"]
    if sizes:
        tx.run(
            "update realms set waiting = waiting - $1, waiting_bytes = waiting_bytes - $2 where id = $3",
            (len(sizes), sum(sizes), realm),
        )


def forget(tx: Transaction, conversation: int) -> None:
    """Our copy is gone: no post to it that was told comes back any more. Those that wait are still told."""
    tx.run(
        "delete from outbox where kind = 'post' and conversation_id = $1 and state = 'told'", (conversation,)
    )


def leaving(tx: Transaction, realm: int, group: str) -> set[int]:
    """Users of ours whose leaving this group, by its bare name there, has not been told yet."""
    rows = tx.rows(
        "select user_id from outbox where realm_id = $1 and state = 'waiting' and kind = 'leave'"
        " and lower(recipient) = $2",
        (realm, name_key(group)),
    )
    return {row[0] for row in rows}


def give_up(tx: Transaction, realm: int, code: str, reason: str, told: str) -> None:
    """Nothing of it will ever be told: messages and posts are refused, for this reason, and the rest goes.

    ``told`` is the reason for posts that are there and have not come back.
    """
    _lock(tx, realm)
    posts = tx.rows(
        "select user_id, message_id, conversation_id, n, body, queued_at, state, size from outbox"
        " where realm_id = $1 and kind = 'post' order by n",
        (realm,),
    )
    reasons = {"waiting": reason, "told": told}
    given_up = []
    for user, id, place, n, body, at, state, size in posts:
        why = reasons[state]
        given_up.append(Refusal(user, id, place, n, body, at, code, why, size + len(why.encode())))
    refusals.add(tx, given_up)
    tx.run(
        "insert into undelivered (conversation_id, seq, code, reason)"
        " select conversation_id, seq, $1, $2 from outbox"
        " where realm_id = $3 and kind = 'message' and state = 'waiting'"
        " on conflict (conversation_id, seq) do nothing",
        (code, reason, realm),
    )
    tx.run("update realms set waiting = 0, waiting_bytes = 0 where id = $1", (realm,))
    tx.run("delete from outbox where realm_id = $1", (realm,))
