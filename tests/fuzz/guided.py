"""``python -m tests.fuzz.guided NAME --seconds 60``: atheris looks for bytes that upset a target.

Belongs here: driving atheris, and the figures of a run. What must hold is in ``targets``. Atheris (libFuzzer)
keeps what reaches new branches of our Python code. msgpack's C extension shows it none, so each input is
also read by msgpack's own Python twin, for its branches only; what we run, and judge, is the C one.

New inputs gather in a scratch folder, which begins as a copy of the saved corpus; ``--keep`` minimises
both into the saved one. A crash leaves its input in ``tests/fuzz/crashes/`` and the exit code is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent
ROOT: Final = FOLDER.parent.parent
CORPUS: Final = FOLDER / "corpus"
CRASHES: Final = FOLDER / "crashes"
INSIDE: Final = "--inside"
NAMES: Final = ("envelope", "backend", "event")
INSTRUMENTED: Final = ("protocol", "broker", "client", "services", "msgpack.fallback", "tests.fuzz.targets")
MOST_BYTES: Final = 4096
"""Of one input: what nests or claims does so in less."""
MOST_KEPT: Final = 512
"""Bytes of an input in the saved corpus."""
TOPIC_BYTES: Final = 16


def main() -> int:
    """Run the targets named, one after the other; 1 when one of them crashed."""
    if sys.argv[1:2] == [INSIDE]:
        return inside(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=(__doc__ or "")[:95])
    parser.add_argument("names", nargs="*", help=f"{', '.join(NAMES)}; all of them if none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", action="store_true", help="minimise what was found into the saved corpus")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    sound = [look(name, options.seconds, options.keep) for name in options.names or NAMES]
    return 0 if all(sound) else 1


def look(name: str, seconds: int, keep: bool) -> bool:
    """One target; False: it crashed."""
    CRASHES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        limits = [f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", "-timeout=10", "-rss_limit_mb=1024"]
        ends = [f"-artifact_prefix={CRASHES}/{name}-", "-print_final_stats=1"]
        run = libfuzzer(name, [*limits, *ends, scratch, str(CORPUS / name)])
        print(figures(name, run.stderr), flush=True)
        if run.returncode:
            print(run.stdout[-4000:] + run.stderr[-4000:], file=sys.stderr)
        elif keep:
            minimise(name, scratch)
    with suppress(OSError):
        CRASHES.rmdir()
    return not run.returncode


def libfuzzer(name: str, arguments: list[str], myself: str = "fuzz") -> subprocess.CompletedProcess[str]:
    """A target under libFuzzer, in a process of its own, because libFuzzer ends its process."""
    command = [sys.executable, "-m", "tests.fuzz.guided", INSIDE, name, myself, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def figures(name: str, output: str) -> str:
    """The last of libFuzzer's lines in words."""
    pulse = re.findall(r"#(\d+)\t\w+ +cov: (\d+) ft: (\d+) corp: (\d+)", output)
    tried = re.search(r"stat::number_of_executed_units: +(\d+)", output)
    if not pulse:
        return f"{name}: did not start"
    last, coverage, features, corpus = pulse[-1]
    crashes = output.count("Test unit written to")
    return (
        f"{name}: {int(tried.group(1) if tried else last):,} inputs tried, {coverage} branches and "
        f"{features} features covered, {corpus} inputs kept, {crashes} crashes"
    )


def minimise(name: str, found: str) -> None:
    """Into the saved corpus: the smallest set of inputs that still reaches every branch."""
    saved = CORPUS / name
    with tempfile.TemporaryDirectory() as merged, tempfile.NamedTemporaryFile("w", delete=False) as myself:
        # A merge is done by children, which libFuzzer starts by the name of its own program.
        myself.write(f'#!/bin/sh\nexec {sys.executable} -m tests.fuzz.guided {INSIDE} {name} "$0" "$@"\n')
        Path(myself.name).chmod(0o700)
        myself.close()
        arguments = ["-merge=1", "-use_counters=0", f"-max_len={MOST_KEPT}", merged, str(saved), found]
        libfuzzer(name, arguments, myself.name).check_returncode()
        Path(myself.name).unlink()
        inputs = [file.read_bytes() for file in Path(merged).iterdir()]
    for old in saved.iterdir():
        old.unlink()
    for data in inputs:
        (saved / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    print(f"{name}: {len(inputs)} inputs in the saved corpus")


def inside(name: str, arguments: list[str]) -> int:
    """Hand the process over to libFuzzer; the first argument is the name of its program."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        targets = importlib.import_module("tests.fuzz.targets")
        fallback = importlib.import_module("msgpack.fallback")
    target = targets.TARGETS[name]
    skip = TOPIC_BYTES if name == "event" else 0

    def one(data: bytes) -> None:
        with suppress(Exception):
            fallback.unpackb(data[skip:], max_array_len=64, max_ext_len=0)
        target(data)

    atheris.Setup(arguments, one)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
