"""Compares the books of several realms. Pure: books in, counts and sentences out.

Each realm is judged as one server is (``crash.judge``), knowing what the others' people sent; then the
realms are held against each other: a direct conversation's two copies have the same messages of each
sender in the same order, a group's copy is its home's, number by number, nothing waits any more, and
senders know that all they said arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchmarks.crash import judge as crash
from benchmarks.crash.evidence import Evidence, Stored
from benchmarks.crash.judge import DISORDER, DOUBLED, LOST, Account, Verdict
from benchmarks.realms.books import Books


def judge(realms: Sequence[Books]) -> Verdict:
    """Everything that is to be proved."""
    verdict = Verdict()
    accounts = {books.realm: Account(books.lines) for books in realms}
    for books in realms:
        _alone(verdict, books, accounts)
        for note in (*books.waiting, *books.refused):
            verdict.fault(LOST, f"{books.realm}: {note}")
        _marked(verdict, books)
    _direct(verdict, realms)
    _groups(verdict, realms)
    _posts(verdict, realms, accounts)
    return verdict


def _alone(verdict: Verdict, books: Books, accounts: dict[str, Account]) -> None:
    """One realm, as one server is judged. A post has no number of its own when it is taken: see below."""
    account = accounts[books.realm]
    known = Account(())
    for each in accounts.values():
        known.sent |= each.sent
        known.again |= each.again
    known.acked = {one: place for one, place in account.acked.items() if place[1]}
    known.contradicted = [one for one in account.contradicted if account.acked[one][1]]
    known.heard, known.open, known.late = account.heard, account.open, account.late
    found = crash.judge(known, _ours(books.database, books.realm), _ours(books.history, books.realm))
    verdict.counts += found.counts
    for kind, notes in found.notes.items():
        verdict.notes[kind] += [f"{books.realm}: {note}" for note in notes]


def _ours(found: Evidence, realm: str) -> Evidence:
    """Who hears through this server."""
    members = {
        room: [name for name in names if name.endswith(f"@{realm}")] for room, names in found.members.items()
    }
    return Evidence(found.messages, found.counters, members)


def _direct(verdict: Verdict, realms: Sequence[Books]) -> None:
    """What somebody says to another realm stands there as it stands here."""
    copies: dict[tuple[str, ...], list[tuple[str, list[Stored]]]] = {}
    for books in realms:
        for room, names in books.database.members.items():
            if room not in books.groups and len({name.partition("@")[2] for name in names}) > 1:
                copy = (books.realm, books.database.messages.get(room, []))
                copies.setdefault(tuple(sorted(names)), []).append(copy)
    for both, found in copies.items():
        for sender in both:
            here = sender.partition("@")[2]
            said = {realm: [one for one in messages if one.sender == sender] for realm, messages in found}
            for realm in {name.partition("@")[2] for name in both} - {here}:
                _same(verdict, f"{sender} to {realm}", said.get(here, []), said.get(realm, []))


def _marked(verdict: Verdict, books: Books) -> None:
    """Senders were told of the last thing that they said to another realm, that it arrived."""
    for room, names in books.database.members.items():
        if room in books.groups or all(name.endswith(f"@{books.realm}") for name in names):
            continue
        own = [one for one in books.database.messages.get(room, []) if one.sender.endswith(f"@{books.realm}")]
        if own and books.delivered.get(room, 0) != own[-1].seq:
            verdict.fault(LOST, f"{own[-1].sender} never heard that {room}/{own[-1].seq} arrived")


def _same(verdict: Verdict, where: str, sent: Sequence[Stored], there: Sequence[Stored]) -> None:
    """One sender's messages in their own realm and in another one."""
    origin, copy = [one.id for one in sent], [one.id for one in there]
    if missing := [one for one in origin if one not in set(copy)]:
        verdict.fault(LOST, f"{where}: {missing[:3]} of {len(origin)} never came", len(missing))
    if invented := [one for one in copy if one not in set(origin)]:
        verdict.fault(DOUBLED, f"{where}: {invented[:3]} were never said", len(invented))
    times = Counter(copy)
    for identity, count in times.items():
        if count > 1:
            verdict.fault(DOUBLED, f"{where}: {identity} came {count} times", count - 1)
    if [one for one in origin if one in times] != list(
        dict.fromkeys(one for one in copy if one in set(origin))
    ):
        verdict.fault(DISORDER, f"{where}: in another order")


def _groups(verdict: Verdict, realms: Sequence[Books]) -> None:
    """A copy is its home, up to the last message."""
    homes = {
        address: (books.realm, books.database.messages.get(room, []))
        for books in realms
        for room, address in books.groups.items()
        if address.endswith(f"@{books.realm}")
    }
    for books in realms:
        for room, address in books.groups.items():
            realm, home = homes.get(address, ("", []))
            copy = books.database.messages.get(room, [])
            if books.realm == realm:
                continue
            if missing := len(home) - len(copy):
                verdict.fault(
                    LOST, f"{books.realm} has {len(copy)} of {len(home)} of {address}", abs(missing)
                )
            for theirs, ours in zip(home, copy, strict=False):
                if theirs != ours:
                    verdict.fault(DISORDER, f"{books.realm} has {ours} where {address} has {theirs}")
                    break


def _posts(verdict: Verdict, realms: Sequence[Books], accounts: dict[str, Account]) -> None:
    """What was taken for a group of another realm stands at its home, once."""
    stored: dict[str, Counter[tuple[str, str]]] = {}
    for books in realms:
        for room, address in books.groups.items():
            if address.endswith(f"@{books.realm}"):
                messages = books.database.messages.get(room, [])
                stored[address] = Counter((one.sender, one.id) for one in messages)
    for account in accounts.values():
        for identity, (_, seq) in account.acked.items():
            sender, address = account.sent[identity]
            if seq:
                continue
            if not stored.get(address, Counter())[sender, identity]:
                verdict.fault(LOST, f"{identity} of {sender} was taken and is not in {address}")
