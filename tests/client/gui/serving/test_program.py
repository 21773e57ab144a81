"""The commands that begin a window, where what it needs is not installed."""

from __future__ import annotations

import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from client.gui import program

ROOT = Path(__file__).parents[4]
WITHOUT = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("flet", "flet_web", "uvicorn", "starlette", "babel"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Nothing())
from client.gui import program
program.find_spec = lambda name: None
from client.gui.serving.__main__ import main
sys.exit(main())
"""
"""A machine without the extra: not even a look at it succeeds."""


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "find_spec", lambda name: None)


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(("command", "name"), [(program.gui, "gui"), (program.web, "web")])
def test_a_command_says_what_is_missing(command: click.Command, name: str) -> None:
    done = CliRunner().invoke(command)
    assert done.exit_code == program.COULD_NOT_START == 78
    assert done.output == f"pesan {name}: {program.MISSING}.\n"


@pytest.mark.usefixtures("nothing_installed")
def test_main_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program.run()
    assert ended.value.code == 78
    assert capsys.readouterr().err == f"pesan gui: {program.MISSING}.\n"


def test_one_package_that_is_missing_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not program.missing()
    monkeypatch.setattr(program, "NEEDED", (*program.NEEDED, "a_package_of_nobody"))
    assert program.missing()


def test_the_extra_brings_what_is_needed() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["gui"]
    brought = " ".join(extra).lower().replace("-", "_")
    assert all(name.removesuffix("_web") in brought for name in program.NEEDED)


def test_the_process_of_a_server_says_so_and_waits_until_it_is_told_to_stop() -> None:
    begun = subprocess.Popen([sys.executable, "-c", WITHOUT], stderr=subprocess.PIPE, cwd=ROOT, text=True)
    assert begun.stderr is not None
    with begun:
        try:
            assert begun.stderr.readline() == f"pesan web: {program.MISSING}.\n"
            assert begun.poll() is None
            begun.send_signal(signal.SIGTERM)
            assert begun.wait(20) == 0
            assert begun.stderr.read() == ""
        finally:
            begun.kill()


@pytest.mark.parametrize(
    ("environment", "served"),
    [
        ({"DISPLAY": ":0"}, False),
        ({"WAYLAND_DISPLAY": "wayland-0"}, False),
        ({"DISPLAY": ":0", "FLET_FORCE_WEB_SERVER": "true"}, True),
    ],
)
def test_main_opens_a_window_where_there_is_a_desktop_and_flet_was_not_told_otherwise(
    environment: dict[str, str], served: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def begins(name: str) -> Callable[[], int]:
        def begin() -> int:
            begun.append(name)
            return 0

        return begin

    for name in ("DISPLAY", "WAYLAND_DISPLAY", "FLET_FORCE_WEB_SERVER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(program, "_desktop", begins("desktop"))
    monkeypatch.setattr(program, "_browsers", begins("browsers"))
    try:
        program.run()
    except SystemExit as ended:
        assert ended.code == 0
    assert begun == ["browsers" if served else "desktop"]
