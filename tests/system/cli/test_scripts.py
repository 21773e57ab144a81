"""What scripts rely on: JSON, exit codes, one sentence on stderr."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from benchmarks.own_server import OwnServer, free_port_base
from client.cli.program import COMMANDS
from protocol import connection_string
from tests.system.cli.conftest import House
from tests.system.cli.person import PASSWORD, PATIENCE, Person
from tests.system.pesan import PESAN


def test_every_command_tells_its_result_as_json(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    a, b, group = house.name("ani"), house.name("budi"), house.name("ops")
    done: dict[str, set[str]] = {}

    def tells(person: Person, *words: str, stdin: str = "") -> None:
        records = person.tells(*words, stdin=stdin)
        assert records, words
        done[words[0]] = done.get(words[0], set()) | set().union(*records)

    stdin = f"{PASSWORD}\n"
    tells(Person(house.folder, house.server.connection, "citra"), "register", house.name("citra"),
          "--password-stdin", stdin=stdin)  # fmt: skip
    tells(ani, "login", a, "--password-stdin", stdin=stdin)
    tells(ani, "whoami")
    tells(ani, "online")
    tells(ani, "user", b)
    assert ani.tells("realms") == []
    for words in (("create", group), ("members", group), ("list",)):
        tells(ani, "group", *words)
    tells(budi, "group", "join", group)
    tells(ani, "group", "remove", group, b)
    tells(ani, "send", b, "hi")
    tells(ani, "broadcast", "hi all")
    for words in (("inbox",), ("unread",), ("unread", "--count"), ("history", a), ("verify",), ("read",)):
        tells(budi, *words)
    tells(ani, "file", "mkdir", "/docs")
    tells(ani, "file", "send", "/docs", "-", stdin="one")
    tells(ani, "file", "send", a, "-", stdin="two")
    tells(ani, "file", "mv", "/docs/stdin", "/")
    for where in ("/", a):
        tells(ani, "file", "ls", where)
    tells(ani, "file", "usage")
    tells(ani, "file", "get", "/stdin")
    tells(ani, "file", "rm", "/stdin")
    assert ani.tells("file", "uploads") == ani.tells("file", "cancel", "--all") == []
    tells(ani, "group", "leave", group)
    tells(ani, "sessions")
    tells(ani, "password", "--password-stdin", stdin=f"{PASSWORD}\nlain sekali\n")
    tells(ani, "sessions", "revoke", str(ani.tells("sessions")[0]["session"]))
    tells(budi, "logout")
    assert set(COMMANDS) - set(done) == {"chat", "tail", "completion", "realms", "gui", "web"}
    assert {"sent_at", "sent_at_iso", "id", "from", "body", "seq", "with"} <= done["history"]
    assert not {"token", "topic"} & set().union(*done.values())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["send"], 2, "'#ops'"),
        (["send", "budi", "--nonsense"], 2, "--nonsense"),
        (["send", "a name with spaces", "hi"], 2, "not a name"),
        (["send", "nobody.at.all", "hi"], 4, "no user nobody.at.all"),
        (["send", "#nothing.at.all", "hi"], 4, "pesan group list"),
        (["history", "nobody.at.all"], 4, "no user"),
        (["read", "nobody.at.all"], 4, "no user"),
        (["unread", "#nothing.at.all"], 4, "no group"),
        (["verify", "nobody.at.all"], 4, "no user"),
        (["group", "members", "nothing.at.all"], 4, "no group"),
        (["sessions", "revoke", "999999999"], 4, "no session"),
        (["send", "ME", "--", ""], 2, ""),
        (["register", "ME"], 1, "already a user"),
        (["register", "somebody.else"], 1, "logged in as"),
        (["register", "x y"], 2, "not a name"),
    ],
)
def test_a_mistake_has_its_exit_code_and_a_sentence(
    house: House, words: list[str], code: int, said: str
) -> None:
    ani = house.person("ani")
    ani.environment["PESAN_PASSWORD"] = PASSWORD
    done = ani.run(*[house.name("ani") if word == "ME" else word for word in words])
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_who_is_not_logged_in_is_told_how_to(house: House) -> None:
    dewi = Person(house.folder, house.server.connection, "dewi")
    for words in (["inbox"], ["send", "ani", "hi"], ["tail"], ["logout"], ["password"], ["verify"]):
        done = dewi.run(*words)
        assert (done.returncode, done.stdout) == (3, "")
        assert "pesan --profile dewi login NAME" in done.stderr


def test_a_password_that_does_not_fit_ends_with_3(house: House) -> None:
    ani = house.person("ani")
    done = ani.run("login", house.name("ani"), "--password-stdin", stdin="salah sekali\n")
    assert (done.returncode, done.stdout) == (3, "")
    assert ani.says("whoami")


def test_nobody_there_ends_with_6(tmp_path: Path) -> None:
    port = free_port_base()
    person = Person(tmp_path, f"pesan://127.0.0.1:{port}?key={'A' * 43}", PESAN_PASSWORD=PASSWORD)
    done = person.run("login", "ani")
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == f"pesan: cannot reach pesan://127.0.0.1:{port}: is it running? (pesan up)\n"
    assert person.run("login", "ani", "--timeout", "0.2").returncode == 6


def test_no_server_known_ends_with_6(tmp_path: Path) -> None:
    done = Person(tmp_path, "", PESAN_PASSWORD=PASSWORD).run("login", "ani")
    assert (done.returncode, done.stdout) == (6, "")
    assert "pesan up" in done.stderr


def test_a_server_with_another_key_ends_with_3(house: House) -> None:
    port = connection_string.parse(house.server.connection).port
    wrong = Person(house.folder, f"pesan://127.0.0.1:{port}?key={'A' * 43}", PESAN_PASSWORD=PASSWORD)
    done = wrong.run("login", "ani")
    assert done.returncode == 3
    assert "key" in done.stderr


def test_no_answer_in_time_ends_with_5_and_says_how_to_try_again(
    tmp_path: Path, own_server: OwnServer
) -> None:
    house = House(tmp_path, own_server)
    ani = house.person("ani")
    own_server.kill("messaging.1", signal.SIGSTOP)
    done = ani.run("send", house.name("ani"), "note", "--timeout", "0.5")
    own_server.kill("messaging.1", signal.SIGCONT)
    assert (done.returncode, done.stdout) == (5, "")
    id = done.stderr.partition("--id ")[2].split()[0]
    ani.says("send", house.name("ani"), "note", "--id", id)
    assert [one["body"] for one in ani.tells("history", house.name("ani"))] == ["note"]


def test_whoever_reads_only_the_start_is_not_told_off(house: House) -> None:
    ani = house.person("ani")
    ani.says("send", house.name("ani"), "-", stdin="".join(f"{'x' * 500} {n}\n" for n in range(2000)))
    done = subprocess.run(
        ["sh", "-c", f"'{PESAN}' history {house.name('ani')} --all | head -n 1"],
        env=ani.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_the_log_tells_who_tried_to_log_in_and_from_where(house: House) -> None:
    ani = house.person("ani")
    name = house.name("ani")
    assert ani.run("login", name, "--password-stdin", stdin="not her password\n").returncode == 3
    log = house.server.home / "log" / "server.jsonl"
    deadline = time.monotonic() + PATIENCE
    found: list[tuple[str, str, str]] = []
    while len(found) < 3:  # a line is written behind its answer
        assert time.monotonic() < deadline, found
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        entries = [line for line in lines if line.get("user") == name and line["service"] == "auth"]
        found = [(line["command"], line["outcome"], line["address"]) for line in entries]
    assert found == [
        ("auth.register", "ok", "127.0.0.1"),
        ("auth.login", "ok", "127.0.0.1"),
        ("auth.login", "invalid_credentials", "127.0.0.1"),
    ]
    assert "not her password" not in log.read_text()
