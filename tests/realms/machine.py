"""A machine with an installation on it, whose operator and people type commands."""

from __future__ import annotations

import subprocess
from pathlib import Path

from click.testing import CliRunner, Result

from benchmarks.own_server import ROOT, OwnServer
from services.realm import program
from tests.system.pesan import PESAN


class Machine:
    """One installation; ``operates`` and what follows is ``pesan realm`` in this process."""

    def __init__(self, server: OwnServer, home: Path) -> None:
        self.server = server
        self.environment = {
            **server.environment,
            **{f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "STATE", "DATA")},
            "PESAN_PASSWORD": "correct horse",
        }

    def runs(self, *words: str) -> str:
        """What ``pesan words…`` prints, as a process of its own."""
        done = subprocess.run(
            [PESAN, *words], env=self.environment, capture_output=True, text=True, cwd=ROOT, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def beside(self, home: Path) -> Machine:
        """Another installation on this machine, by the name of its folder, of which nothing runs."""
        other = Machine(self.server, home)
        other.environment |= {"PESAN_REALM": home.name, "PESAN_HOME": str(home)}
        return other

    def operates(self, *words: str, code: int = 0) -> Result:
        """What came of ``pesan realm words…``, in this process."""
        done = CliRunner(env=self.environment).invoke(program.command, words)
        assert done.exit_code == code, done.output
        return done

    def refused(self, code: int, *words: str) -> str:
        """The sentence with which ``pesan realm words…`` ends, with this code."""
        done = self.operates(*words, code=code)
        assert done.stdout == ""
        return done.stderr

    def invites(self, *words: str) -> str:
        """An invitation."""
        return self.operates("invite", *words).stdout.strip()
