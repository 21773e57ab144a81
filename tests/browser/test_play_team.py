"""Two browsers and a terminal in one group, from the first registration to the last logout."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.own_server import ROOT, OwnServer
from tests.browser.aside import aside
from tests.browser.conftest import Comes
from tests.browser.scenery import PASSWORD, logged_in, move_in
from tests.browser.visitor import Visitor
from tests.system.pesan import PESAN, run
from tests.system.screen import Seat

WIDE = 1600
"""Pixels."""


@pytest.fixture
def citra(server: OwnServer, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody at a terminal, who is logged in."""
    environment = {
        **server.environment,
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "PESAN_PASSWORD": PASSWORD.format(name="citra"),
    }
    done = run(["register", "citra"], environment, ROOT)
    assert done.returncode == 0, done.stderr
    yield environment


def test_two_browsers_and_a_terminal_share_a_group(
    server: OwnServer, comes: Comes, citra: dict[str, str], tmp_path: Path
) -> None:
    aside(move_in(server.connection, ["budi"]))
    ani, budi = comes("ani"), comes("budi")

    # ani registers and makes a group; budi mistypes his password first
    ani.can_use_all("login")
    ani.registers()
    ani.can_use_all("nothing open")
    ani.tab.clicks("New group")
    ani.can_use_all("new group")
    ani.tab.writes("Group name", "team")
    ani.tab.presses("Enter")
    ani.says("welcome to the team")
    budi.fills(user="budi", password="something else")
    budi.tab.presses("Enter")
    budi.tab.sees("User name and password do not fit")
    budi.logs_in()

    # budi joins in the window, citra in a terminal, and everybody hears everybody, once
    budi.tab.clicks("Groups")
    budi.tab.clicks("#team")
    budi.tab.clicks("Join")
    budi.reads("welcome to the team")
    _a_terminal_joins(ani, budi, citra)

    # what is said elsewhere is counted, until it is looked at
    aside(_says(server.connection, "citra", "ani", ["one", "two", "three"]))
    ani.tab.sees("citra, 3 unread")
    ani.opens("citra, 3 unread")
    ani.reads("one", "two", "three")
    ani.tab.sees_no("unread")
    ani.opens("#team")

    _a_file_crosses(ani, budi, tmp_path)
    _the_broker_dies(server, ani, budi)

    # a wide window shows who is in the group beside what they say
    ani.tab.page.set_viewport_size({"width": WIDE, "height": 900})
    ani.tab.clicks("Members")
    ani.tab.sees("budi", "citra", within="members")
    ani.reads("all is well")
    ani.can_use_all("wide")

    # whoever logs out leaves no session
    ani.logs_out()
    assert "welcome" not in ani.tab.text()
    budi.logs_out()
    for name in ("ani", "budi"):
        assert aside(_sessions(server.connection, name)) == 1, "the one that asks"


def _a_terminal_joins(ani: Visitor, budi: Visitor, citra: dict[str, str]) -> None:
    """All three are heard by the others."""
    joined = run(["group", "join", "team"], citra, ROOT)
    assert joined.returncode == 0, joined.stderr
    terminal = Seat([PESAN, "chat", "#team"], citra, ROOT)
    try:
        terminal.sees(lambda: terminal.screen.cursor_line.endswith("#team>"), "the prompt")
        budi.says("budi is here")
        terminal.sees(" budi: budi is here")
        ani.reads_once("budi is here")
        terminal.enters("greetings from a terminal")
        for visitor in (ani, budi):
            visitor.reads_once("greetings from a terminal")
        ani.tab.sees("welcome to the team, ", within="messages")
        ani.can_use_all("room")
    finally:
        terminal.leaves()


def _a_file_crosses(ani: Visitor, budi: Visitor, folder: Path) -> None:
    """It goes up from one browser and comes down in the other."""
    sent = folder / "plans.bin"
    sent.write_bytes(os.urandom(1_500_000))
    with ani.tab.page.expect_file_chooser() as choosing:
        ani.tab.clicks("Attach files")
    choosing.value.set_files(sent)
    budi.reads("plans.bin")
    got = budi.tab.downloads("Download plans.bin").read_bytes()
    assert hashlib.sha256(got).digest() == hashlib.sha256(sent.read_bytes()).digest()


def _the_broker_dies(server: OwnServer, ani: Visitor, budi: Visitor) -> None:
    """What is written meanwhile waits, says so, and is sent once."""
    server.kill("broker")
    ani.tab.sees("Reconnecting", within="line")
    ani.says("written meanwhile")
    ani.tab.sees("waiting", within="messages")
    server.start_again(["broker"])
    budi.reads_once("written meanwhile")
    ani.tab.sees_no("waiting", within="messages")
    ani.reads_once("written meanwhile")
    budi.says("all is well")
    ani.reads_once("all is well")


async def _sessions(server: str, name: str) -> int:
    async with logged_in(server, name) as chat:
        return len(await chat.sessions())


async def _says(server: str, name: str, to: str, texts: list[str]) -> None:
    async with logged_in(server, name) as chat:
        for text in texts:
            await chat.send(to, text)
