"""Files between realms: known with their message, fetched by who opens one, once, whole or not at all."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from protocol.errors import Busy, Conflict, Failure, Forbidden, NotFound, TooLarge, Unavailable
from protocol.files import FileInfo
from protocol.limits import FILE_CHUNK_BYTES
from protocol.realms import Deliver, FetchChunk, Item
from services.realm import serving
from services.storage.fetches import CHUNK_BYTES, REFUSED_FOR
from services.storage.realms import State
from tests.realms.conftest import Found
from tests.realms.desk import Files, sha
from tests.realms.network import Weather
from tests.realms.town import Town
from tests.services.bulk.s3 import S3, environment

SOME = random.Random(1).randbytes(1_300_000)
SLOW = 150_000
"""Bytes a second."""


def sent(town: Town, data: bytes = SOME, name: str = "foto.raw") -> tuple[Files, Files, dict[str, Any]]:
    """Ani's file for Budi: the files of both realms, and what Budi's history shows."""
    here, there = Files(town, "a"), Files(town, "b")
    here.send("ani", "budi@b", data, name)
    town.settle()
    return here, there, dict(town["b"].messages("budi", "ani@a")[-1]["file"])


def fetched(town: Town, realm: str = "b") -> int:
    """How many files were."""
    return len(town[realm].logged("a file was fetched"))


def nothing_left(files: Files) -> bool:
    """Whether nothing is kept of what was begun."""
    return not files.staged() and not files.realm.rows("select 1 from uploads")


def test_a_file_is_known_with_its_message_and_fetched_by_who_opens_it(town: Town) -> None:
    here, there = Files(town, "a"), Files(town, "b")
    answer = here.send("ani", "budi@b", SOME, "foto.raw")
    assert (answer["seq"], answer["queued"]) == (1, True)
    town.settle()
    (message,) = town["b"].messages("budi", "ani@a")
    (event,) = town["b"].heard("budi", "message")
    file = message["file"]
    assert event["file"] == file
    assert (file["name"], file["size"], file["sha256"]) == ("foto.raw", len(SOME), sha(SOME))
    town.run(60)
    assert there.kept() == []
    assert there.open("budi", file) == SOME
    assert there.kept() == [sha(SOME)]
    assert nothing_left(there)
    assert town["b"].messages("budi", "ani@a")[0]["file"] == file


def test_an_empty_file_and_one_of_a_single_byte_arrive(town: Town) -> None:
    for data in (b"", b"x"):
        _, there, file = sent(town, data)
        assert there.open("budi", file) == data


def test_the_same_bytes_are_fetched_once_and_sent_back_not_at_all(town: Town) -> None:
    here, there, first = sent(town)
    there.open("budi", first)
    here.send("ani", "budi@b", SOME, "again.raw")
    there.send("budi", "ani@a", SOME, "back.raw")
    town.settle()
    again = town["b"].messages("budi", "ani@a")[1]["file"]
    assert there.open("budi", again) == SOME
    back = town["a"].messages("ani", "budi@b")[2]["file"]
    assert here.open("ani", back) == SOME
    assert (fetched(town), fetched(town, "a")) == (1, 0)


@pytest.mark.parametrize("who", ["a", "b", "line"])
def test_who_dies_on_the_way_goes_on_where_it_was(founded: Found, who: str) -> None:
    town = founded(realm_fetch_bytes=SLOW)
    _, there, file = sent(town)
    there.held("budi", file["file"])
    town.until(lambda: there.held("budi", file["file"]) > 300_000)
    before = there.held("budi", file["file"])
    if who == "line":
        town.network.cut("a", "b")
    else:
        town[who].kill()
    town.run(60)
    assert before <= there.held("budi", file["file"]) < len(SOME)
    if who == "line":
        town.network.heal("a", "b")
    else:
        town[who].start()
    asked = _fetches(town)
    assert there.open("budi", file) == SOME
    assert sum(asked) <= len(SOME) - before
    assert nothing_left(there)


def _fetches(town: Town) -> list[int]:
    """Sizes of what is fetched from a, from now on."""
    sizes: list[int] = []
    house = town["a"].house
    assert house is not None

    def counted(*arguments: Any) -> None:
        sizes.append(arguments[2].size)
        serving.fetch(*arguments)

    house.asked_table = {**house.asked_table, "fetch": counted}
    return sizes


def test_pieces_grow_while_they_come_quickly(town: Town) -> None:
    _, there, file = sent(town)
    asked = _fetches(town)
    assert there.open("budi", file) == SOME
    assert (asked[0], max(asked), sum(asked)) == (CHUNK_BYTES, FILE_CHUNK_BYTES, len(SOME))


def test_pieces_stay_small_where_they_take_long(town: Town) -> None:
    _, there, file = sent(town)
    town.network.weather = Weather(rate=70_000)
    asked = _fetches(town)
    assert there.open("budi", file, 600) == SOME
    assert set(asked[:-1]) == {CHUNK_BYTES}


def test_a_file_comes_through_a_storm(founded: Found) -> None:
    town = founded(seed=5)
    _, there, file = sent(town, SOME[:300_000])
    town.network.weather = Weather(loss=0.05, double=0.3, delay=(0.001, 2.0))
    assert there.open("budi", file, 20_000) == SOME[:300_000]
    assert nothing_left(there)


def test_other_bytes_than_were_announced_are_thrown_away_and_tried_again_later(town: Town) -> None:
    here, there, file = sent(town)
    blob = next(path for path in (here.settings.home / "files" / "blobs").rglob("*") if path.is_file())
    blob.write_bytes(SOME[::-1])
    with pytest.raises(Conflict, match="not the file that was announced"):
        there.open("budi", file)
    assert there.kept() == [] and nothing_left(there)
    blob.write_bytes(SOME)
    with pytest.raises(Conflict):
        there.get("budi", file["file"])
    town.run(REFUSED_FOR / 1e6)
    assert there.open("budi", file) == SOME


def test_bytes_that_the_other_realm_has_lost_or_deleted_cannot_be_had(town: Town) -> None:
    _, there, file = sent(town)
    (answer,) = town["a"].messages("ani", "budi@b")
    town["a"].do("ani", "file.delete", file=answer["file"]["file"])
    with pytest.raises(NotFound, match="not in a any more"):
        there.open("budi", file)
    assert nothing_left(there)
    assert town["b"].messages("budi", "ani@a")[0]["file"] == file


def test_a_file_beyond_the_limit_is_shown_and_not_fetched(founded: Found) -> None:
    town = founded(realm_file_max_bytes=len(SOME) - 1)
    _, there, file = sent(town)
    with pytest.raises(TooLarge, match=str(len(SOME) - 1)):
        there.open("budi", file)
    assert nothing_left(there)


def test_what_has_no_room_on_the_disk_is_not_begun(town: Town) -> None:
    _, there, file = sent(town)
    house = town["b"].house
    assert house is not None
    house.settings = msgspec.structs.replace(house.settings, file_disk_reserve_bytes=1 << 60)
    with pytest.raises(TooLarge, match="no room"):
        there.open("budi", file)
    assert nothing_left(there)


def test_while_the_realm_is_away_who_opens_a_file_hears_so_and_gets_it_when_it_is_back(town: Town) -> None:
    _, there, file = sent(town)
    town.network.cut("a", "b")
    town.run(60)
    with pytest.raises(Failure, match="does not answer"):
        there.get("budi", file["file"])
    town.network.heal("a", "b")
    assert there.open("budi", file) == SOME


def test_of_a_blocked_realm_nothing_is_fetched(town: Town) -> None:
    _, there, file = sent(town)
    town.set_state("b", "a", State.BLOCKED)
    town.run(5)
    with pytest.raises(NotFound):
        there.get("budi", file["file"])


def test_only_so_many_files_are_fetched_at_once_and_so_many_bytes_a_second(founded: Found) -> None:
    town = founded(realm_fetches=2, realm_fetch_bytes=SLOW)
    here, there = Files(town, "a"), Files(town, "b")
    for number in range(4):
        here.send("ani", "budi@b", SOME[number:], f"{number}.raw")
    town.settle()
    files = [message["file"] for message in town["b"].messages("budi", "ani@a")]
    begun = town.network.now
    for file in files:
        there.held("budi", file["file"])
    town.run(5)
    assert len(there.staged()) == 2 * 2
    assert [there.open("budi", file) for file in files] == [SOME[number:] for number in range(4)]
    assert town.network.now - begun > 4 * len(SOME) / SLOW - 2


# --- what others may have -------------------------------------------------------------------------


def asked_for(town: Town, realm: str, peer: str, body: FetchChunk) -> tuple[str, bytes]:
    """What a realm answers to a peer's ``fetch``."""
    house = town[realm].house
    assert house is not None
    answers: list[tuple[str, bytes]] = []
    serving.fetch(house, house.peers[peer], body, lambda *answer: answers.append(answer))
    (answer,) = answers
    return answer


