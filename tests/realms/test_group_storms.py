"""Groups between realms on lines that lose, double and delay, with processes that die: nothing is lost."""

from __future__ import annotations

import random

from protocol.errors import Failure
from tests.realms.circle import heard, inbox, join, said, team
from tests.realms.conftest import Found
from tests.realms.network import CALM, STORM
from tests.realms.town import Realm, Town

SEEDS = (1,)
"""More of them, in a longer run, find more; twelve found nothing."""
MEMBERS = (("a", "ani", "#team@b"), ("b", "budi", "#team"), ("c", "citra", "#team@b"))


def stumble(town: Town, rng: random.Random) -> None:
    """Now and then a realm process dies, or comes back."""
    for name in ("a", "b", "c"):
        realm = town[name]
        if realm.house is None:
            realm.start()
        elif rng.random() < 0.03:
            realm.kill()


def calm(town: Town) -> None:
    """The storm is over, and everybody is up."""
    town.network.weather = CALM
    for name in ("a", "b", "c"):
        if town[name].house is None:
            town[name].start()
    town.run(180)


def test_everybody_reads_the_same_and_nothing_is_lost_doubled_or_out_of_order(founded: Found) -> None:
    for seed in SEEDS:
        town = team(founded("a", "b", "c", seed=seed), ("a", "ani"), ("c", "citra"))
        town.network.weather = STORM
        sent: dict[str, list[str]] = {who: [] for _, who, _ in MEMBERS}
        for number in range(60):
            realm, who, group = town.rng.choice(MEMBERS)
            town[realm].say(who, group, f"{who} {number}")
            sent[who].append(f"{who} {number}")
            stumble(town, town.rng)
            town.run(town.rng.uniform(0, 2))
        calm(town)
        texts = [[text for _, _, text in said(town[realm], who, group)] for realm, who, group in MEMBERS]
        assert texts[0] == texts[1] == texts[2]
        assert len(texts[0]) == 60
        for who, own in sent.items():
            assert [text for text in texts[0] if text.startswith(who)] == own
        assert [sender for _, sender, text in said(town["a"], "ani") if text.startswith("ani")] == (
            ["ani"] * len(sent["ani"])
        )
        for realm, who, group in MEMBERS:
            row = inbox(town[realm], who)["#Team" if realm == "b" else "#Team@b"]
            assert row["unread"] == 60 - len(sent[who])
            assert town[realm].do(who, "conversation.verify", **{"with": group})["complete"]
            if realm != "b":  # at home a message that is delivered again is heard again
                assert [each["seq"] for each in heard(town[realm], group[1:])] == list(range(1, 61))
        assert town.network.counts["lost"] and town.network.counts["doubled"]


def members_here(realm: Realm) -> set[str]:
    """Our own users in our copy."""
    rows = realm.rows(
        "select users.name from members join users on users.id = user_id"
        " join copies on copies.conversation_id = members.conversation_id"
    )
    return {row[0] for row in rows}


def members_at_home(realm: Realm, of: str) -> set[str]:
    """Users of a realm in the home's group."""
    rows = realm.rows(
        "select users.name from members join users on users.id = user_id where users.realm = $1", of
    )
    return {row[0].partition("@")[0] for row in rows}


def test_home_and_copies_agree_on_members_however_they_come_and_go(founded: Found) -> None:
    for seed in SEEDS:
        town = team(founded("a", "b", "c", seed=seed), ("c", "citra"))
        a, rng = town["a"], town.rng
        for who in ("dewi", "eko"):
            a.person(who)
        town.network.weather = STORM
        wanted: dict[str, bool] = {}
        for _ in range(40):
            who = rng.choice(("ani", "dewi", "eko"))
            try:
                if rng.random() < 0.5:
                    wanted.pop(who, None)
                    join(a, who)
                    wanted[who] = True
                else:
                    wanted.pop(who, None)
                    a.do(who, "group.leave", group="team@b")
                    wanted[who] = False
            except Failure:
                pass
            town.run(rng.uniform(0, 5))
        calm(town)
        assert members_here(a) == members_at_home(town["b"], "a")
        assert members_here(town["c"]) == members_at_home(town["b"], "c") == {"citra"}
        for who, inside in wanted.items():
            assert (who in members_here(a)) == inside, (seed, who)
        assert a.waiting() == 0
