"""Files between realms: known with their message, fetched by who opens one, once, whole or not at all."""

from __future__ import annotations

import random

from tests.realms.desk import Files, sha
from tests.realms.town import Town

SOME = random.Random(1).randbytes(1_300_000)


def test_a_file_is_known_with_its_message_and_fetched_by_who_opens_it(town: Town) -> None:
    here, there = Files(town, "a"), Files(town, "b")
    sent = here.send("ani", "budi@b", SOME, "foto.raw")
    town.settle()
    (message,) = town["b"].messages("budi", "ani@a")
    (event,) = town["b"].heard("budi", "message")
    file = message["file"]
    assert event["file"] == file
    assert (file["name"], file["size"], file["sha256"]) == ("foto.raw", len(SOME), sha(SOME))
    assert sent["queued"]
    assert there.kept() == []
    assert there.open("budi", file) == SOME
    assert there.kept() == [sha(SOME)]
    assert there.staged() == []
