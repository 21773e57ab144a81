"""The systemd unit in docs/OPERATIONS.md is one that systemd accepts, and fits what ``pesan up`` does."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "OPERATIONS.md"
INSTALLED = "/opt/pesan/.venv/bin/pesan"


@pytest.fixture
def unit() -> str:
    """The text of the unit."""
    found = re.search(r"```ini\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_unit_fits_what_we_do_and_systemd_accepts_it_where_there_is_one(
    unit: str, tmp_path: Path
) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit)
    service = parser["Service"]
    assert service["Type"] == "notify"
    assert service["ExecStart"] == f"{INSTALLED} up"
    assert service["ExecReload"].endswith("kill -HUP $MAINPID")
    assert service["KillMode"] == "mixed"
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("on-failure", "78")
    assert service["SuccessExitStatus"] == "143"
    assert service["MemoryMax"]
    assert int(service["WatchdogSec"]) > 0 and service["NotifyAccess"] == "main"
    assert parser["Install"]["WantedBy"] == "multi-user.target"
    assert complaints(unit, tmp_path) == []


def complaints(unit: str, folder: Path) -> list[str]:
    """What systemd-analyze says about the unit; nothing where it is not installed."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return []
    file = folder / "pesan.service"
    file.write_text(unit.replace(INSTALLED, str(Path(sys.executable).with_name("pesan"))))
    checked = subprocess.run([analyze, "verify", str(file)], capture_output=True, text=True, timeout=30)
    # It ends with 0 even for keys that it does not know; and it speaks of other units of this machine too.
    return [line for line in (checked.stdout + checked.stderr).splitlines() if file.name in line]
