"""A claim is one process's alone, and the kernel gives it back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.claims import claim

ROOT = Path(__file__).parents[2]
HOLDER = (
    "import sys, pathlib, config.claims as c;"
    "print(c.claim(pathlib.Path(sys.argv[1])), flush=True);"
    "sys.stdin.read()"
)


def test_a_second_claim_is_refused_until_the_first_is_given_back(tmp_path: Path) -> None:
    first = claim(tmp_path / "broker.lock")
    assert first is not None
    assert claim(tmp_path / "broker.lock", patience=0.0) is None
    os.close(first)
    second = claim(tmp_path / "broker.lock", patience=0.0)
    assert second is not None
    os.close(second)


def test_who_is_killed_holds_nothing_and_a_newcomer_waits_for_its_end(tmp_path: Path) -> None:
    file = tmp_path / "broker.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() != "None"
        assert claim(file, patience=0.0) is None
        holder.kill()
        handle = claim(file, patience=20.0)
    assert handle is not None
    os.close(handle)


def test_a_claim_is_not_passed_on_to_what_is_started(tmp_path: Path) -> None:
    handle = claim(tmp_path / "broker.lock")
    assert handle is not None
    assert not os.get_inheritable(handle)
    os.close(handle)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        claim(tmp_path / "nowhere" / "broker.lock")