def test_a_realm_fetches_nothing_of_conversations_that_it_has_no_part_in(founded: Found) -> None:
    town = founded("a", "b", "c")
    here = Files(town, "a")
    town["a"].person("dewi")
    abroad = here.send("ani", "budi@b", b"for budi")["file"]["file"]
    at_home = here.send("ani", "dewi", b"for dewi")["file"]["file"]
    town.settle()
    town.run(1)
    assert asked_for(town, "a", "b", FetchChunk(abroad, 0, 100))[0] == "ok"
    for peer, file in (("c", abroad), ("b", at_home), ("c", at_home), ("b", 999)):
        with pytest.raises(NotFound):
            asked_for(town, "a", peer, FetchChunk(file, 0, 100))


def deliver(town: Town, realm: str, peer: str, to: str, file: FileInfo) -> None:
    """Have a peer, who may be lying, deliver a message with a file."""
    house = town[realm].house
    assert house is not None
    item = Item(1, "message", "budi", to, uuid.uuid4().bytes, "see this", town.wall, file)
    answers: list[str] = []
    reply: Callable[[str, bytes], None] = lambda status, body: answers.append(status)  # noqa: E731
    house.asked_table["deliver"](house, house.peers[peer], Deliver([item]), reply)
    assert answers == ["ok"]


