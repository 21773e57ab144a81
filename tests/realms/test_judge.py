"""The judge of several realms finds every kind of fault: a judge that never condemns proves nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import ledger
from benchmarks.crash.client import body_of
from benchmarks.crash.evidence import Evidence, Stored
from benchmarks.crash.judge import DISORDER, DOUBLED, LOST
from benchmarks.ledger import Line
from benchmarks.realms.books import Books, qualified, translated
from benchmarks.realms.judge import judge

TALK, OPS = 7, 9
SAID = [("ani", "ani@b", f"a{number}") for number in range(4)]
ANSWERED = [("ani", "ani@a", f"b{number}") for number in range(4)]
POSTED = [("dewi", "#ops@a", f"d{number}") for number in range(3)]

Realms = dict[str, Books]


def good() -> Realms:
    """ani@a and ani@b write to each other, dewi@b to the group #ops@a, and all is well."""
    heard_a = stored("ani", "a", SAID) + stored("ani@b", "a", ANSWERED, len(SAID))
    heard_b = stored("ani", "b", ANSWERED) + stored("ani@a", "b", SAID, len(ANSWERED))
    return {
        "a": books("a", heard_a, stored("dewi@b", "a", POSTED), SAID, "#ops@a", ["dewi", "dewi@b"]),
        "b": books("b", heard_b, stored("dewi", "b", POSTED), ANSWERED + POSTED, "#ops@a", ["dewi"]),
    }


def stored(sender: str, realm: str, said: list[tuple[str, str, str]], behind: int = 0) -> list[Stored]:
    """As the tables of ``realm`` have it."""
    return [
        Stored(behind + place, sender, identity, body_of(name, identity))
        for place, (name, _, identity) in enumerate(said, 1)
    ]


def books(
    realm: str,
    talk: list[Stored],
    ops: list[Stored],
    said: list[tuple[str, str, str]],
    group: str,
    members: list[str],
) -> Books:
    other = "b" if realm == "a" else "a"
    names = {TALK: ["ani", f"ani@{other}"], OPS: members}
    database, history = (
        translated(
            Evidence({TALK: list(talk), OPS: list(ops)}, {TALK: len(talk), OPS: len(ops)}, names), realm
        )
        for _ in range(2)
    )
    seqs = {one.id: one.seq for one in talk}
    lines = []
    for at, (name, to, identity) in enumerate(said):
        room = TALK if identity in seqs else OPS
        lines.append(Line(at, ledger.SENT, (name, to, identity, "1")))
        place = str(seqs.get(identity, 0))
        lines.append(Line(at, ledger.ACKED, (name, to, identity, str(room), place, "0")))
    for room, user, messages in ((TALK, "ani", talk), (OPS, "dewi", ops)):
        lines += [
            Line(99, ledger.HEARD, (user, str(room), str(one.seq), one.id, one.sender)) for one in messages
        ]
    delivered = {TALK: max(seq for identity, seq in seqs.items() if identity in {one[2] for one in said})}
    whole = [qualified(line, realm) for line in lines]
    return Books(realm, whole, database, history, {OPS: group}, delivered=delivered)


def told(realm: Books, room: int) -> list[list[Stored]]:
    """Both witnesses' lists of a conversation."""
    return [realm.database.messages[room], realm.history.messages[room]]


def drop(realm: Books, room: int, place: int = -1) -> None:
    """A message is missing, everywhere in this realm, and nobody there misses it."""
    for messages in told(realm, room):
        gone = messages.pop(place)
        for later, message in enumerate(messages, 1):
            messages[later - 1] = Stored(later, message.sender, message.id, message.body)
    for witness in (realm.database, realm.history):
        witness.counters[room] = len(witness.messages[room])
    rehear(realm, room)
    assert gone


def rehear(realm: Books, room: int) -> None:
    """What was handed out is what is stored."""
    realm.lines = [
        line for line in realm.lines if line.what != ledger.HEARD or line.fields[1] != str(room)
    ] + [
        Line(99, ledger.HEARD, (user, str(room), str(one.seq), one.id, one.sender))
        for user in realm.database.members[room]
        if user.endswith(f"@{realm.realm}")
        for one in realm.database.messages[room]
    ]


def test_a_good_run_is_acquitted() -> None:
    verdict = judge(list(good().values()))
    assert verdict.clean, verdict.notes


def never_came(realms: Realms) -> None:
    drop(realms["b"], TALK)


def missing_in_the_middle(realms: Realms) -> None:
    drop(realms["b"], TALK, 5)


def came_twice(realms: Realms) -> None:
    twin = realms["b"].database.messages[TALK][-1]
    for messages in told(realms["b"], TALK):
        messages.append(Stored(len(messages) + 1, twin.sender, twin.id, twin.body))
    for witness in (realms["b"].database, realms["b"].history):
        witness.counters[TALK] += 1
    rehear(realms["b"], TALK)


def never_said(realms: Realms) -> None:
    for messages in told(realms["b"], TALK):
        messages[-1] = Stored(len(messages), "ani@a", "zz", body_of("ani@a", "zz"))
    rehear(realms["b"], TALK)


def in_another_order(realms: Realms) -> None:
    for messages in told(realms["b"], TALK):
        one, other = messages[-2:]
        messages[-2:] = [
            Stored(one.seq, other.sender, other.id, other.body),
            Stored(other.seq, one.sender, one.id, one.body),
        ]
    rehear(realms["b"], TALK)


def said_by_another(realms: Realms) -> None:
    for messages in told(realms["b"], TALK):
        last = messages[-1]
        messages[-1] = Stored(last.seq, "ani@c", last.id, body_of("ani@c", last.id))
    rehear(realms["b"], TALK)


def copy_ends_early(realms: Realms) -> None:
    drop(realms["b"], OPS)


def copy_has_other_numbers(realms: Realms) -> None:
    for messages in told(realms["b"], OPS):
        one, other = messages[:2]
        messages[:2] = [
            Stored(1, other.sender, other.id, other.body),
            Stored(2, one.sender, one.id, one.body),
        ]
    rehear(realms["b"], OPS)


def post_not_at_home(realms: Realms) -> None:
    for realm in realms.values():
        drop(realm, OPS)


def waits_for_ever(realms: Realms) -> None:
    realms["a"].waiting.append("a message for b is waiting")


def refused(realms: Realms) -> None:
    realms["a"].refused.append("7/1: not_found")


def not_told(realms: Realms) -> None:
    realms["a"].delivered[TALK] -= 1


def not_heard(realms: Realms) -> None:
    lines = realms["b"].lines
    last = max(place for place, line in enumerate(lines) if line.what == ledger.HEARD)
    del lines[last]


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (never_came, LOST),
        (missing_in_the_middle, LOST),
        (came_twice, DOUBLED),
        (never_said, DOUBLED),
        (in_another_order, DISORDER),
        (said_by_another, LOST),
        (copy_ends_early, LOST),
        (copy_has_other_numbers, DISORDER),
        (post_not_at_home, LOST),
        (waits_for_ever, LOST),
        (refused, LOST),
        (not_told, LOST),
        (not_heard, LOST),
    ],
)
def test_every_fault_is_found(spoil: Callable[[Realms], None], kind: str) -> None:
    realms = good()
    spoil(realms)
    verdict = judge(list(realms.values()))
    assert verdict.counts[kind], (verdict.counts, verdict.notes)
