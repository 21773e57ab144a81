"""Runs ``pesan`` inside the test's own process, against a chat that only pretends."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from client.cli import profiles, program
from client.cli.context import Context

SERVER = "pesan://127.0.0.1:7700?key=" + "A" * 43
TOKEN = bytes(range(16))


class Ended(NamedTuple):
    """How a run ended."""

    code: int
    out: str
    err: str


class Shell:
    """A person's home folder, and a terminal in it. Nobody sits at it: stdin is what a test says."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for variable in ("PESAN_SERVER", "PESAN_PROFILE", "PESAN_PASSWORD", "PESAN_NEW_PASSWORD"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("PESAN_HOME", str(folder / "home"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))

    def set(self, **environment: str) -> None:
        """Set variables."""
        for name, value in environment.items():
            self._monkeypatch.setenv(name, value)

    def run(self, *words: str, stdin: str = "") -> Ended:
        """``pesan words…``."""
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        self._monkeypatch.setattr(sys, "stdin", stream)
        self._capsys.readouterr()
        code = program.run(list(words))
        captured = self._capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    def log_in(self, user: str = "ani", profile: str = "default", server: str = SERVER) -> None:
        """As ``pesan login`` leaves it."""
        profiles.save_login(profile, profiles.Login(server, user, TOKEN, 7))

    def pretend(self, chat: Any) -> None:
        """Whoever opens a chat from now on gets this one."""

        def make(context: Context, *, anonymous: bool = False, **_: Any) -> Any:
            assert context.server
            assert anonymous or context.login.token
            return chat

        self._monkeypatch.setattr(Context, "chat", make)


class Pretended:
    """Base of chats that pretend; a test adds the calls it needs."""

    reached = True
    record_fault = ""
    user = "ani"
    token = TOKEN
    session = 7

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass
