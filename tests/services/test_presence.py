"""Presence: what brokers report, who is told, and that reports may come twice or from a new life."""

from __future__ import annotations

from itertools import pairwise

from services.storage import presence
from tests.services.house import SECOND, House, Person


def _talk(house: House, one: Person, other: Person) -> None:
    """A direct conversation between two people, as their first message makes it."""
    low, high = sorted((one.user_id, other.user_id))
    with house.store.write() as tx:
        row = tx.row(
            "insert into conversations"
            " (kind, name, password, topic, last_seq, last_at, created_at, user_low, user_high)"
            " values ('direct', '', '', $1, 0, 0, 0, $2, $3) returning id",
            (b"", low, high),
        )
        assert row is not None
        for user in {low, high}:
            tx.run(
                "insert into members (conversation_id, user_id, read_seq, own_unread, joined_at)"
                " values ($1, $2, 0, 0, 0)",
                (row[0], user),
            )


def test_a_report_sets_who_is_online(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    house.report(online=[ani.user_id, budi.user_id])
    assert house.do("user.online", ani) == {"users": ["ani", "budi"]}
    house.report(offline=[budi.user_id])
    assert house.do("user.online", ani) == {"users": ["ani"]}


def test_coming_and_going_is_told_to_groups_and_to_partners_who_are_online(house: House) -> None:
    ani, budi, citra, dewi = house.people("ani", "budi", "citra", "dewi")
    ops = house.do("group.create", ani, group="ops")
    house.do("group.create", dewi, group="other")
    _talk(house, ani, budi)
    _talk(house, ani, citra)
    house.report(online=[budi.user_id, dewi.user_id])
    house.report(online=[ani.user_id])
    came = ("presence", {"user": "ani", "online": True, "last_seen": house.now})
    assert {event.topic for event in house.events} == {ops["topic"], budi.topic}
    assert house.on(ops["topic"]) == house.on(budi.topic) == [came]
    house.report(offline=[ani.user_id])
    went = ("presence", {"user": "ani", "online": False, "last_seen": house.now})
    assert {event.topic for event in house.events} == {ops["topic"], budi.topic}
    assert house.on(ops["topic"]) == house.on(budi.topic) == [went]


def test_nobody_is_told_on_the_conversation_of_everyone_nor_by_notes_to_oneself(house: House) -> None:
    ani = house.person("ani")
    _talk(house, ani, ani)
    house.report(online=[ani.user_id])
    assert house.events == []


def test_two_who_come_in_one_report_hear_of_each_other(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    _talk(house, ani, budi)
    house.report(online=[ani.user_id, budi.user_id])
    assert [body["user"] for _, body in house.on(ani.topic)] == ["budi"]
    assert [body["user"] for _, body in house.on(budi.topic)] == ["ani"]


def test_the_same_report_twice_is_told_once(house: House) -> None:
    ani = house.person("ani")
    house.do("group.create", ani, group="ops")
    house.report(online=[ani.user_id])
    assert len(house.events) == 1
    house.report(online=[ani.user_id])
    assert house.events == []
    house.report(offline=[ani.user_id])
    went = house.now
    house.report(offline=[ani.user_id])
    assert house.events == []
    assert house.do("user.get", ani, user="ani")["last_seen"] == went


def test_a_user_is_online_while_any_broker_says_so(house: House) -> None:
    ani = house.person("ani")
    house.do("group.create", ani, group="ops")
    house.report(b"first", online=[ani.user_id])
    house.report(b"second", online=[ani.user_id])
    assert house.events == []
    house.report(b"first", offline=[ani.user_id])
    assert house.events == []
    assert house.do("user.get", ani, user="ani")["online"] is True
    house.report(b"second", offline=[ani.user_id])
    assert [event.body["online"] for event in house.events] == [False]


def test_a_broker_that_begins_anew_takes_back_what_it_said_before(house: House) -> None:
    ani, budi, citra = house.people("ani", "budi", "citra")
    ops = house.do("group.create", ani, group="ops")
    house.do("group.join", budi, group="ops")
    house.report(b"first", online=[ani.user_id, budi.user_id])
    house.report(b"second", online=[citra.user_id])
    house.report(b"first", online=[budi.user_id], restart=True)
    assert house.on(ops["topic"]) == [("presence", {"user": "ani", "online": False, "last_seen": house.now})]
    assert house.do("user.online", ani) == {"users": ["budi", "citra"]}


def test_a_broker_of_which_nothing_is_heard_any_more_says_nothing_any_more(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    ops = house.do("group.create", ani, group="ops")
    house.do("group.join", budi, group="ops")
    house.report(b"first", online=[ani.user_id, budi.user_id])
    house.report(b"second", online=[budi.user_id])
    for _ in range(3):  # a minute each, in which the second one says that it lives
        house.now += 60 * SECOND
        house.report(b"second")
    assert house.on(ops["topic"]) == [("presence", {"user": "ani", "online": False, "last_seen": house.now})]
    assert house.do("user.online", ani) == {"users": ["budi"]}
    assert house.row("select count(*) from presence where broker = $1", b"first") == (0,)
    house.report(b"first", online=[ani.user_id], restart=True)
    assert house.do("user.online", ani) == {"users": ["ani", "budi"]}


def test_a_broker_that_says_that_it_lives_keeps_its_word(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    house.report(b"first", online=[ani.user_id])
    house.report(b"second", online=[budi.user_id])
    for _ in range(6):
        house.now += 60 * SECOND
        house.report(b"second")
        house.report(b"first")
    assert house.do("user.online", ani) == {"users": ["ani", "budi"]}


def test_a_report_says_which_sessions_live(house: House) -> None:
    ani = house.person("ani")
    phone, tablet = house.login("ani"), house.login("ani")
    house.do("auth.logout", tablet)
    house.report(sessions=[ani.session, tablet.session, 424_242])
    reported = house.now
    seen = {each["session"]: each["seen_at"] for each in house.do("auth.sessions", ani)["sessions"]}
    assert seen[ani.session] == reported
    assert seen[phone.session] < reported
    late = house.row("select 1 from sessions where id = $1 and seen_at >= $2", tablet.session, reported)
    assert late is None


def test_too_many_sessions_end_the_one_that_is_silent_longest(house: House) -> None:
    ani = house.person("ani")
    phone = house.login("ani")
    house.report(sessions=[ani.session])
    house.set(sessions_per_user=2)
    house.login("ani")
    assert house.closed == [phone.session]


def test_numbers_of_nobody_are_passed_over(house: House) -> None:
    ani = house.person("ani")
    house.report(online=[ani.user_id, 424_242], offline=[424_243])
    assert house.do("user.online", ani) == {"users": ["ani"]}


def test_who_is_in_both_lists_is_online(house: House) -> None:
    ani = house.person("ani")
    house.report(online=[ani.user_id], offline=[ani.user_id])
    assert house.do("user.online", ani) == {"users": ["ani"]}


def test_a_report_of_many_is_taken_whole(house: House) -> None:
    with house.store.write() as tx:
        for number in range(700):
            tx.run(
                "insert into users (name, name_key, password, topic, created_at, last_seen_at)"
                " values ($1, $1, '', $2, 0, 0)",
                (f"user{number:04}", number.to_bytes(16, "big")),
            )
        users = [row[0] for row in tx.rows("select id from users")]
    house.report(online=users)
    ani = house.person("ani")
    assert len(house.do("user.online", ani)["users"]) == 700
    house.report(offline=users[1:])
    assert len(house.do("user.online", ani)["users"]) == 1


def test_statements_about_many_users_have_few_lengths() -> None:
    lengths = set()
    for count in range(1, 1500, 7):
        chunks = list(presence.chunks(range(count), 2))
        assert {user for ids, _ in chunks for user in ids} == set(range(count))
        for ids, marks in chunks:
            names = [int(name.removeprefix("$")) for name in marks.split(", ")]
            assert len(names) == len(ids)
            assert names[0] == 2
            assert all(after == before + 1 for before, after in pairwise(names))
            lengths.add(len(ids))
    assert lengths == set(presence.SIZES)
