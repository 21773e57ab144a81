"""Every play in ``plays/``, on a whole system of its own; those that change most on PostgreSQL as well.

What each command does on either engine is tested in tests/services. Each play leaves a store in which
``pesan admin fsck`` finds no fault, while the server still runs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.own_server import OwnServer
from tests.system.stage import STEPS, Stage, scripts

QUICK = {"password_memory_kib": 8, "password_passes": 1, "session_timeout": 11.0}
"""Cheap hashes, and a time until someone who left is offline that is just above the pings'."""

ON_BOTH = ("everyone", "group", "password", "broker_killed", "workers_killed")
"""Plays played on PostgreSQL too: those with the most to write, and those in which it is cut off."""


@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.stem)
async def test_play(script: Path) -> None:
    await played(script, "")


@pytest.mark.postgres
@pytest.mark.parametrize("name", ON_BOTH)
async def test_play_on_postgres(name: str, postgres_schema: str) -> None:
    (script,) = [script for script in scripts() if script.stem == name]
    await played(script, postgres_schema)


async def played(script: Path, database: str) -> None:
    """The play, and what it leaves is sound."""
    with OwnServer(settings=QUICK, environment={"PESAN_DATABASE": database}) as server:
        await Stage(server).play(script.read_text(encoding="utf-8"))
        done = subprocess.run(
            [str(Path(sys.executable).with_name("pesan")), "admin", "fsck"],
            env=server.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, faults(done.stdout)) == (0, []), done.stderr


def faults(shown: str) -> list[str]:
    """Lines of ``pesan admin fsck`` that do not say ``ok``."""
    lines = shown.splitlines()
    assert len(lines) > 30
    return [line for line in lines if not line.endswith(": ok")]


def test_every_step_is_used_in_some_play() -> None:
    lines = [
        line.strip().partition(", but: ")[0]
        for script in scripts()
        for line in script.read_text().splitlines()
    ]
    unused = [pattern.pattern for pattern, _ in STEPS if not any(pattern.fullmatch(line) for line in lines)]
    assert not unused


async def test_a_sentence_that_fits_no_step_fails_the_play() -> None:
    with pytest.raises(AssertionError, match="no step fits"):
        await Stage(OwnServer()).play("ani dances")
