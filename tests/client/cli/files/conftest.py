"""Ani's shell in a folder of her own, logged in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.cli.files.pretended import REPORT, Chat, PretendedFiles
from tests.client.cli.shell import Shell


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where commands are given."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def files(shell: Shell, here: Path) -> PretendedFiles:
    """What ``chat.files`` is from now on."""
    chat = Chat()
    shell.log_in()
    shell.pretend(chat)
    return chat.files


@pytest.fixture
def report(here: Path) -> Path:
    """A file to be sent."""
    file = here / "report.pdf"
    file.write_bytes(REPORT)
    return file
