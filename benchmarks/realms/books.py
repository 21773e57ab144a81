"""What is known of one realm in the end: its ledgers, its database and its history, all with whole addresses.

Belongs here: reading them, and the translation of every name into ``name@realm``, so that three realms can be
held against each other. What they prove is ``judge``'s business.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct, field

from benchmarks import ledger
from benchmarks.crash.client import body_of
from benchmarks.crash.evidence import Evidence, Stored, asking, from_database
from benchmarks.ledger import Line

_NAMES = "select id, kind, name from conversations"
_GROUPS = "select name, last_seq from conversations where kind = 'group'"
_DELIVERED = "select conversation_id, delivered_seq from deliveries"
_ARRIVED = "select count(*) from messages m join users u on u.id = m.sender_id where u.realm <> ''"
_WAITING = "select r.name, o.kind, o.state from outbox o join realms r on r.id = o.realm_id"
_REFUSED = "select conversation_id, seq, code from undelivered"


class Books(Struct):
    """One realm. ``lines``, ``database`` and ``history`` name everybody ``name@realm``.

    ``groups``: conversation → ``#name@realm``. ``waiting``: what its outbox still holds, in words;
    ``refused``: what other realms would not take; ``delivered``: conversation → up to where senders were told
    that it arrived.
    """

    realm: str
    lines: list[Line]
    database: Evidence
    history: Evidence
    groups: dict[int, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    delivered: dict[int, int] = field(default_factory=dict)


def read(realm: str, home: Path, people: list[str], lines: Iterable[Line]) -> Books:
    """The books of a realm whose data folder is ``home``; its history is to be asked for yet."""
    stored = from_database(home, "", people)
    with asking(home, "") as ask:
        groups = {
            int(row[0]): "#" + whole(row[2], realm)
            for row in ask(_NAMES)
            if row[1] == "group" and row[0] in stored.members
        }
        waiting = [f"a {kind} for {peer} is {state}" for peer, kind, state in ask(_WAITING)]
        refused = [f"{room}/{seq}: {code}" for room, seq, code in ask(_REFUSED)]
        delivered = {int(room): int(seq) for room, seq in ask(_DELIVERED)}
    said = [qualified(line, realm) for line in lines]
    history = Evidence({}, {}, {})
    return Books(realm, said, translated(stored, realm), history, groups, waiting, refused, delivered)


def unsettled(homes: dict[str, Path]) -> list[str]:
    """What is still under way between realms, in words; by name of the realm, the folder of its data."""
    found: list[str] = []
    counters: dict[str, dict[str, int]] = {}
    for realm, home in homes.items():
        with asking(home, "") as ask:
            found += [f"{realm}: a {kind} for {peer} is {state}" for peer, kind, state in ask(_WAITING)]
            for name, counter in ask(_GROUPS):
                counters.setdefault(whole(name, realm), {})[realm] = counter
    for address, copies in counters.items():
        if len(set(copies.values())) > 1:
            found.append(f"#{address} counts {copies}")
    return found


def arrived(home: Path) -> int:
    """How many messages of other realms' people stand in this data folder."""
    with asking(home, "") as ask:
        return int(ask(_ARRIVED)[0][0])


def whole(name: str, realm: str) -> str:
    """A name as everybody understands it."""
    return name if "@" in name else f"{name}@{realm}"


def local(address: str) -> str:
    """The name alone, as its own realm says it."""
    return address.partition("@")[0]


def translated(found: Evidence, realm: str) -> Evidence:
    """The same with whole addresses."""
    return Evidence(
        {
            room: [_translated(message, realm) for message in messages]
            for room, messages in found.messages.items()
        },
        found.counters,
        {room: [whole(name, realm) for name in names] for room, names in found.members.items()},
    )


def _translated(message: Stored, realm: str) -> Stored:
    """A text that is the right one for the name alone is the right one for the whole address."""
    sender = whole(message.sender, realm)
    right = message.body == body_of(local(sender), message.id)
    return Stored(message.seq, sender, message.id, body_of(sender, message.id) if right else message.body)


def qualified(line: Line, realm: str) -> Line:
    """A line of this realm's ledger with the whole address of who it is about."""
    fields = list(line.fields)
    if line.what in (ledger.SENT, ledger.ACKED, ledger.FAILED, ledger.HEARD, ledger.CURSOR):
        fields[0] = whole(fields[0], realm)
    if line.what in (ledger.SENT, ledger.ACKED, ledger.FAILED):
        fields[1] = whole(fields[1], realm)
    if line.what == ledger.HEARD:
        fields[4] = whole(fields[4], realm)
    return line._replace(fields=tuple(fields))
