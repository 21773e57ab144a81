"""Who may pair with whom: the rules on both sides, in a store of either engine, without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from config.settings import Settings
from protocol.errors import Conflict, Failure, Forbidden, Invalid, NotFound
from protocol.realms import Pair
from services.realm import pairing
from services.realm.invitation import Invitation
from services.realm.pairing import Ourselves
from services.storage import open_store, outbox, realms, refusals
from services.storage.engine import Transaction
from services.storage.migrate import migrate
from services.storage.outbox import Entry
from services.storage.realms import State

SECOND = 1_000_000
NOW = 1_700_000_000 * SECOND
A = Ourselves("a", b"a" * 32)
B = Ourselves("b", b"b" * 32)
C_KEY = b"c" * 32
WHERE = "a.example.org:7704"


@pytest.fixture
def tx(tmp_path: Path, database: str) -> Iterator[Transaction]:
    """The store of b, in one long transaction."""
    with closing(open_store(Settings(home=tmp_path, realm="b", database=database))) as store:
        migrate(store, NOW)
        with store.write() as tx:
            yield tx


def invited(tx: Transaction, seconds: int = 3600, replaces: str = "") -> Invitation:
    return pairing.invite(tx, B, "b.example.org:7704", NOW, seconds, replaces)


def shown(invitation: Invitation, name: str = "a", address: str = WHERE) -> Pair:
    return Pair(name, invitation.secret, address)


def refusal(tx: Transaction, asked: Pair, key: bytes = A.key, now: int = NOW) -> Failure:
    with pytest.raises(Failure) as caught:
        pairing.accept(tx, B, key, asked, now)
    return caught.value


# --- who invites --------------------------------------------------------------------------------


def test_an_invitation_says_who_made_it_and_keeps_no_secret_in_the_store(tx: Transaction) -> None:
    made = invited(tx)
    assert (made.realm, made.address, made.key) == ("b", "b.example.org:7704", B.key)
    assert made.until == NOW // SECOND + 3600
    assert tx.row("select count(*) from invites where secret_hash = $1", (made.secret,)) == (0,)
    assert realms.invites_since(tx, NOW) == 1


def test_who_shows_it_is_a_peer_from_then_on(tx: Transaction) -> None:
    pairing.accept(tx, B, A.key, shown(invited(tx)), NOW)
    found = realms.named(tx, "a")
    assert found is not None
    assert (found.key, found.address, found.state, found.paired_at) == (A.key, WHERE, State.PAIRED, NOW)
    assert realms.invites_since(tx, NOW) == 0


def test_an_invitation_can_be_taken_once(tx: Transaction) -> None:
    made = invited(tx)
    pairing.accept(tx, B, A.key, shown(made), NOW)
    said = refusal(tx, shown(made, "c"), C_KEY)
    assert type(said) is Forbidden and "used already" in said.message


def test_the_same_by_the_same_is_granted_again_but_not_under_another_key_or_name(tx: Transaction) -> None:
    made = invited(tx)
    for _ in range(2):
        pairing.accept(tx, B, A.key, shown(made), NOW)
    assert "used already" in refusal(tx, shown(made), C_KEY).message
    assert "used already" in refusal(tx, shown(made, "c"), A.key).message
    assert len(realms.every(tx)) == 1


def test_the_same_again_may_come_with_a_better_address(tx: Transaction) -> None:
    made = invited(tx)
    pairing.accept(tx, B, A.key, shown(made, address="127.0.0.1:9"), NOW)
    pairing.accept(tx, B, A.key, shown(made), NOW)
    found = realms.named(tx, "a")
    assert found is not None and found.address == WHERE
    assert type(refusal(tx, shown(made, address="nowhere"))) is Invalid


def test_who_was_removed_does_not_come_back_with_what_it_used(tx: Transaction) -> None:
    made = invited(tx)
    pairing.accept(tx, B, A.key, shown(made), NOW)
    pairing.end(tx, "a", State.REMOVED)
    assert "used already" in refusal(tx, shown(made)).message
    pairing.accept(tx, B, A.key, shown(invited(tx)), NOW)
    assert [each.state for each in realms.every(tx)] == [State.PAIRED]


def test_an_invitation_that_is_over_says_since_when(tx: Transaction) -> None:
    made = invited(tx, 60)
    pairing.accept(tx, B, A.key, shown(invited(tx)), NOW)
    said = refusal(tx, shown(made, "c"), C_KEY, NOW + 60 * SECOND)
    assert type(said) is Forbidden and said.message.startswith("This invitation is over, since a moment ago;")
    assert "since 9 minutes;" in refusal(tx, shown(made, "c"), C_KEY, NOW + 600 * SECOND).message


def test_a_secret_that_nobody_gave_out_is_not_known(tx: Transaction) -> None:
    invited(tx)
    said = refusal(tx, Pair("a", bytes(16), WHERE))
    assert (type(said), said.message) == (Forbidden, "b does not know this invitation.")


@pytest.mark.parametrize(
    ("name", "key", "code", "said"),
    [
        ("b", A.key, "conflict", "Both realms are called b; PESAN_REALM gives one of them another name."),
        ("a", B.key, "conflict", "That is b itself; an invitation is for another server."),
        ("A", A.key, "invalid", "A realm's name has a-z, 0-9, dots and dashes, 64 of them at most."),
        ("a b", A.key, "invalid", "A realm's name has a-z, 0-9, dots and dashes, 64 of them at most."),
    ],
)
def test_who_cannot_be_told_from_us_or_has_no_proper_name_is_refused_and_the_invitation_stays(
    tx: Transaction, name: str, key: bytes, code: str, said: str
) -> None:
    made = invited(tx)
    found = refusal(tx, shown(made, name), key)
    assert (found.code, found.message) == (code, said)
    assert realms.invites_since(tx, NOW) == 1


@pytest.mark.parametrize("address", ["", "nowhere", "ipc:///tmp/x:1", "a:0", "x;y:1"])
def test_an_address_that_is_none_is_refused(tx: Transaction, address: str) -> None:
    assert type(refusal(tx, shown(invited(tx), address=address))) is Invalid


@pytest.mark.parametrize("state", [State.PAIRED, State.REMOVED])
def test_a_name_belongs_to_its_key_also_after_the_realm_was_removed(tx: Transaction, state: State) -> None:
    pairing.accept(tx, B, A.key, shown(invited(tx)), NOW)
    if state == State.REMOVED:
        pairing.end(tx, "a", State.REMOVED)
    said = refusal(tx, shown(invited(tx)), C_KEY)
    assert type(said) is Conflict and "pesan realm invite --replace a" in said.message
    found = realms.named(tx, "a")
    assert found is not None and found.key == A.key


def test_who_runs_the_server_can_let_a_new_key_take_a_name_but_only_that_name(tx: Transaction) -> None:
    pairing.accept(tx, B, A.key, shown(invited(tx)), NOW)
    pairing.accept(tx, B, b"d" * 32, shown(invited(tx), "d"), NOW)
    assert type(refusal(tx, shown(invited(tx, replaces="a"), "d"), C_KEY)) is Conflict
    pairing.accept(tx, B, C_KEY, shown(invited(tx, replaces="a")), NOW)
    found = realms.named(tx, "a")
    assert found is not None and found.key == C_KEY


def test_one_server_is_not_known_by_two_names(tx: Transaction) -> None:
    pairing.accept(tx, B, A.key, shown(invited(tx)), NOW)
    said = refusal(tx, shown(invited(tx), "another"))
    assert (type(said), said.message) == (Conflict, "b knows this server by another name.")
    pairing.end(tx, "a", State.REMOVED)
    pairing.accept(tx, B, A.key, shown(invited(tx), "another"), NOW)


def test_a_blocked_realm_does_not_unblock_itself_with_an_invitation(tx: Transaction) -> None:
    pairing.accept(tx, B, A.key, shown(invited(tx)), NOW)
    pairing.end(tx, "a", State.BLOCKED)
    said = refusal(tx, shown(invited(tx)))
    assert (type(said), said.message) == (Forbidden, "a is blocked by b.")


# --- who joins ----------------------------------------------------------------------------------


def from_a(key: bytes = A.key, name: str = "a") -> Invitation:
    return Invitation(name, WHERE, key, bytes(16), NOW // SECOND + 60)


def test_who_joins_knows_the_other_by_the_key_in_the_invitation(tx: Transaction) -> None:
    pairing.adopt(tx, B, from_a(), NOW, replace=False)
    found = realms.keyed(tx, A.key)
    assert found is not None
    assert (found.name, found.address, found.state) == ("a", WHERE, State.PAIRED)


def test_who_joins_keeps_the_key_that_a_name_had_unless_told_to_replace_it(tx: Transaction) -> None:
    pairing.adopt(tx, B, from_a(), NOW, replace=False)
    with pytest.raises(Conflict, match="pesan realm join --replace"):
        pairing.may_join(tx, B, from_a(C_KEY), replace=False)
    pairing.adopt(tx, B, from_a(C_KEY), NOW, replace=True)
    assert [each.key for each in realms.every(tx)] == [C_KEY]


@pytest.mark.parametrize(
    ("invitation", "said"),
    [
        (from_a(B.key), "That is b itself"),
        (from_a(name="b"), "Both realms are called b"),
        (from_a(name="known"), None),
    ],
)
def test_nobody_joins_themselves(tx: Transaction, invitation: Invitation, said: str | None) -> None:
    if said is None:
        pairing.may_join(tx, B, invitation, replace=False)
        return
    with pytest.raises(Conflict, match=said):
        pairing.may_join(tx, B, invitation, replace=True)


# --- how it ends --------------------------------------------------------------------------------


def test_what_waits_for_a_realm_that_is_removed_counts_as_refused(tx: Transaction) -> None:
    pairing.adopt(tx, B, from_a(), NOW, replace=False)
    realm = realms.named(tx, "a")
    assert realm is not None
    tx.run(
        "insert into users (name, name_key, password, topic, created_at, realm)"
        " values ('budi', 'budi', '', $1, 1, '')",
        (b"u" * 16,),
    )
    (user,) = tx.row("select id from users where name = 'budi'") or (0,)
    outbox.add(tx, realm.id, [Entry("message", user, "ani", 7, 3, None, "", 4)], NOW)
    outbox.add(tx, realm.id, [Entry("post", user, "team", 8, 0, bytes(16), "halo", 4)], NOW)
    tx.run("insert into copies (conversation_id, realm_id) values (8, $1)", (realm.id,))
    before = pairing.end(tx, "a", State.REMOVED)
    assert (before.waiting, before.waiting_bytes) == (2, 8)
    assert tx.rows("select conversation_id, seq, code from undelivered") == [(7, 3, "forbidden")]
    assert [(each.body, each.reason) for each in refusals.of(tx, 8, user)] == [
        ("halo", "a was removed before it had this.")
    ]
    after = realms.named(tx, "a")
    assert after is not None and (after.waiting, after.waiting_bytes) == (0, 0)
    assert outbox.waiting(tx, realm.id, 0, 10, 1 << 20) == []


def test_blocking_keeps_what_waits_and_is_taken_back(tx: Transaction) -> None:
    pairing.adopt(tx, B, from_a(), NOW, replace=False)
    pairing.end(tx, "a", State.BLOCKED)
    pairing.end(tx, "a", State.PAIRED)
    with pytest.raises(Conflict, match="a is not blocked"):
        pairing.end(tx, "a", State.PAIRED)


@pytest.mark.parametrize("state", list(State))
def test_a_realm_that_is_not_known_can_be_neither_blocked_nor_removed(tx: Transaction, state: State) -> None:
    with pytest.raises(NotFound, match="No realm here is called a"):
        pairing.end(tx, "a", state)


def test_a_realm_that_was_removed_can_only_be_invited_again(tx: Transaction) -> None:
    pairing.adopt(tx, B, from_a(), NOW, replace=False)
    pairing.end(tx, "a", State.REMOVED)
    for state in (State.PAIRED, State.BLOCKED):
        with pytest.raises(NotFound, match="a was removed; an invitation pairs with it again"):
            pairing.end(tx, "a", state)


def test_invitations_that_are_long_over_are_forgotten(tx: Transaction) -> None:
    made = invited(tx, 1)
    pairing.invite(tx, B, "b.example.org:7704", NOW + pairing.REMEMBERED + 2 * SECOND, 60, "")
    assert "does not know" in refusal(tx, shown(made), now=NOW + pairing.REMEMBERED + 2 * SECOND).message
