"""Where there is no browser the plays do not run, and whoever runs the tests is told so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks.own_server import ROOT
from tests.browser.conftest import browser_found

FOLDER = "tests/browser"
HERE = f"{FOLDER}/test_without_browser.py"
COMMAND = [sys.executable, "-m", "pytest", FOLDER, "--deselect", f"{HERE}::test_the_last_lines_say_so"]


def test_a_browser_is_found_where_it_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESAN_TEST_BROWSER", sys.executable)
    assert browser_found() == sys.executable
    monkeypatch.setenv("PESAN_TEST_BROWSER", "/no/such/browser")
    assert browser_found() == ""


def test_the_last_lines_say_so() -> None:
    environment = {**os.environ, "PESAN_TEST_BROWSER": "/no/such/browser"}
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.rstrip().splitlines()[-4:]
    assert any("The browser tests did not run" in line for line in last), done.stdout
    assert any("apt install chromium" in line for line in last), done.stdout
