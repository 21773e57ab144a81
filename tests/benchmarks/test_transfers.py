"""The judge of transfers finds every kind of fault: a judge that never condemns proves nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from benchmarks.crash.judge import DOUBLED, FOREVER, LOST
from benchmarks.crash.transfers import run
from benchmarks.crash.transfers.evidence import Kept, KeptFile
from benchmarks.crash.transfers.judge import (
    AGAIN,
    CORRUPT,
    ENVELOPES,
    KINDS,
    LEFT,
    WINDOW_BYTES,
    Transfer,
    judge,
)
from benchmarks.crash.transfers.program import DOWNLOAD, UPLOAD
from benchmarks.crash.transfers.scenarios import SCENARIOS

SIZE = 10 << 20
HASH, OTHER = "aa" * 32, "bb" * 32
SENT, FETCHED = 0, 1


def good() -> tuple[list[Transfer], Kept]:
    """A file went up and came down, each hit once, and all is well, just."""
    again = WINDOW_BYTES + ENVELOPES
    up = Transfer("up", UPLOAD, SIZE, HASH, "01", said=[(1, 7, 3), (1, 7, 3)])
    down = Transfer("down", DOWNLOAD, SIZE, HASH, "01", said=[(1, 0, 0)], got=HASH)
    for one in (up, down):
        one.done, one.blows, one.carried, one.phases = True, 1, SIZE + again, ["sending"]
    found = Kept(
        files={"01": [KeptFile(1, HASH, 7, 3)]},
        messages={"01": [(7, 3)], "02": [(7, 1)], "03": [(7, 2)]},
        blobs={HASH: "stored"},
        bytes={HASH: HASH},
        counted={1: (1, SIZE), 2: (0, 0)},
        taken={1: (1, SIZE)},
    )
    return [up, down], found


def test_a_good_run_is_acquitted() -> None:
    assert judge(*good()).clean


def never_done(transfers: list[Transfer], found: Kept) -> None:
    transfers[SENT].done = False


def sent_again(transfers: list[Transfer], found: Kept) -> None:
    transfers[SENT].carried += 1


def fetched_again(transfers: list[Transfer], found: Kept) -> None:
    transfers[FETCHED].carried += 1


def other_bytes_arrived(transfers: list[Transfer], found: Kept) -> None:
    transfers[FETCHED].got = OTHER


def part_left_behind(transfers: list[Transfer], found: Kept) -> None:
    transfers[FETCHED].leftovers = ["target.part"]


def other_bytes_kept(transfers: list[Transfer], found: Kept) -> None:
    found.bytes[HASH] = OTHER


def another_hash_noted(transfers: list[Transfer], found: Kept) -> None:
    found.files["01"] = [KeptFile(1, OTHER, 7, 3)]


def file_not_there(transfers: list[Transfer], found: Kept) -> None:
    found.files = {}


def message_not_there(transfers: list[Transfer], found: Kept) -> None:
    del found.messages["01"]


def message_elsewhere(transfers: list[Transfer], found: Kept) -> None:
    found.messages["01"] = [(7, 4)]


def acknowledged_as_two(transfers: list[Transfer], found: Kept) -> None:
    transfers[SENT].said[0] = (2, 7, 4)


def two_messages(transfers: list[Transfer], found: Kept) -> None:
    found.messages["01"].append((7, 4))


def two_files(transfers: list[Transfer], found: Kept) -> None:
    found.files["01"].append(KeptFile(2, HASH, 7, 3))


def staging_left(transfers: list[Transfer], found: Kept) -> None:
    found.staging = ["1-01.data"]


def upload_left(transfers: list[Transfer], found: Kept) -> None:
    found.uploads = ["01"]


def bytes_still_coming(transfers: list[Transfer], found: Kept) -> None:
    found.blobs[HASH] = "coming"


def bytes_of_nobody(transfers: list[Transfer], found: Kept) -> None:
    found.bytes[OTHER] = OTHER


def bytes_noted_and_not_there(transfers: list[Transfer], found: Kept) -> None:
    found.blobs[OTHER] = "stored"


def counted_twice(transfers: list[Transfer], found: Kept) -> None:
    found.counted[1] = (2, 2 * SIZE)


@pytest.mark.parametrize(
    ("spoil", "kinds"),
    [
        (never_done, {FOREVER}),
        (sent_again, {AGAIN}),
        (fetched_again, {AGAIN}),
        (other_bytes_arrived, {CORRUPT}),
        (part_left_behind, {LEFT}),
        (other_bytes_kept, {CORRUPT}),
        (another_hash_noted, {CORRUPT}),
        (file_not_there, {LOST}),
        (message_not_there, {LOST}),
        (message_elsewhere, {LOST}),
        (acknowledged_as_two, {LOST, DOUBLED}),
        (two_messages, {DOUBLED}),
        (two_files, {DOUBLED}),
        (staging_left, {LEFT}),
        (upload_left, {LEFT}),
        (bytes_still_coming, {LEFT}),
        (bytes_of_nobody, {LEFT}),
        (bytes_noted_and_not_there, {LEFT}),
        (counted_twice, {LEFT}),
    ],
)
def test_each_fault_is_found(spoil: Callable[[list[Transfer], Kept], None], kinds: set[str]) -> None:
    transfers, found = good()
    spoil(transfers, found)
    verdict = judge(transfers, found)
    assert {kind for kind in KINDS if verdict.counts[kind]} == kinds
    assert verdict.notes.keys() == kinds


def test_an_unknown_scenario_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        run.main(["--only", "tea-time"])
    assert refused.value.code == 2
    assert "no such scenario: tea-time" in capsys.readouterr().err


def test_the_command_says_which_scenario_missed_its_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {
        **{"scenario": SCENARIOS[0].name, "blows": 2, "met_while": {"sending": 2}, **dict.fromkeys(KINDS, 0)},
        **{"again_chunks_most": 9.0, "again_bar": 8, "seconds_worst": 2.0, "seconds_median": 1.0},
        **{"hindered": {}, "others_cpu": 0.0, "bar_met": False, AGAIN: 1, "found": {AGAIN: ["nine of them"]}},
    }
    monkeypatch.setattr(run, "crash_files", lambda *_, **__: iter([figures]))
    assert run.main(["--json"]) == 1
    assert json.loads(capsys.readouterr().out) == figures
    assert run.main([]) == 1
    assert "MISS" in (said := capsys.readouterr().out) and "nine of them" in said
    assert run.main(["--markdown"]) == 1
    head, _, row = capsys.readouterr().out.splitlines()
    assert head.count("|") == row.count("|")
    figures["bar_met"] = True
    assert run.main([]) == 0
