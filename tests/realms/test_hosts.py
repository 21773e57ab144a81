"""Hosts of one's own: what is missing is said, and what was made is taken away, also after a failure."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable

import pytest

from benchmarks.realms import chaos, hosts
from benchmarks.realms.hosts import Hosts, Refused, lacking

Words = tuple[str, ...]


class Machine:
    """Stands in for ``ip``: remembers what was asked of it, and refuses the command of this number."""

    def __init__(self, refused: int = 0) -> None:
        self._refused = refused
        self.asked: list[Words] = []
        self.namespaces: set[str] = set()

    def __call__(self, *words: str) -> str:
        self.asked.append(words)
        if len(self.asked) == self._refused:
            raise Refused(f"`ip {' '.join(words)}` was refused")
        if words[:2] == ("netns", "add"):
            self.namespaces.add(words[2])
        if words[:2] == ("netns", "del"):
            self.namespaces.remove(words[2])
        return "\n".join(sorted(self.namespaces)) if words == ("netns", "list") else ""


def made_on(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    monkeypatch.setattr(hosts, "_ip", machine)
    return Hosts(["a", "b"])


def test_each_host_has_a_cable_to_the_switch_and_an_address_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine()
    with made_on(machine, monkeypatch) as both:
        assert len(machine.namespaces) == 3
        assert both.address("a") != both.address("b")
        before = len(machine.asked)
        both.pull("a")
        both.switch_off("b")
        both.plug_in("a")
        said = [(words[1].rpartition("-")[2], words[-2], words[-1]) for words in machine.asked[before:]]
        assert said == [
            *[("switch", "cable-a", "down"), ("b", "eth0", "down")],
            *[("switch", "cable-a", "up"), ("a", "eth0", "up")],
        ]
    assert not machine.namespaces


@pytest.mark.parametrize("number", range(2, 15))
def test_what_was_made_before_a_refusal_is_taken_away(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(refused=number)
    with pytest.raises(Refused), made_on(machine, monkeypatch):
        pytest.fail("this command was to be refused")
    assert not machine.namespaces


def test_what_was_made_is_taken_away_after_a_failure_within(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    with pytest.raises(ZeroDivisionError), made_on(machine, monkeypatch):
        raise ZeroDivisionError
    assert not machine.namespaces


def test_what_a_killed_run_has_left_is_taken_away_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    gone = 1 << 22  # more than any process has as its number
    machine.namespaces = {f"pesan{gone}-a", f"pesan{os.getpid()}-z", "somebody-elses"}
    with made_on(machine, monkeypatch):
        pass
    assert machine.namespaces == {f"pesan{os.getpid()}-z", "somebody-elses"}


@pytest.mark.parametrize(
    ("place", "name", "instead", "said"),
    [
        (shutil, "which", lambda name: None, "iproute2"),
        (os, "geteuid", lambda: 1000, "root"),
        (hosts, "_ip", Machine(refused=1), "refused"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(
    place: object, name: str, instead: Callable[..., object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(place, name, instead)
    assert said in lacking()


def test_who_can_have_no_hosts_hears_why_and_plays_on_one_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played: list[dict[str, object]] = []

    def play(cast: object, **how: object) -> dict[str, object]:
        played.append(how)
        return {"bar_met": True}

    monkeypatch.setattr(chaos, "lacking", lambda: "This machine is a teapot.")
    monkeypatch.setattr(chaos, "chaos", play)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert chaos.main(["--chaos", "--hosts"]) == 0
    assert [how["on_hosts"] for how in played] == [False]
    assert "one machine" in (said := capsys.readouterr().err) and "teapot" in said


def test_where_nothing_is_missing_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(hosts, "_ip", machine)
    assert lacking() == ""
    assert not machine.namespaces
