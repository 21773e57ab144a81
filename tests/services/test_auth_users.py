"""Questions about people: who am I, who is this, who is there, page by page."""

from __future__ import annotations

import pytest

from protocol.errors import Invalid, NotFound, Unauthenticated
from tests.services.house import House


def test_whoami_says_who_asks_from_where_and_which_topic_is_in_force(house: House) -> None:
    house.register("Ani")
    registered = house.now
    ani = house.login("ani", "laptop")
    assert house.do("user.whoami", ani) == {
        "user": "Ani",
        "session": ani.session,
        "device": "laptop",
        "topic": ani.topic,
        "created_at": registered,
    }


def test_whoami_of_a_session_that_has_ended_sends_the_client_to_resume(house: House) -> None:
    ani = house.person("ani")
    house.do("auth.logout", ani)
    with pytest.raises(Unauthenticated):
        house.do("user.whoami", ani)


def test_a_user_who_never_came_was_never_seen(house: House) -> None:
    ani = house.person("ani")
    house.register("Budi")
    assert house.do("user.get", ani, user="bUDI") == {"user": "Budi", "online": False, "last_seen": 0}


def test_a_user_online_was_last_seen_now_and_one_who_went_when_they_went(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    house.report(online=[budi.user_id])
    found = house.do("user.get", ani, user="budi")
    assert found == {"user": "budi", "online": True, "last_seen": house.now}
    house.report(offline=[budi.user_id])
    went = house.now
    assert house.do("user.get", ani, user="budi") == {"user": "budi", "online": False, "last_seen": went}


def test_an_unknown_user_is_not_found(house: House) -> None:
    ani = house.person("ani")
    with pytest.raises(NotFound, match="no user budi"):
        house.do("user.get", ani, user="budi")


def test_gateways_hear_whether_somebody_or_a_group_exists_in_any_case(house: House) -> None:
    house.register("Budi")
    house.do("group.create", house.person("citra"), group="Ops")
    assert house.do("gateway.user", user="bUDI") == {"found": True, "group": False}
    assert house.do("gateway.user", user="oPS") == {"found": False, "group": True}
    assert house.do("gateway.user", user="ani") == {"found": False, "group": False}
    with pytest.raises(Invalid, match="name"):
        house.do("gateway.user", user="no name")


def test_users_are_listed_by_name_without_case_page_by_page(house: House) -> None:
    ani = house.person("ani")
    house.register("Citra", "budi", "_eko", "Dewi", "a-2", "A.1", "9")
    seen, after = [], ""
    for _ in range(4):
        page = house.do("user.list", ani, after=after, limit=3)
        seen += [user["user"] for user in page["users"]]
        after = seen[-1]
        if not page["more"]:
            break
    assert seen == sorted(["ani", "Citra", "budi", "_eko", "Dewi", "a-2", "A.1", "9"], key=str.lower)
    assert len(page["users"]) == 2


def test_a_full_last_page_says_that_there_is_no_more(house: House) -> None:
    ani, _ = house.people("ani", "budi")
    page = house.do("user.list", ani, limit=2)
    assert [user["user"] for user in page["users"]] == ["ani", "budi"]
    assert page["more"] is False


def test_online_lists_names_sorted_without_case_page_by_page(house: House) -> None:
    people = house.people("dewi", "Budi", "ani", "citra")
    assert house.do("user.online", people[0]) == {"users": []}
    house.report(online=[person.user_id for person in people[:3]])
    assert house.do("user.online", people[0]) == {"users": ["ani", "Budi", "dewi"]}
    assert house.do("user.online", people[0], limit=2) == {"users": ["ani", "Budi"], "more": True}
    assert house.do("user.online", people[0], limit=2, after="BUDI") == {"users": ["dewi"]}
