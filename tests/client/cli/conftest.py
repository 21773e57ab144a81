"""A shell of one's own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Folders of its own, no variables set."""
    return Shell(tmp_path, monkeypatch, capsys)
