"""Files at shells: sent, fetched, cut short and gone on with, by real commands at a real server."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.own_server import OwnServer
from tests.system.cli.conftest import QUICK, House
from tests.system.cli.person import PATIENCE, Person
from tests.system.pesan import PESAN

MIB = 1 << 20
LARGE = 48 * MIB
"""Bytes: enough to be stopped in the middle."""


def write(file: Path, size: int) -> str:
    """A file of so many bytes, none like another; its hash."""
    content = random.Random(size).randbytes(size)
    file.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def hash_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_file_is_sent_to_a_person_and_fetched(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    sha256 = write(house.folder / "report.pdf", 3_400_000)
    sent = ani.says("file", "send", house.name("budi"), "report.pdf")
    number = sent.partition("file ")[2].partition(",")[0]
    assert sent == f"report.pdf: 3.4 MB, sent to {house.name('budi')}, file {number}, message 1\n"
    assert budi.says("inbox").endswith(f": [file {number}] report.pdf, 3.4 MB\n")
    (message,) = budi.tells("history", house.name("ani"))
    assert message["body"] == "report.pdf"
    assert message["file"]["sha256"] == sha256 and message["file"]["size"] == 3_400_000
    (house.folder / "in").mkdir()
    assert budi.says("file", "get", number, "-o", "in") == "in/report.pdf: 3.4 MB\n"
    assert hash_of(house.folder / "in/report.pdf") == sha256
    assert [file.name for file in (house.folder / "in").iterdir()] == ["report.pdf"]
    assert budi.run("file", "get", number).returncode == 1, "ani's own is in that folder"
    assert hash_of(house.folder / "report.pdf") == sha256
    assert budi.says("file", "ls", house.name("ani")).split()[:2] == [number, "3400000"]


def test_a_file_in_a_group_is_for_its_members_as_long_as_they_are(house: House) -> None:
    ani, budi, citra = (house.person(name) for name in ("ani", "budi", "citra"))
    group = house.name("ops")
    ani.says("group", "create", group)
    (house.folder / "plan.md").write_text("the plan")
    with budi.begin("tail", "--json") as tail:
        tail.mutters("listening")
        budi.says("group", "join", group)
        ani.says("file", "send", f"#{group}", "plan.md", "--text", "have a look")
        heard = json.loads(tail.awaits(1)[0])
    number = str(heard["file"]["file"])
    assert (heard["body"], heard["file"]["name"]) == ("have a look", "plan.md")
    shown = budi.says("history", f"#{group}").splitlines()
    assert shown[0].endswith(": have a look") and shown[1] == f"    [file {number}] plan.md, 8 bytes"
    assert budi.says("file", "get", number, "-o", "-") == "the plan"
    assert citra.run("file", "get", number, "-o", "-").returncode == 4
    ani.says("group", "remove", group, house.name("budi"))
    done = budi.run("file", "get", number, "-o", "-")
    assert (done.returncode, done.stdout) == (4, "")
    ani.says("file", "rm", number)
    assert f"[file {number}, deleted] plan.md" in ani.says("history", f"#{group}")


def test_ones_own_space_is_kept_in_order(house: House) -> None:
    ani = house.person("ani")
    for name in ("a.txt", "b.txt"):
        (house.folder / name).write_text(name)
    ani.says("file", "mkdir", "/docs/old", "-p")
    assert ani.says("file", "send", "/docs", "a.txt", "b.txt").count("stored as /docs/") == 2
    done = ani.run("file", "send", "/docs", "a.txt")
    assert done.returncode == 1 and "--force replaces it" in done.stderr
    (house.folder / "a.txt").write_text("again")
    ani.says("file", "send", "/docs", "a.txt", "--force")
    assert ani.says("file", "get", "/docs/a.txt", "-o", "-") == "again"
    ani.says("file", "mv", "/docs/a.txt", "/docs/b.txt", "/docs/old")
    ani.says("file", "mv", "/docs/old/b.txt", "/docs/c.txt")
    assert [line.split()[-1] for line in ani.says("file", "ls", "/docs").splitlines()] == ["c.txt", "old/"]
    assert [one["path"] for one in ani.tells("file", "ls", "/docs")] == ["/docs/c.txt", "/docs/old"]
    done = ani.run("file", "rm", "/docs")
    assert done.returncode == 1 and "-r deletes" in done.stderr
    ani.says("file", "rm", "-r", "/docs")
    assert ani.says("file", "ls") == ""
    assert ani.tells("file", "usage")[0]["bytes"] == 0


def test_stdin_is_sent_byte_by_byte_as_it_is(house: House) -> None:
    ani = house.person("ani")
    with ani.begin("file", "send", house.name("ani"), "-", "--name", "all.bin") as sending:
        assert sending.process.stdin is not None
        sending.process.stdin.write(bytes(range(256)) * 100)
        sending.process.stdin.close()
        assert sending.process.wait(PATIENCE) == 0
    number = ani.tells("file", "ls", house.name("ani"))[0]["file"]
    ani.says("file", "get", str(number))
    assert (house.folder / "all.bin").read_bytes() == bytes(range(256)) * 100


def test_a_senders_name_cannot_hide_what_is_saved(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    (house.folder / "x").write_text("alias ls='rm -rf ~'")
    ani.says("file", "send", house.name("budi"), "x", "--name", ".bashrc")
    assert ani.run("file", "send", house.name("budi"), "x", "--name", "../up").returncode == 2
    number = str(budi.tells("file", "ls", house.name("ani"))[0]["file"])
    assert budi.says("file", "get", number).startswith("_.bashrc: ")
    assert not (house.folder / ".bashrc").exists()


MISTAKES = [
    (["send", "nobody.at.all", "x"], 4, "There is no user nobody.at.all (in quotes"),
    (["send", "#nothing.at.all", "x"], 4, "pesan group list"),
    (["send", "/nowhere/", "x"], 4, "pesan file mkdir"),
    (["send", "/nowhere/x", "x"], 4, "pesan file mkdir"),
    (["send", "ME", "nothing"], 4, "nothing: No such file or directory"),
    (["send", "ME", "."], 2, "is a folder"),
    (["get", "999999999"], 4, "no file 999999999 for you: none has this number"),
    (["get", "/nothing"], 4, "nothing"),
    (["ls", "/nothing"], 4, "nothing"),
    (["ls", "nobody.at.all"], 4, "no user nobody.at.all"),
    (["mv", "/nothing", "/other"], 4, "nothing"),
    (["mv", "/here", "/there"], 1, "--force replaces it"),
    (["get", "here"], 2, "A path in your own space begins with a slash: /here"),
    (["rm", "here"], 2, "A path in your own space begins with a slash: /here"),
    (["send", "x", "ME"], 2, "TO comes first: pesan file send "),
    (["send", "ME", "-"], 1, "nothing came from stdin"),
    (["rm", "/nothing"], 4, "nothing"),
    (["mkdir", "/a/b/c"], 4, "'a/b' (-p makes"),
    (["cancel", "ffff"], 4, "no upload ffff"),
]


def test_mistakes_have_their_exit_code_and_a_sentence(house: House) -> None:
    ani = house.person("ani")
    (house.folder / "x").write_text("x")
    ani.says("file", "send", "/here", "x")
    ani.says("file", "send", "/there", "x")
    for words, code, said in MISTAKES:
        done = ani.run("file", *[house.name("ani") if word == "ME" else word for word in words])
        assert (done.returncode, done.stdout) == (code, ""), words
        assert said in done.stderr and done.stderr.count("\n") == 1, words
    assert ani.tells("file", "uploads") == []


def test_what_is_too_large_is_told_before_it_moves(tmp_path: Path) -> None:
    limits = {"file_max_bytes": 2 * MIB, "file_quota_bytes": 3 * MIB}
    with OwnServer(settings={**QUICK, **limits}) as server:
        house = House(tmp_path, server)
        ani = house.person("ani")
        for name, size in (("large", 2 * MIB + 1), ("a", 2 * MIB), ("b", 2 * MIB), ("c", 1000)):
            write(tmp_path / name, size)
        done = ani.run("file", "send", house.name("ani"), "large", "a", "b", "c")
        assert done.returncode == 1
        assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["a", "c"]
        large, b, sum_ = done.stderr.splitlines()
        assert large.startswith("pesan: large: ") and b.startswith("pesan: b: ")
        assert sum_ == "pesan: 2 of 4 sent."
        assert ani.tells("file", "usage")[0]["bytes"] == 2 * MIB + 1000


# --- cut short ------------------------------------------------------------------------------------


@pytest.fixture
def halfway(tmp_path: Path) -> Iterator[House]:
    """A server whose file worker a test may stop in the middle of something."""
    with OwnServer(settings=QUICK) as server:
        yield House(tmp_path, server)


def stopped(house: House, person: Person, words: list[str], begun: Callable[[], object], by: int) -> str:
    """Begin a command, and end it by a signal when ``begun`` holds and it is in the middle; its stderr."""
    with person.begin(*words) as running:
        until(begun)
        house.server.kill("file.1", signal.SIGSTOP)
        running.process.send_signal(by)
        code = running.process.wait(PATIENCE)
        house.server.kill("file.1", signal.SIGCONT)
        assert code == (130 if by == signal.SIGINT else -by), running.err
        return running.err


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
def test_a_file_that_was_cut_short_goes_on_by_the_same_command(halfway: House, by: int) -> None:
    ani = halfway.person("ani")
    sha256 = write(halfway.folder / "large.bin", LARGE)
    staging = halfway.server.home / "files" / "staging"
    words = ["file", "send", halfway.name("ani"), "large.bin"]
    said = stopped(halfway, ani, words, lambda: list(staging.glob("*.map")), by)
    if by == signal.SIGINT:
        assert said == "pesan: stopped; the same command goes on where this one stopped.\n"
    (upload,) = ani.tells("file", "uploads")
    assert 0 < upload["held"] < LARGE
    done = ani.run(*words)
    assert done.returncode == 0 and "large.bin: 50 MB, sent to" in done.stdout
    assert done.stderr.startswith("large.bin: goes on behind ")
    (message,) = ani.tells("history", halfway.name("ani"))
    assert message["file"]["sha256"] == sha256
    assert ani.tells("file", "uploads") == []
    assert list((halfway.folder / "state/pesan/uploads").iterdir()) == []


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
def test_a_file_that_was_fetched_in_part_goes_on_by_the_same_command(halfway: House, by: int) -> None:
    ani = halfway.person("ani")
    sha256 = write(halfway.folder / "large.bin", LARGE)
    ani.says("file", "send", halfway.name("ani"), "large.bin")
    inside = halfway.folder / "in"
    inside.mkdir()
    words = ["file", "get", "1", "-o", "in"]
    stopped(halfway, ani, words, lambda: any(part.stat().st_size for part in inside.glob("*.part")), by)
    assert [file.suffix for file in inside.iterdir()] == [".part"]
    done = ani.run(*words)
    assert (done.returncode, done.stdout) == (0, "in/large.bin: 50 MB\n")
    assert done.stderr.startswith("large.bin: goes on behind ")
    assert [file.name for file in inside.iterdir()] == ["large.bin"]
    assert hash_of(inside / "large.bin") == sha256


def test_two_of_the_same_command_at_once_are_one_message(halfway: House) -> None:
    ani = halfway.person("ani")
    sha256 = write(halfway.folder / "large.bin", LARGE)
    staging = halfway.server.home / "files" / "staging"
    words = ("file", "send", halfway.name("ani"), "large.bin")
    with ani.begin(*words) as one:
        until(lambda: list(staging.glob("*.map")))
        with ani.begin(*words) as other:
            assert (one.process.wait(PATIENCE), other.process.wait(PATIENCE)) == (0, 0), one.err + other.err
    messages = ani.tells("history", halfway.name("ani"))
    assert {message["file"]["sha256"] for message in messages} == {sha256}
    already = [said for said in one.out + other.out if "sent already to" in said]
    assert len(messages) + len(already) == 2


def test_a_cancelled_upload_is_gone_and_begins_anew(halfway: House) -> None:
    ani = halfway.person("ani")
    write(halfway.folder / "large.bin", LARGE)
    staging = halfway.server.home / "files" / "staging"
    words = ["file", "send", halfway.name("ani"), "large.bin"]
    stopped(halfway, ani, words, lambda: list(staging.glob("*.map")), signal.SIGINT)
    (upload,) = ani.tells("file", "uploads")
    assert ani.tells("file", "usage")[0]["bytes"] == LARGE
    ani.says("file", "cancel", upload["upload"][:12])
    assert ani.tells("file", "uploads") == []
    assert ani.tells("file", "usage")[0]["bytes"] == 0
    assert ani.run(*words).stderr == ""


def test_output_that_nobody_reads_any_more_ends_it(house: House) -> None:
    ani = house.person("ani")
    write(house.folder / "large.bin", 20 * MIB)
    number = ani.tells("file", "send", house.name("ani"), "large.bin")[0]["file"]["file"]
    done = subprocess.run(
        ["sh", "-c", f"'{PESAN}' file get {number} -o - | head -c 1000 | wc -c"],
        env=ani.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert (done.stdout.strip(), done.stderr) == ("1000", "")
