"""What reaches a terminal: prompts, styles, completions, and nothing that acts upon it."""

from __future__ import annotations

import json

import pexpect

from benchmarks.own_server import free_port_base
from tests.system.cli.conftest import House
from tests.system.cli.person import PASSWORD, PATIENCE, Person
from tests.system.pesan import PESAN


def test_control_characters_reach_no_terminal(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    with budi.begin("tail") as tail:
        tail.mutters("listening")
        ani.says("send", house.name("budi"), "\x1b]0;title\x07\x1b[2J\u202ered\x9b31m\rbudi: no")
        shown = "".join(tail.awaits(2))
    shown += budi.says("history", house.name("ani")) + budi.says("inbox") + budi.says("read")
    assert "title" in shown
    assert not {character for character in shown if ord(character) < 32 and character != "\n"}
    assert not set("\x7f\x9b\u202e") & set(shown)
    record = budi.tells("history", house.name("ani"))[0]
    assert record["body"] == "\x1b]0;title\x07\x1b[2J\u202ered\x9b31m\rbudi: no"


def test_people_and_groups_are_completed(house: House) -> None:
    ani = house.person("ani")
    ani.says("group", "create", house.name("dapur"))

    def completed(*words: str) -> list[str]:
        line = "\n".join(["pesan", *words])
        ani.environment |= {
            "_PESAN_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words)),
        }
        return ani.says().splitlines()

    assert completed("se") == ["plain,send", "plain,sessions"]
    assert f"plain,{house.name('ani')}" in completed("send", "an")
    assert f"plain,\\#{house.name('dapur')}" in completed("send", "#da")
    assert f"plain,{house.name('dapur')}" in completed("group", "join", "da")
    ani.environment["PESAN_SERVER"] = f"pesan://127.0.0.1:{free_port_base()}?key={'A' * 43}"
    assert completed("send", "an") == [""]


def test_paths_in_ones_own_space_are_completed(house: House) -> None:
    ani = house.person("ani")
    ani.says("file", "mkdir", "/my docs")
    ani.says("file", "send", "/my docs", "-", "--name", "plan.md", stdin="x")

    def completed(*words: str, shell: str = "bash") -> list[str]:
        ani.environment |= {
            "_PESAN_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": "\n".join(["pesan", *words]) if shell == "bash" else " ".join(["pesan", *words]),
            "COMP_CWORD": str(len(words)),
        }
        return ani.says().splitlines()

    assert completed("file", "get", "/m") == ["plain,/my\\ docs/"]
    assert completed("file", "send", "/m") == ["plain,/my\\ docs/"]
    assert completed("file", "ls", "/my\\ docs/p") == ["plain,/my\\ docs/plan.md"]
    assert completed("file", "rm", "my\\ docs/p") == ["plain,/my\\ docs/plan.md"]
    assert completed("file", "mv", "'/my docs/p") == ["plain,/my docs/plan.md"]
    assert completed("file", "mkdir", "/my\\ docs/") == [""]
    assert completed("file", "ls", "an") != [""]
    assert completed("file", "get", "/nothing/x") == [""]
    assert completed("file", "send", "budi", "x") == ["file,x"]


def test_a_terminal_sees_how_far_a_file_is(house: House) -> None:
    ani = house.person("ani")
    (house.folder / "large\x1b[31m.bin").write_bytes(b"x" * 20_000_000)
    child = pexpect.spawn(
        PESAN,
        ["file", "send", house.name("ani"), "large\x1b[31m.bin", "--name", "large.bin"],
        env={**ani.environment, "TERM": "xterm"},
        cwd=str(house.folder),
        dimensions=(24, 100),
        timeout=PATIENCE,
        use_poll=True,
    )
    child.expect(r"large\.bin: +[0-9]+%.*/20\.0M .*B/s")
    child.expect(r"\r +\rlarge\.bin: 20 MB, sent to .*, file [0-9]+, message 1\r\n")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_what_is_in_a_file_reaches_no_terminal(house: House) -> None:
    ani = house.person("ani")
    ani.says("file", "send", "/", "-", stdin="\x1b[2J")
    child = pexpect.spawn(
        PESAN, ["file", "get", "/stdin", "-o", "-"], env=ani.environment, timeout=PATIENCE, use_poll=True
    )
    child.expect("pipe it, or name a file with -o")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 2


def test_a_password_is_asked_for_on_the_terminal_and_stdout_stays_clean(house: House) -> None:
    person = Person(house.folder, house.server.connection)
    out = house.folder / "register.out"
    name = house.name("ani")
    child = pexpect.spawn(
        "sh",
        ["-c", f"'{PESAN}' register {name} --json > '{out}'"],
        env=person.environment,
        timeout=PATIENCE,
        use_poll=True,
    )
    child.expect(f"New password for {name}: ")
    child.sendline(PASSWORD)
    child.expect("Once more: ")
    child.sendline(PASSWORD)
    child.expect(pexpect.EOF)
    assert PASSWORD not in str(child.before)
    child.close()
    assert child.exitstatus == 0
    assert json.loads(out.read_text())["user"] == name


def test_a_terminal_gets_styles_unless_it_wants_none(house: House) -> None:
    ani = house.person("ani")
    ani.says("send", house.name("ani"), "hi")

    def shown(**more: str) -> str:
        child = pexpect.spawn(
            PESAN,
            ["history", house.name("ani")],
            env={**ani.environment, "TERM": "xterm", **more},
            timeout=PATIENCE,
            use_poll=True,
        )
        child.expect(pexpect.EOF)
        child.close()
        return str(child.before)

    ani.environment.pop("NO_COLOR", None)
    assert "\\x1b[1m" in shown()
    assert "\\x1b" not in shown(NO_COLOR="1")
