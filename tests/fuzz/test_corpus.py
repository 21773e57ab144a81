"""The saved corpora of the coverage-guided fuzzer, replayed without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import targets
from tests.fuzz.guided import CORPUS, MOST_KEPT, NAMES

INPUTS = sorted(CORPUS.glob("*/*"))


def test_every_target_has_a_corpus_of_small_inputs() -> None:
    assert set(NAMES) == set(targets.TARGETS) == {file.parent.name for file in INPUTS}
    assert all(file.stat().st_size <= MOST_KEPT for file in INPUTS)


@pytest.mark.parametrize("file", INPUTS, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_a_saved_input_is_read_or_refused_as_documented(file: Path) -> None:
    targets.TARGETS[file.parent.name](file.read_bytes())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", [b"", b"\0", b"\xdd\xff\xff\xff\xff\x01\x05", b"u" * 16, b"\x91" * 4096])
def test_what_no_corpus_should_lack_is_read_or_refused_as_documented(name: str, data: bytes) -> None:
    targets.TARGETS[name](data)
