"""A process that ``pesan up`` started: its lines, its end, its memory, and that it never outlives us."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from broker.up.child import MIB, PIECE, Child, memory_limit
from broker.up.procfile import shell_line

ROOT = Path(__file__).parents[3]
SECONDS = 20.0
PYTHON = f"{sys.executable} -Sc"

Begin = Callable[..., Child]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Starts children; ends what is left of them."""
    children: list[Child] = []

    def begin(command: str, memory_mib: int = 0) -> Child:
        children.append(Child("auth.1", shell_line(command), os.environ, memory_mib))
        return children[-1]

    yield begin
    for child in children:
        if child.exit_code() is None:
            child.send(signal.SIGKILL)
            ended(child)
        child.close()


def ended(child: Child) -> int:
    """Its exit code, once it has ended."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        code = child.exit_code()
        if code is not None:
            return code
        time.sleep(0.01)
    raise TimeoutError(child.name)


def test_lines_come_whole_and_the_last_one_needs_no_end(begin: Begin) -> None:
    child = begin("printf 'one\\ntwo\\n'; printf three")
    assert ended(child) == 0
    assert child.last_lines() == [b"one", b"two", b"three"]


def test_a_line_that_grows_comes_when_it_is_whole(begin: Begin) -> None:
    child = begin(f'{PYTHON} \'import os, sys; os.write(1, b"ha"); sys.stdin.read(); os.write(2, b"lo\\n")\'')
    assert ended(child) == 0
    assert child.last_lines() == [b"halo"]


def test_a_line_without_end_is_cut_rather_than_kept(begin: Begin) -> None:
    child = begin(f'{PYTHON} \'print("x" * {3 * PIECE}, end="")\'')
    lines: list[bytes] = []
    more = True
    while more:
        waits = select.poll()
        waits.register(child, select.POLLIN)
        assert waits.poll(1000 * SECONDS)
        found, more = child.lines()
        lines += found
    assert b"".join(lines) == b"x" * 3 * PIECE
    assert max(map(len, lines)) <= 2 * PIECE


def test_what_it_left_behind_may_hold_the_stream_but_not_us(begin: Begin, tmp_path: Path) -> None:
    child = begin("sleep 30 & echo gone")
    assert ended(child) == 0
    assert child.last_lines() == [b"gone"]
    child.send(signal.SIGKILL)


@pytest.mark.parametrize(("command", "code"), [("(exit 78)", 78), ("kill -9 $$", -9), ("pesan-nowhere", 127)])
def test_exit_codes_are_the_process_s_own(begin: Begin, command: str, code: int) -> None:
    child = begin(command)
    assert ended(child) == code


def test_a_simple_command_becomes_the_process_itself(begin: Begin) -> None:
    child = begin(f"{PYTHON} 'import os; print(os.getpid())'")
    assert ended(child) == 0
    assert child.last_lines() == [str(child.pid).encode()]


def test_ctrl_c_in_our_terminal_does_not_reach_it(begin: Begin) -> None:
    child = begin("sleep 30")
    assert os.getpgid(child.pid) == child.pid != os.getpgid(0)


# --- memory -----------------------------------------------------------------------------------------


def test_beyond_its_memory_limit_it_gets_no_more(begin: Begin) -> None:
    hungry = f"{PYTHON} 'bytes({64 * MIB})'"
    assert ended(begin(hungry, 256)) == 0
    child = begin(hungry, 48)
    assert ended(child) == 1
    assert child.last_lines()[-1] == b"MemoryError"


def test_who_aborts_leaves_no_image_of_its_memory(begin: Begin) -> None:
    child = begin(f"{PYTHON} 'import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])'")
    assert ended(child) == 0
    assert child.last_lines() == [b"0"]


@pytest.mark.parametrize(
    ("wanted_mib", "machine_mib", "limit_mib"),
    [(0, 8192, 0), (4096, 24_000, 4096), (4096, 8192, 4096), (4096, 2048, 1536), (1024, 2048, 1024)],
)
def test_a_limit_never_reaches_the_whole_machine(wanted_mib: int, machine_mib: int, limit_mib: int) -> None:
    assert memory_limit(wanted_mib, machine_mib * MIB) == limit_mib * MIB


# --- it never outlives us ---------------------------------------------------------------------------

STARTER = """
import os, sys, time
from broker.up.child import Child
child = Child("auth.1", "exec sleep 60", os.environ, 0)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_it_ends_when_whoever_started_it_is_killed() -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    child = psutil.Process(int(starter.stdout.readline()))
    starter.kill()
    starter.wait(SECONDS)
    starter.stdout.close()
    gone, _ = psutil.wait_procs([child], SECONDS)
    assert gone == [child]
