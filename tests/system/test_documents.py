"""What the documents show is run as it stands, on a real server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.own_server import ROOT, OwnServer


def test_the_protocols_session_runs_as_printed(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
    appendix = text.partition("\n## Appendix: a whole session")[2]
    found = re.search(r"```python\n(.*?)```", appendix, re.DOTALL)
    assert found is not None
    program = tmp_path / "session.py"
    program.write_text(found.group(1), encoding="utf-8")
    assert len(found.group(1).splitlines()) <= 60
    assert not re.search(r"^\s*(?:from|import) (?:protocol|client|config)\b", found.group(1), re.MULTILINE)
    with OwnServer() as server:
        run = subprocess.run(
            [sys.executable, str(program), server.connection],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (run.returncode, run.stdout, run.stderr) == (0, "ani: halo\n", "")


def test_the_readmes_tour_runs_as_printed(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"## A tour\n.*?```sh\n(.*?)```.*?\n### Files\n.*?```sh\n(.*?)```", text, re.DOTALL)
    assert found is not None
    assert len(found.group(1).splitlines()) <= 20
    tour = (found.group(1) + found.group(2)).replace('"$PWD/.venv/bin:', f'"{Path(sys.executable).parent}:')
    with OwnServer() as server:
        environment = server.environment | {
            "HOME": str(tmp_path),
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
        }
        run = subprocess.run(
            ["sh", "-eux"],
            input=tour,
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    for shown in ("hello from ani", '"hello yourself"', "disk is nearly full", "complete 1..2", "budi"):
        assert shown in run.stdout, run.stdout
    for shown in ("[file 1] report.txt, ", "copy.txt: ", "disks.txt", "stored as /reports/report.txt"):
        assert shown in run.stdout, run.stdout
    assert run.stdout.startswith("1\n"), "one unread"
    assert "a password to try" not in run.stdout
