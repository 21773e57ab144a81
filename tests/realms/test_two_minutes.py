"""The page on pairing two servers, done as it is printed with two real servers."""

from __future__ import annotations

import itertools
import re
import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.own_server import ROOT, OwnServer
from tests.realms.machine import Machine

PAGE = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
CHAPTER = PAGE.partition("\n## Pair two servers in two minutes\n")[2].partition("\n## ")[0]
INVITATION = re.compile(r"pesan-realm://\S+")
QUICK = {"password_memory_kib": 8, "password_passes": 1, "realm_quiet": 0.5}


class Step(NamedTuple):
    """A line somebody types on one of the two machines, and what is printed then."""

    machine: str
    words: list[str]
    printed: list[str]


def steps() -> list[Step]:
    """All of the chapter's, in order."""
    found: list[Step] = []
    for block in re.findall(r"^```console\n(.*?)^```", CHAPTER, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            machine, dollar, typed = line.partition("$ ")
            if dollar:
                found.append(Step(machine, shlex.split(typed), []))
            else:
                found[-1].printed.append(line)
    return found


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[dict[str, Machine]]:
    with ExitStack() as exits:
        found = {}
        for name in ("atas", "bawah"):
            environment = {"PESAN_REALM": name}
            server = exits.enter_context(OwnServer(settings=QUICK, realm=True, environment=environment))
            found[name] = Machine(server, tmp_path / name)
        yield found


def fits(printed: str, said: str) -> bool:
    """Whether this is what the page shows; ``…`` there stands for anything, and ports are the tests' own."""
    pattern = ".*".join(re.escape(part) for part in printed.split("…")).replace(r":7704", r":\d+")
    return re.fullmatch(pattern, said) is not None


def test_the_page_is_done_as_it_is_printed(machines: dict[str, Machine]) -> None:
    machines["atas"].runs("--profile", "ani", "register", "ani")
    machines["bawah"].runs("--profile", "budi", "register", "budi")
    invitation = ""
    assert len(steps()) >= 10
    for machine, (command, *words), printed in steps():
        assert command == "pesan"
        typed = [invitation if INVITATION.match(word) else word for word in words]
        for attempt in itertools.count():  # what was sent a moment ago may still be on its way
            said = machines[machine].runs(*typed).splitlines()
            if len(said) >= len(printed) or attempt > 50:
                break
            time.sleep(0.1)
        assert len(said) == len(printed), (words, said)
        for expected, line in zip(printed, said, strict=True):
            assert fits(expected, line), (expected, line)
        invitation = next((line for line in said if INVITATION.match(line)), invitation)
