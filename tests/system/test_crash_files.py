"""The crash matrix of files in short: a few blows, and every byte arrives, once, with nothing left over."""

from __future__ import annotations

import pytest

from benchmarks.crash.transfers.judge import AGAIN, KINDS
from benchmarks.crash.transfers.run import crash_files

HERE = tuple(kind for kind in KINDS if kind != AGAIN)
"""How much goes twice after a blow also depends on the machine's pace; ``make crash`` judges that."""


@pytest.mark.parametrize("scenario", ["upload-client", "upload-file", "seal-all", "download-all"])
def test_a_transfer_goes_on_where_it_stood(scenario: str) -> None:
    (figures,) = crash_files([scenario], mib=12, rounds=2)
    assert {kind: figures[kind] for kind in HERE} == dict.fromkeys(HERE, 0), figures
    assert figures["blows"] == 2
    assert "errors" not in figures, figures["errors"]


def test_a_library_that_begins_at_the_front_again_is_condemned() -> None:
    (figures,) = crash_files(["upload-client"], mib=24, rounds=3, program="tests.benchmarks.broken_mover")
    assert {kind for kind in KINDS if figures[kind]} == {AGAIN}, figures


def test_a_server_that_marks_a_chunk_before_it_writes_it_is_condemned() -> None:
    (figures,) = crash_files(["upload-file"], mib=12, rounds=3, workers="tests.benchmarks.broken_file_worker")
    assert figures[AGAIN] > 0, figures
