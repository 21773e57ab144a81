"""Files in groups with members in other realms: posted from anywhere, fetched through the home."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from protocol.errors import Conflict, NotFound
from services.admin.fsck import run
from services.admin.program import groups, line
from services.file.bulk.janitor import POSTED_FOR, Janitor
from services.realm import fetching
from services.storage import files, open_reader, outbox
from tests.conftest import empty_schema
from tests.realms.circle import team
from tests.realms.conftest import Found
from tests.realms.desk import Files, sha
from tests.realms.town import Town

SOME = random.Random(2).randbytes(700_000)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def three(request: pytest.FixtureRequest, founded: Found) -> Iterator[Town]:
    """A town of three realms whose databases are of either engine."""
    with ExitStack() as schemas:
        databases = {}
        if request.param == "postgres":
            address = request.getfixturevalue("postgres_address")
            databases = {name: schemas.enter_context(empty_schema(address)) for name in "abc"}
        yield founded("a", "b", "c", databases=databases)


def shown(town: Town, realm: str, who: str, group: str) -> list[dict[str, Any]]:
    """The files of a group, as its messages show them."""
    return [message["file"] for message in town[realm].messages(who, group) if "file" in message]


def test_a_file_posted_from_another_realm_is_numbered_at_home_and_fetched_by_all(three: Town) -> None:
    town = three
    team(town, ("a", "ani"), ("c", "citra"))
    a, b, c = (Files(town, name) for name in "abc")
    answer = a.send("ani", "#team@b", SOME, "foto.raw")
    assert (answer["seq"], answer["queued"]) == (0, True)
    town.run(2)
    own = town["a"].messages("ani", "#team@b")[-1]
    assert own["file"]["file"] == answer["file"]["file"]
    assert a.open("ani", own["file"]) == SOME
    assert b.kept() == []
    # Citra's realm asks the home, which has to ask Ani's first.
    (for_citra,) = shown(town, "c", "citra", "#team@b")
    assert c.open("citra", for_citra) == SOME
    assert b.kept() == c.kept() == [sha(SOME)]
    (for_budi,) = shown(town, "b", "budi", "#team")
    assert b.open("budi", for_budi) == SOME
    assert len(town["b"].logged("a file was fetched")) == 1


def test_a_file_of_the_home_s_is_fetched_by_members_elsewhere_and_not_after_they_left(founded: Found) -> None:
    town = founded("a", "b", "c")
    team(town, ("a", "ani"), ("c", "citra"))
    a, b, c = (Files(town, name) for name in "abc")
    b.send("budi", "#team", SOME)
    town.run(2)
    (for_ani,), (for_citra,) = (
        shown(town, "a", "ani", "#team@b"),
        shown(town, "c", "citra", "#team@b"),
    )
    assert a.open("ani", for_ani) == SOME
    town["c"].do("citra", "group.leave", group="#team@b")
    town.run(2)
    with pytest.raises(NotFound):
        c.get("citra", for_citra["file"])


def test_a_file_of_a_post_that_was_refused_does_not_stay(town: Town) -> None:
    team(town, ("a", "ani"))
    here = Files(town, "a")
    town.network.cut("a", "b")
    number = here.send("ani", "#team@b", SOME)["file"]["file"]
    janitor = Janitor(
        here.settings,
        town["a"].store,
        here.storage,
        town["a"].log,
        lambda: town.wall,
    )
    town.run(2 * POSTED_FOR)
    janitor.look()
    assert town["a"].do("ani", "file.usage")["bytes"] == len(SOME)
    realm = town["a"].row_of("b").id
    with town["a"].store.write() as tx:
        outbox.give_up(tx, realm, "forbidden", "They are gone.", "They are gone.")
    janitor.look()
    janitor.close()
    with town["a"].store.read() as tx:
        assert files.numbered(tx, number) is None
    assert town["a"].do("ani", "file.usage")["bytes"] == 0
    assert here.kept() == []


def test_a_large_file_is_waited_for_while_the_home_fetches_it(
    founded: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "QUIET", 3.0)
    town = founded("a", "b", "c", realm_fetch_bytes=70_000)
    team(town, ("a", "ani"), ("c", "citra"))
    a, c = Files(town, "a"), Files(town, "c")
    a.send("ani", "#team@b", SOME)
    town.run(2)
    begun = town.network.now
    (file,) = shown(town, "c", "citra", "#team@b")
    assert c.open("citra", file) == SOME
    assert town.network.now - begun > 3 * fetching.QUIET
    assert not town["c"].logged("a file was not fetched")


def test_what_a_realm_does_with_files_is_sound_on_both_engines(three: Town) -> None:
    team(three, ("a", "ani"), ("c", "citra"))
    a, b, c = (Files(three, name) for name in "abc")
    a.send("ani", "budi@b", SOME, "direct.raw")
    a.send("ani", "#team@b", SOME, "posted.raw")
    a.send("ani", "citra@c", b"", "empty.txt")
    b.send("budi", "#team", b"bad", "bad.txt")
    three.run(2)
    blob = next(path for path in (b.settings.home / "files" / "blobs").rglob("*") if path.is_file())
    blob.write_bytes(b"BAD")
    (direct,) = (message["file"] for message in three["b"].messages("budi", "ani@a"))
    (empty,) = (message["file"] for message in three["c"].messages("citra", "ani@a"))
    posted, bad = shown(three, "c", "citra", "#team@b")
    assert b.open("budi", direct) == c.open("citra", posted) == SOME
    assert c.open("citra", empty) == b""
    with pytest.raises(Conflict):
        c.open("citra", bad)
    assert len(three["b"].logged("a file was fetched")) == 1
    blob.write_bytes(b"bad")
    for files_of in (a, b, c):
        assert problems(files_of) == []


def problems(of: Files) -> list[str]:
    """What fsck finds of files in a realm."""
    reader = open_reader(of.settings)
    try:
        checks = groups(reader.dialect, hashes=True)
        results = run(reader, of.settings, checks)
        kinds = ("blobs.", "files.", "fetches.", "uploads.", "usage.", "storage.")
        return [
            line(result)
            for result in results
            if result.check.name.startswith(kinds) and not (result.ran and result.ok)
        ]
    finally:
        reader.close()


def test_who_leaves_while_a_file_is_on_its_way_has_nothing_of_it_left(founded: Found) -> None:
    town = team(founded(realm_fetch_bytes=100_000), ("a", "ani"))
    a, b = Files(town, "a"), Files(town, "b")
    b.send("budi", "#team", SOME)
    town.run(2)
    (file,) = shown(town, "a", "ani", "#team@b")
    a.held("ani", file["file"])
    town.until(lambda: a.held("ani", file["file"]) > 100_000)
    town["a"].do("ani", "group.leave", group="#team@b")
    with pytest.raises(NotFound):
        a.get("ani", file["file"])
    town.run(30)
    assert (a.staged(), a.realm.rows("select 1 from uploads")) == ([], [])
    assert a.realm.rows("select state from blobs where state <> 'going'") == []
    assert problems(a) == []


def test_the_same_finish_again_says_how_far_the_post_is(town: Town) -> None:
    team(town, ("a", "ani"))
    here = Files(town, "a")
    town.network.cut("a", "b")
    id = here.hold("ani", "#team@b", SOME)
    here.seal("ani", id)
    first, again = (town["a"].do("ani", "file.finish", upload=id) for _ in range(2))
    assert first["file"] == again["file"]
    assert [(each["seq"], each["queued"], each["duplicate"]) for each in (first, again)] == [
        (0, True, False),
        (0, True, True),
    ]
    town.network.heal("a", "b")
    town.run(60)
    last = town["a"].do("ani", "file.finish", upload=id)
    assert (last["file"], last["seq"], last["duplicate"]) == (first["file"], 1, True)
    assert len(town["a"].messages("ani", "#team@b")) == 1
