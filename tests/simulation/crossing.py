"""What must hold between two realms, always and once all is quiet: a sentence for every breach of a rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.ledger import Row
    from tests.simulation.world import World


def breaches_between(here: World, there: World) -> list[str]:
    """What is wrong, be it for a moment."""
    return [*_kept(here, there), *_kept(there, here)]


def _kept(origin: World, other: World) -> Iterator[str]:
    """What does not wait any more is there: nothing leaves the outbox before the other realm has it."""
    realm, place = origin.settings.realm, other.book.ledger.place
    refused = {(conversation, seq) for conversation, seq, _ in origin.book.undelivered()}
    waits = origin.book.outgoing() | refused
    for conversation, (ours, _) in origin.book.abroad().items():
        for row in origin.book.ledger.rows.get(conversation, []):
            if row.sender == ours and row[:2] not in waits and (f"{ours}@{realm}", row.id) not in place:
                yield f"{ours}@{realm}'s {row.body!r} waits no more, and is not there"
    for name, id in origin.book.posts_told():
        if (f"{name}@{realm}", id) not in place:
            yield f"a post of {name}@{realm} counts as told, and is not there"


def unfinished_between(here: World, there: World) -> list[str]:
    """What is still missing between the two."""
    found = [*_told(here), *_told(there), *_arrived(here, there), *_arrived(there, here)]
    return [*found, *_copied(here, there), *_taken(there, here)]


def _told(world: World) -> Iterator[str]:
    """Nothing waits for another realm, none has refused anything, and senders know that all arrived."""
    realm = world.settings.realm
    if waiting := world.book.waiting():
        yield f"in {realm} {len(waiting)} wait: {waiting[:3]}"
    for place in world.book.undelivered():
        yield f"in {realm} {place} was refused"
    delivered = world.book.delivered()
    for conversation, (ours, _) in world.book.abroad().items():
        said = [row.seq for row in world.book.ledger.rows.get(conversation, []) if row.sender == ours]
        if said and delivered.get(conversation, 0) != said[-1]:
            yield f"{ours}@{realm} never heard that {conversation}/{said[-1]} arrived"


def _arrived(origin: World, other: World) -> Iterator[str]:
    """What people say to the other realm stands there, in the same order, each once."""
    realm = origin.settings.realm
    said, there = _said(origin, ""), _said(other, realm)
    for way in said.keys() | there.keys():
        ours, theirs = said.get(way, []), there.get(way, [])
        if ours != theirs:
            yield f"{way[0]}@{realm} said {len(ours)} to {way[1]}, and {len(theirs)} stand there"


def _said(world: World, by: str) -> dict[tuple[str, str], list[tuple[bytes, str]]]:
    """(sender, recipient) by bare names → what was said, of our own people or of the realm ``by``."""
    found: dict[tuple[str, str], list[tuple[bytes, str]]] = {}
    for conversation, (ours, theirs) in world.book.abroad().items():
        name = theirs.partition("@")[0]
        way, sender = ((name, ours), theirs) if by else ((ours, name), ours)
        rows = world.book.ledger.rows.get(conversation, [])
        if said := [(row.id, row.body) for row in rows if row.sender == sender]:
            found[way] = said
    return found


def _copied(home: World, other: World) -> Iterator[str]:
    """A copy of a group is what its home has, number by number."""
    realm = home.settings.realm
    for address, conversation in other.book.groups().items():
        name, _, where = address.partition("@")
        if where != realm or name not in home.book.groups():
            continue
        present = other.book.of_group(address)
        abroad = {one.partition("@")[0] for one in home.book.of_group(name) if "@" in one}
        if present != abroad:
            yield f"#{address} has {sorted(abroad)} at home and {sorted(present)} in the copy"
        ours = [_seen(row, realm) for row in home.book.ledger.rows.get(home.book.groups()[name], [])]
        theirs = [_seen(row, other.settings.realm) for row in other.book.ledger.rows.get(conversation, [])]
        if theirs != (ours if present else ours[: len(theirs)]):
            yield f"#{address} has {len(ours)} messages at home and {len(theirs)} in the copy"


def _seen(row: Row, realm: str) -> tuple[int, str, bytes, str]:
    """A message of a group with its sender's whole address."""
    sender = row.sender if "@" in row.sender else f"{row.sender}@{realm}"
    return row.seq, sender, row.id, row.body


def _taken(away: World, home: World) -> Iterator[str]:
    """What was taken for a group of the other realm is there, of those who never had to leave it."""
    realm = away.settings.realm
    for device in away.devices:
        for letter in device.letters:
            post = letter.state == "acked" and not letter.seq and device.user not in home.book.ever_out
            if post and (f"{device.user}@{realm}", letter.id) not in home.book.ledger.place:
                yield f"{device.name}'s {letter.body!r} was taken and never stood in {letter.to}"
