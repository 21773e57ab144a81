"""Two people and a group at their shells, and scripts that pipe into them."""

from __future__ import annotations

import json
from pathlib import Path

import apsw

from benchmarks.own_server import OwnServer
from tests.system.cli.conftest import House
from tests.system.cli.person import PATIENCE


def test_two_people_on_one_machine_talk(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    assert ani.says("whoami") == f"{house.name('ani')}\n"
    assert ani.says("send", house.name("budi"), "halo", "budi") == ""
    assert budi.says("unread", "--count") == "1\n"
    assert budi.says("inbox") == budi.says("inbox")
    assert budi.says("read").endswith(f"{house.name('ani')}: halo budi\n")
    assert budi.says("unread", "--count") == "0\n"
    assert budi.says("read") == ""
    ani.says("send", house.name("budi"), stdin="first line\nsecond line\n")
    assert budi.tells("history", house.name("ani"))[-1]["body"] == "first line\nsecond line"
    assert ani.says("verify", house.name("budi")) == f"{house.name('budi')}: complete 1..2\n"


def test_lines_of_stdin_become_messages_in_their_order(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    lines = [f"line {number}" for number in range(1000)]
    sent = ani.tells("send", house.name("budi"), "-", stdin="\n".join([*lines, "", ""]))
    assert [one["seq"] for one in sent] == [*range(1, 1001)]
    assert [one["body"] for one in budi.tells("history", house.name("ani"), "--all")] == lines
    assert budi.says("unread") == f"{house.name('ani')} 1000\n"


def test_a_line_is_sent_before_the_next_one_comes(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    with ani.begin("send", house.name("budi"), "-", "--json") as pipe:
        pipe.feed("one\n")
        assert json.loads(pipe.awaits(1)[0])["seq"] == 1
        pipe.feed("two")
        assert pipe.process.stdin is not None
        pipe.process.stdin.close()
        assert pipe.process.wait(PATIENCE) == 0
        assert len(pipe.out) == 2
    assert budi.says("unread", "--count") == "2\n"


def test_a_pipe_that_waits_is_ended_by_ctrl_c_without_a_word(house: House) -> None:
    ani = house.person("ani")
    with ani.begin("send", house.name("ani"), "-", "--json") as pipe:
        pipe.feed("note to self\n")
        pipe.awaits(1)
        assert pipe.interrupt() == 130
        assert pipe.err.strip() == ""


def test_a_line_that_is_too_long_is_named_and_the_others_arrive(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    done = ani.run("send", house.name("budi"), "-", stdin=f"one\n{'x' * 70_000}\nthree\n")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "pesan: line 2: This message has 70000 bytes, and one may have at most 65536.",
        "pesan: 2 lines were sent, 1 left out.",
    ]
    assert [one["body"] for one in budi.tells("history", house.name("ani"))] == ["one", "three"]


def test_a_line_that_is_no_text_is_named_and_left_out(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    for words, code in ((("send", house.name("budi"), "-"), 2), (("chat", house.name("budi")), 2)):
        with ani.begin(*words) as pipe:
            assert pipe.process.stdin is not None
            pipe.process.stdin.write(b"one\nt\xffo\nthree\n")
            pipe.process.stdin.close()
            assert pipe.process.wait(PATIENCE) == code
    assert [one["body"] for one in budi.tells("history", house.name("ani"))] == ["one", "three"] * 2


def test_a_pipe_to_nobody_ends_at_once(house: House) -> None:
    ani = house.person("ani")
    with ani.begin("send", "nobody.at.all", "-") as pipe:
        pipe.feed("one\n")
        assert pipe.process.wait(PATIENCE) == 4
        assert "line 1" in pipe.err


def test_lines_behind_a_name_of_nobody_go_to_nobody(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    said = ani.run("chat", house.name("budi"), stdin="for budi\n/to nobody-at-all\nfor somebody else\n")
    assert said.returncode != 0
    assert "No conversation is open; /to NAME opens one." in said.stderr
    assert [one["body"] for one in budi.tells("history", house.name("ani"))] == ["for budi"]


def test_the_same_id_sends_nothing_twice(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    words = ("send", house.name("budi"), "once", "--id", "0190c0de" * 4)
    assert [ani.tells(*words)[0]["duplicate"] for _ in range(2)] == [False, True]
    assert budi.says("unread", "--count") == "1\n"


def test_a_group_from_its_making_to_its_end(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    group = house.name("ops")
    ani.says("group", "create", group)
    budi.says("group", "join", f"#{group}")
    budi.says("send", f"#{group}", "halo semua")
    assert ani.says("read", f"#{group}").endswith(f"{house.name('budi')}: halo semua\n")
    listed = next(line for line in budi.says("group", "list").splitlines() if line.startswith(f"#{group} "))
    assert listed.split() == [f"#{group}", "2", "members", "joined"]
    assert ani.says("group", "members", group).split()[:2] == [house.name("ani"), "creator"]
    ani.says("group", "remove", group, house.name("budi"))
    assert budi.run("send", f"#{group}", "still here?").returncode == 3
    ani.says("group", "leave", group)
    assert ani.run("group", "members", group).returncode == 4


def test_a_group_with_a_password(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    group = house.name("secret")
    ani.says("group", "create", group, "--password-stdin", stdin="pintu\n")
    assert budi.run("group", "join", group).returncode == 3
    assert budi.run("group", "join", group, "--password-stdin", stdin="salah\n").returncode == 3
    budi.environment["PESAN_GROUP_PASSWORD"] = "pintu"
    budi.says("group", "join", group)


def test_verify_names_what_is_missing(tmp_path: Path, own_server: OwnServer) -> None:
    house = House(tmp_path, own_server)
    ani = house.person("ani")
    ani.says("send", house.name("ani"), "-", stdin="".join(f"{number}\n" for number in range(1, 13)))
    with apsw.Connection(str(own_server.home / "pesan.db")) as store:
        store.execute("delete from messages where seq in (3, 4, 5, 9)")
    store.close()
    done = ani.run("verify", house.name("ani"))
    assert (done.returncode, done.stdout) == (1, f"{house.name('ani')}: missing 3..5, 9\n")
    record = json.loads(ani.run("verify", house.name("ani"), "--json").stdout)
    assert (record["complete"], record["missing"]) == (False, [[3, 5], [9, 9]])