def test_who_knows_a_hash_alone_does_not_get_what_it_is_the_hash_of(town: Town) -> None:
    here = Files(town, "a")
    town["a"].person("dewi")
    secret = b"dewi's own" * 1000
    here.send("dewi", "dewi", secret)
    town.run(1)
    lie = FileInfo(1, "mine.txt", len(secret), "text/plain", sha(secret))
    deliver(town, "a", "b", "ani", lie)
    (message,) = town["a"].messages("ani", "budi@b")
    with pytest.raises(NotFound):
        here.open("ani", message["file"])


@pytest.mark.parametrize(
    "file",
    [
        FileInfo(1, "../../etc/passwd", 1, "text/plain", bytes(32)),
        FileInfo(1, "x", -1, "text/plain", bytes(32)),
        FileInfo(1, "x", 1, "text/plain", bytes(31)),
        FileInfo(0, "x", 1, "text/plain", bytes(32)),
        FileInfo(1, "x", 1 << 62, "text/plain", bytes(32)),
    ],
)
def test_of_a_file_that_can_be_none_the_message_alone_is_stored(town: Town, file: FileInfo) -> None:
    town.run(1)
    deliver(town, "a", "b", "ani", file)
    (message,) = town["a"].messages("ani", "budi@b")
    assert "file" not in message


def test_a_type_that_is_none_is_not_shown(town: Town) -> None:
    town.run(1)
    deliver(town, "a", "b", "ani", FileInfo(1, "x", 1, "\x1b[2J", bytes(32)))
    (message,) = town["a"].messages("ani", "budi@b")
    assert message["file"]["type"] == "application/octet-stream"


def test_who_sends_fewer_bytes_than_it_said_is_not_believed(town: Town) -> None:
    _, there, file = sent(town)
    with town["b"].store.write() as tx:
        tx.run("update files set size = size + 1 where sha256 is null")
    with pytest.raises((Conflict, Unavailable)):
        there.open("budi", {**file, "size": len(SOME) + 1})
    assert nothing_left(there)


def test_bytes_in_buckets_are_given_and_kept_like_those_in_folders(town: Town) -> None:
    server = S3()
    try:
        with environment(server.environment):
            for name in ("a", "b"):
                realm = town[name]
                place = f"s3://{server.bucket()}/pesan"
                realm.settings = msgspec.structs.replace(realm.settings, file_storage=place)
                realm.kill()
                realm.start()
            _, there, file = sent(town)
            assert there.kept() == []
            assert there.open("budi", file) == SOME
            assert there.kept() == [sha(SOME)]
            assert nothing_left(there)
    finally:
        server.stop()


# --- sending --------------------------------------------------------------------------------------


def test_a_file_for_nobody_is_refused_before_a_byte_moves(town: Town) -> None:
    here = Files(town, "a")
    town.run(1)
    for to in ("nobody@b", "budi@nowhere"):
        with pytest.raises(NotFound):
            here.hold("ani", to, b"isi")
    with pytest.raises(Forbidden):
        here.hold("ani", "#team@b", b"isi")
    assert nothing_left(here)


def test_a_file_may_be_sent_to_a_realm_that_is_away_and_finished_once(town: Town) -> None:
    here, there = Files(town, "a"), Files(town, "b")
    town.network.cut("a", "b")
    town.run(60)
    id = here.hold("ani", "budi@b", SOME)
    here.seal("ani", id)
    first, again = (town["a"].do("ani", "file.finish", upload=id) for _ in range(2))
    assert (first["away"], first["duplicate"], again["duplicate"]) == (True, False, True)
    assert (first["file"], first["seq"]) == (again["file"], again["seq"])
    town.network.heal("a", "b")
    town.settle()
    (message,) = town["b"].messages("budi", "ani@a")
    assert there.open("budi", message["file"]) == SOME


def test_where_an_outbox_is_full_the_upload_stays_and_is_finished_later(founded: Found) -> None:
    town = founded(realm_outbox_messages=1, realm_outbox_share=100)
    here = Files(town, "a")
    town["a"].say("ani", "budi@b")
    town.settle()
    town.network.cut("a", "b")
    town["a"].say("ani", "budi@b")
    id = here.hold("ani", "budi@b", SOME)
    here.seal("ani", id)
    with pytest.raises(Busy):
        town["a"].do("ani", "file.finish", upload=id)
    town.network.heal("a", "b")
    town.settle()
    assert town["a"].do("ani", "file.finish", upload=id)["seq"] == 3


def test_a_file_that_was_deleted_before_its_message_left_is_gone_there_too(town: Town) -> None:
    here = Files(town, "a")
    town["a"].say("ani", "budi@b")
    town.settle()
    town.network.cut("a", "b")
    number = here.send("ani", "budi@b", SOME)["file"]["file"]
    town["a"].do("ani", "file.delete", file=number)
    town.network.heal("a", "b")
    town.settle()
    message = town["b"].messages("budi", "ani@a")[1]
    assert message["file"]["gone"]
    with pytest.raises(NotFound):
        Files(town, "b").get("budi", message["file"]["file"])
