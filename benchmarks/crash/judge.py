"""Compares the ledgers with what the server holds. Pure: lines and tables in, counts and sentences out.

Every fault is counted in one of four: *lost*, *doubled*, *out of order*, or *forever* (a call that
never ended). Both witnesses, the database and the history, are held against the ledgers, and so against
each other. The first faults of each kind are told in sentences, so that a number can be looked into.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from benchmarks import ledger
from benchmarks.crash.client import CALL_TIMEOUT, body_of
from benchmarks.crash.evidence import Evidence, Stored
from benchmarks.ledger import Line

LOST, DOUBLED, DISORDER, FOREVER = "lost", "doubled", "out_of_order", "forever"
KINDS = (LOST, DOUBLED, DISORDER, FOREVER)
LATE_SECONDS = 5.0
"""How much longer than its time-out a call may take on a busy machine."""
TOLD_MOST = 5


class Verdict:
    """Counts of faults, and sentences about the first of each kind."""

    def __init__(self, kinds: Sequence[str] = KINDS) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(kinds, 0))
        self.notes: dict[str, list[str]] = defaultdict(list)

    def fault(self, kind: str, note: str, times: int = 1) -> None:
        """Count a fault."""
        self.counts[kind] += times
        if len(self.notes[kind]) < TOLD_MOST:
            self.notes[kind].append(note)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not any(self.counts.values())


class Account:
    """The ledgers, sorted by what they are about."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.sent: dict[str, tuple[str, str]] = {}
        """Message id → (user, address), in the order of the first tries."""
        self.again: set[str] = set()
        """Those whose call failed: the program sent them again, behind others perhaps."""
        self.acked: dict[str, tuple[int, int]] = {}
        """Message id → (conversation, seq) as acknowledged."""
        self.contradicted: list[str] = []
        """Acknowledged twice, with different places."""
        self.heard: dict[tuple[str, int], list[tuple[int, str]]] = defaultdict(list)
        """(user, conversation) → (seq, id), as handed out."""
        self.open: dict[tuple[str, ...], int] = {}
        """Calls begun and not ended, and when."""
        self.late: list[str] = []
        self.counts: Counter[str] = Counter()
        for line in lines:
            self._take(line)

    def _take(self, line: Line) -> None:
        fields = line.fields
        if line.what == ledger.SENT:
            self.sent.setdefault(fields[2], (fields[0], fields[1]))
            self.open["message", fields[2]] = line.at
        elif line.what == ledger.ACKED:
            place = (int(fields[3]), int(fields[4]))
            if self.acked.setdefault(fields[2], place) != place:
                self.contradicted.append(fields[2])
            self.counts["told_duplicate"] += int(fields[5])
            self._ended(line.at, ("message", fields[2]))
        elif line.what == ledger.FAILED:
            self.again.add(fields[2])
            self.counts["calls_failed"] += 1
            self._ended(line.at, ("message", fields[2]))
        elif line.what == ledger.HEARD:
            self.heard[fields[0], int(fields[1])].append((int(fields[2]), fields[3]))
        elif line.what == ledger.ASKED:
            self.open["request", *fields] = line.at
        elif line.what == ledger.TOLD:
            self.counts["probes"] += 1
            self.counts["probes_failed"] += fields[3] != "ok"
            self._ended(line.at, ("request", *fields[:3]))

    def _ended(self, at: int, call: tuple[str, ...]) -> None:
        begun = self.open.pop(call, None)
        if begun is not None and at - begun > (CALL_TIMEOUT + LATE_SECONDS) * 1e9:
            self.late.append(f"{' '.join(call)} took {(at - begun) / 1e9:.1f} s")


def judge(account: Account, database: Evidence, history: Evidence) -> Verdict:
    """Everything that is to be proved, about everyone."""
    verdict = Verdict()
    for call in account.open:
        verdict.fault(FOREVER, f"{' '.join(call)} never ended")
    for note in account.late:
        verdict.fault(FOREVER, note)
    for name, witness in (("database", database), ("history", history)):
        _counted(verdict, name, witness)
        _kept(verdict, name, witness, account)
        _ordered(verdict, name, witness, account)
    _agree(verdict, database, history)
    for conversation, names in database.members.items():
        stored = database.messages.get(conversation, [])
        for user in names:
            _heard(verdict, user, conversation, stored, account.heard[user, conversation])
    return verdict


