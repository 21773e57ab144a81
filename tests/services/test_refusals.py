"""Posts that another realm refused, as they are kept for their authors: on both engines."""

from __future__ import annotations

import pytest

from services.storage import outbox, refusals
from services.storage.outbox import Entry
from services.storage.refusals import Refusal
from tests.services.realms import copy, row
from tests.services.world import NOW, World, message_id


def refuse(world: World, where: int, who: str, *posts: tuple[int, int]) -> list[int]:
    """Posts with these numbers and sizes are refused; the numbers of all that are kept then."""
    user = world.people[who].user_id
    with world.store.write() as tx:
        refusals.add(
            tx,
            [Refusal(user, message_id(n), where, n, "x", NOW, "forbidden", "No.", size) for n, size in posts],
        )
    return kept(world, where, who)


def kept(world: World, where: int, who: str) -> list[int]:
    with world.store.read() as tx:
        return [each.n for each in refusals.of(tx, where, world.people[who].user_id)]


def test_of_one_user_so_many_are_kept_and_so_many_bytes_the_newest(
    abroad: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = copy(abroad, "team", "ani", "budi")
    monkeypatch.setattr(refusals, "MOST", 3)
    assert refuse(abroad, where, "budi", (1, 9)) == [1]
    assert refuse(abroad, where, "ani", (2, 1), (3, 1), (4, 1), (5, 1)) == [3, 4, 5]
    assert refuse(abroad, where, "ani", (6, refusals.MOST_BYTES - 1)) == [5, 6]
    assert refuse(abroad, where, "ani", (7, refusals.MOST_BYTES + 1)) == [7], "one, however long it is"
    assert kept(abroad, where, "budi") == [1]


def test_nothing_is_kept_of_a_group_that_is_gone_and_nothing_stays_of_one(abroad: World) -> None:
    where = copy(abroad, "team", "ani", "budi")
    assert refuse(abroad, 999, "ani", (1, 1)) == []
    refuse(abroad, where, "ani", (2, 1), (3, 1))
    refuse(abroad, where, "budi", (4, 1))
    with abroad.store.write() as tx:
        refusals.again(tx, [(abroad.people["ani"].user_id, message_id(2))])
    assert (kept(abroad, where, "ani"), kept(abroad, where, "budi")) == ([3], [4])
    with abroad.store.write() as tx:
        refusals.forget(tx, where, abroad.people["ani"].user_id)
    assert (kept(abroad, where, "ani"), kept(abroad, where, "budi")) == ([], [4])
    with abroad.store.write() as tx:
        refusals.forget(tx, where)
    assert kept(abroad, where, "budi") == []


def test_a_full_answer_has_room_for_all_that_was_refused(abroad: World) -> None:
    where, user = copy(abroad, "team", "ani"), abroad.people["ani"].user_id
    text = "x" * 60_000
    with abroad.store.write() as tx:
        for seq in range(1, 6):
            tx.run(
                "insert into messages (conversation_id, seq, sender_id, id, body, sent_at)"
                " values ($1, $2, $3, $4, $5, $6)",
                (where, seq, user, message_id(seq), text, NOW),
            )
        tx.run("update conversations set last_seq = 5 where id = $1", (where,))
        refusals.add(
            tx,
            [Refusal(user, message_id(n), where, n, text, NOW, "forbidden", "No.", 60_000) for n in (7, 8)],
        )
    page = abroad.do("ani", "message.history", **{"with": "#team@b"})
    assert ([each["seq"] for each in page["messages"]], len(page["refused"])) == ([4, 5], 2)
    page = abroad.do("ani", "message.history", **{"with": "#team@b", "before": 5})
    assert ([each["seq"] for each in page["messages"]], page["refused"]) == ([1, 2, 3, 4], [])


def test_posts_that_are_given_up_are_refused_with_what_became_of_them(abroad: World) -> None:
    where, user, realm = copy(abroad, "team", "ani"), abroad.people["ani"].user_id, row(abroad).id
    posts = [Entry("post", user, "team", where, 0, message_id(n), f"text {n}", 6) for n in (1, 2)]
    with abroad.store.write() as tx:
        outbox.add(tx, realm, posts, NOW)
        outbox.told(tx, realm, 1)
        outbox.give_up(tx, realm, "forbidden", "It waited.", "It was there.")
    with abroad.store.read() as tx:
        assert refusals.of(tx, where, user) == [
            Refusal(user, message_id(1), where, 1, "text 1", NOW, "forbidden", "It was there.", 19),
            Refusal(user, message_id(2), where, 2, "text 2", NOW, "forbidden", "It waited.", 16),
        ]
    assert (row(abroad).waiting, row(abroad).waiting_bytes) == (0, 0)