def _counted(verdict: Verdict, name: str, witness: Evidence) -> None:
    """Each conversation is 1, 2, 3, … up to its counter."""
    for conversation, stored in witness.messages.items():
        for place, message in enumerate(stored, 1):
            if message.seq != place:
                verdict.fault(DISORDER, f"{name}: conversation {conversation} has {message.seq} at {place}")
                break
        if witness.counters.get(conversation) != len(stored):
            counter = witness.counters.get(conversation)
            verdict.fault(
                DISORDER, f"{name}: conversation {conversation} counts {counter}, has {len(stored)}"
            )


def _kept(verdict: Verdict, name: str, witness: Evidence, account: Account) -> None:
    """What was acknowledged is there, in its place, once, and is what was said."""
    places: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for conversation, stored in witness.messages.items():
        for message in stored:
            places[message.sender, message.id].append((conversation, message.seq))
            if message.body != body_of(message.sender, message.id):
                verdict.fault(LOST, f"{name}: {message.id} holds another text than was sent")
            if message.id not in account.sent:
                verdict.fault(DOUBLED, f"{name}: {message.id} was never sent by anyone")
    for key, found in places.items():
        if len(found) > 1:
            verdict.fault(DOUBLED, f"{name}: {key} stands at {found}", len(found) - 1)
    for identity, place in account.acked.items():
        found = places.get((account.sent[identity][0], identity), [])
        if place not in found:
            verdict.fault(LOST, f"{name}: {identity} was acknowledged at {place}, stands at {found}")
    for identity in account.contradicted:
        verdict.fault(DOUBLED, f"{identity} was acknowledged at two places")


def _ordered(verdict: Verdict, name: str, witness: Evidence, account: Account) -> None:
    """One sender's messages to one address stand in the order in which they were sent first."""
    turn = {identity: place for place, identity in enumerate(account.sent)}
    for stored in witness.messages.values():
        last: dict[str, int] = {}
        for message in stored:
            if message.id in account.again or message.id not in turn:
                continue
            if turn[message.id] < last.get(message.sender, -1):
                verdict.fault(DISORDER, f"{name}: {message.id} of {message.sender} came too late")
            last[message.sender] = max(turn[message.id], last.get(message.sender, -1))


def _agree(verdict: Verdict, database: Evidence, history: Evidence) -> None:
    """The server tells what it has."""
    for conversation, stored in database.messages.items():
        if history.messages.get(conversation) != stored:
            verdict.fault(LOST, f"the history of conversation {conversation} is not what is stored")


def _heard(
    verdict: Verdict, user: str, conversation: int, stored: Sequence[Stored], heard: list[tuple[int, str]]
) -> None:
    """A member was handed out exactly what is stored, in its order, each message once.

    Everyone is there before the first word is said, so nobody's hearing begins later.
    """
    expected = [(message.seq, message.id) for message in stored]
    if heard == expected:
        return
    where = f"{user} in conversation {conversation}"
    times = Counter(heard)
    for item, count in times.items():
        if count > 1:
            verdict.fault(DOUBLED, f"{where} was handed out {item} {count} times", count - 1)
    known = set(expected)
    for item in times.keys() - known:
        verdict.fault(DOUBLED, f"{where} was handed out {item}, which is not stored so")
    missing = [item for item in expected if item not in times]
    if missing:
        verdict.fault(LOST, f"{where} never had {missing[:3]} of {len(expected)}", len(missing))
    seqs = [seq for seq, _ in heard]
    steps = sum(later < earlier for earlier, later in pairwise(seqs))
    if steps:
        verdict.fault(DISORDER, f"{where} was handed out an earlier message after a later one", steps)
