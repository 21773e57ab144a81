"""``pesan verify`` and ``pesan admin fsck`` on real servers whose stores were tampered with."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path

from benchmarks.own_server import OwnServer
from tests.system.cli.conftest import QUICK, House
from tests.system.cli.person import PATIENCE, Person
from tests.system.pesan import PESAN


def stop(server: OwnServer) -> None:
    """End every process, in the order of their starts."""
    for name in list(server.processes):
        server.stop(name)


def fsck(server: OwnServer, *words: str) -> subprocess.CompletedProcess[str]:
    """``pesan admin fsck`` on a server's data folder."""
    return subprocess.run(
        [PESAN, "admin", "fsck", *words],
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def spoken(tmp_path: Path, server: OwnServer, count: int) -> tuple[Person, Person, str]:
    """Ani, budi, and budi's name, after budi said so many things to ani, who has read them."""
    house = House(tmp_path, server)
    ani, budi = house.person("ani"), house.person("budi")
    say(budi, house.name("ani"), 1, count)
    assert len(ani.tells("read")) == count
    return ani, budi, house.name("budi")


def say(who: Person, to: str, first: int, last: int) -> None:
    who.says("send", to, "-", stdin="".join(f"this is {number}\n" for number in range(first, last + 1)))


def test_a_server_set_back_to_an_older_copy_has_lost_what_was_seen_since(
    tmp_path: Path, own_server: OwnServer
) -> None:
    ani, budi, name = spoken(tmp_path, own_server, 89)
    other = name.replace("budi", "ani")
    assert ani.says("verify", name) == f"{name}: complete 1..89\n"
    stop(own_server)
    copy = tmp_path / "copy.db"
    shutil.copy(own_server.home / "pesan.db", copy)
    own_server.start()
    say(budi, other, 90, 120)
    ani.says("read")
    assert ani.says("verify", name) == f"{name}: complete 1..120\n"
    stop(own_server)
    shutil.copy(copy, own_server.home / "pesan.db")
    for rest in ("-wal", "-shm"):
        (own_server.home / f"pesan.db{rest}").unlink(missing_ok=True)
    own_server.start()
    assert fsck(own_server).returncode == 0  # the copy itself is whole: only who saw more can tell
    lost = "lost 90..120: seen here, gone on the server"
    for person, partner in ((ani, name), (budi, other)):  # budi was told that they are stored
        done = person.run("verify", partner)
        assert (done.returncode, done.stdout) == (1, f"{partner}: {lost}\n")
    say(budi, other, 500, 501)
    done = ani.run("verify", "--json")
    [record] = [json.loads(line) for line in done.stdout.splitlines() if json.loads(line)["with"] == name]
    assert (done.returncode, record["lost"], record["changed"]) == (1, [[92, 120]], [[90, 91]])
    assert ani.run("verify", "--accept").returncode == 1
    assert ani.says("verify", name) == f"{name}: complete 1..91\n"


def test_a_row_deleted_by_hand_is_named_by_verify_and_by_fsck(tmp_path: Path, own_server: OwnServer) -> None:
    ani, _, name = spoken(tmp_path, own_server, 20)
    with sqlite3.connect(own_server.home / "pesan.db") as store:
        store.execute("delete from messages where seq in (7, 8) or seq = 12")
    store.close()
    done = ani.run("verify", name)
    assert (done.returncode, done.stdout) == (1, f"{name}: missing 7..8, 12\n")
    assert json.loads(ani.run("verify", name, "--json").stdout)["lost"] == [[7, 8], [12, 12]]
    stranger = Person(tmp_path / "elsewhere", own_server.connection)
    stranger.folder.mkdir()
    stranger.says("login", name.replace("budi", "ani"), "--password-stdin", stdin="rahasia sekali\n")
    done = stranger.run("verify", name)
    assert (done.returncode, done.stdout) == (1, f"{name}: missing 7..8, 12\n")
    assert json.loads(stranger.run("verify", name, "--json").stdout)["lost"] == []
    done = fsck(own_server)
    assert done.returncode == 1
    assert (
        "messages.holes: 2 problems: conversation 2 lacks 7..8; conversation 2 lacks 12..12\n" in done.stdout
    )
    assert "this is" not in done.stdout + done.stderr


def test_bytes_of_a_file_changed_by_hand_are_named_when_all_are_read(
    tmp_path: Path, own_server: OwnServer
) -> None:
    house = House(tmp_path, own_server)
    ani = house.person("ani")
    (ani.folder / "report.txt").write_text("a secret report\n")
    ani.says("file", "send", "/", "report.txt")
    assert fsck(own_server, "--bytes").returncode == 0
    [blob] = [file for file in (own_server.home / "files" / "blobs").rglob("*") if file.is_file()]
    blob.chmod(0o600)
    blob.write_text("another report.\n")
    done = fsck(own_server)
    assert done.returncode == 0 and "storage.hashes" not in done.stdout, "the size is right"
    done = fsck(own_server, "--bytes")
    assert done.returncode == 1
    assert f"storage.hashes: 1 problem: blob {blob.name} has another hash: file 1 of user " in done.stdout
    blob.unlink()
    done = fsck(own_server)
    assert done.returncode == 1
    assert f"storage.whole: 1 problem: blob {blob.name} is not in storage: file 1 of user " in done.stdout
    assert "report" not in done.stdout + done.stderr


def test_a_text_changed_by_hand_is_named(tmp_path: Path, own_server: OwnServer) -> None:
    ani, budi, name = spoken(tmp_path, own_server, 5)
    with sqlite3.connect(own_server.home / "pesan.db") as store:
        store.execute("update messages set body = 'I never said this' where seq = 3")
    store.close()
    for person, partner in ((ani, name), (budi, name.replace("budi", "ani"))):
        done = person.run("verify", partner)
        assert (done.returncode, done.stdout) == (1, f"{partner}: changed 3: not what was seen here\n")
    assert fsck(own_server).returncode == 0


def test_what_was_seen_in_a_group_one_was_removed_from_cannot_be_checked(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    group = house.name("ops")
    ani.says("group", "create", group)
    budi.says("group", "join", group)
    ani.says("send", f"#{group}", "hello")
    assert len(budi.tells("history", f"#{group}")) == 1
    ani.says("group", "remove", group, house.name("budi"))
    line = f"#{group}: not a member any more; 1 seen here cannot be checked"
    assert budi.says("verify").splitlines()[1:] == [line]  # everyone's come first
    assert budi.says("verify", f"#{group}") == f"{line}\n"


def group_seen(house: House) -> tuple[Person, Person, str]:
    """Ani, who created a group; budi, a member who has seen the one message in it; and its name."""
    ani, budi = house.person("ani"), house.person("budi")
    group = house.name("ops")
    ani.says("group", "create", group)
    budi.says("group", "join", group)
    ani.says("send", f"#{group}", "hello")
    assert len(budi.tells("history", f"#{group}")) == 1
    return ani, budi, group


def test_a_group_that_was_deleted_after_one_was_removed_from_it_is_not_lost(house: House) -> None:
    ani, budi, group = group_seen(house)
    ani.says("group", "remove", group, house.name("budi"))
    ani.says("group", "leave", group)
    line = f"#{group}: not a member any more; 1 seen here cannot be checked\n"
    assert budi.says("verify").partition("\n")[2] == line
    assert budi.says("verify", f"#{group}") == line
    assert [record["complete"] for record in budi.tells("verify", f"#{group}")] == [None]


def test_nor_is_it_when_another_group_has_its_name(house: House) -> None:
    ani, budi, group = group_seen(house)
    ani.says("group", "remove", group, house.name("budi"))
    ani.says("group", "leave", group)
    gone = f"#{group}: not a member any more; 1 seen here cannot be checked"
    ani.says("group", "create", group)
    assert budi.says("verify").splitlines()[1:] == [gone]
    budi.says("group", "join", group)
    assert budi.says("verify", f"#{group}").splitlines() == [f"#{group}: complete, no messages", gone]
    ani.says("send", f"#{group}", "another hello")
    assert budi.says("verify").splitlines()[1:] == [f"#{group}: complete 1..1", gone]


def test_who_was_removed_and_joined_again_checks_all_of_it(house: House) -> None:
    ani, budi, group = group_seen(house)
    ani.says("group", "remove", group, house.name("budi"))
    ani.says("send", f"#{group}", "while budi is away")
    budi.says("group", "join", group)
    ani.says("send", f"#{group}", "welcome back")
    assert budi.says("verify", f"#{group}") == f"#{group}: complete 1..3\n"


def test_a_group_left_and_so_deleted_on_another_device_is_not_lost(house: House, tmp_path: Path) -> None:
    ani, budi, group = group_seen(house)
    elsewhere = Person(tmp_path / "elsewhere", house.server.connection)
    elsewhere.folder.mkdir()
    elsewhere.says("login", house.name("budi"), "--password-stdin", stdin="rahasia sekali\n")
    ani.says("group", "leave", group)
    elsewhere.says("group", "leave", group)
    line = f"#{group}: not a member any more; 1 seen here cannot be checked\n"
    assert budi.says("verify", f"#{group}") == line
    assert [record["with"] for record in elsewhere.tells("verify")] == ["*"]


def test_everything_a_profile_shows_says_and_hears_is_remembered(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    name = house.name("budi")
    with ani.begin("tail") as tail:
        tail.mutters("listening")
        budi.says("send", house.name("ani"), "heard")
        tail.awaits(1)
        assert tail.interrupt() == 0
    ani.says("send", name, "said")
    chat = ani.begin("chat", name)
    with chat:
        chat.awaits(1)
        chat.feed("typed\n/quit\n")
        assert chat.process.wait(PATIENCE) == 0
    [record] = ani.tells("verify", name)
    assert (record["last_seq"], record["seen"], record["complete"]) == (3, 3, True)


def test_fsck_looks_at_a_running_server_and_at_a_stopped_one(tmp_path: Path) -> None:
    with OwnServer(settings=QUICK) as server:
        _, budi, name = spoken(tmp_path, server, 10)
        with budi.begin("send", name.replace("budi", "ani"), "-") as sending:
            for number in range(20):
                sending.feed("".join(f"{number} {place}\n" for place in range(50)))
                if number % 5 == 0:
                    done = fsck(server, "--json")
                    assert (
                        done.returncode,
                        [line for line in done.stdout.splitlines() if '"ok": true' not in line],
                    ) == (
                        0,
                        [],
                    )
        stop(server)
        before = sorted(file.name for file in server.home.iterdir())
        done = fsck(server)
        assert (done.returncode, done.stderr) == (0, f"checking {server.home / 'pesan.db'}\n")
        assert {line.partition(": ")[2] for line in done.stdout.splitlines()} == {"ok"}
        assert (
            sorted(file.name for file in server.home.iterdir() if file.name[-4:] not in ("-wal", "-shm"))
            == before
        )
        server.start()
        budi.says("send", name.replace("budi", "ani"), "and on it goes")


def test_fsck_without_a_store_ends_with_78(tmp_path: Path) -> None:
    server = OwnServer(home=tmp_path)
    done = fsck(server)
    assert (done.returncode, done.stdout) == (78, "")
    assert "there is no such database" in done.stderr
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "pesan.db").write_bytes(b"no database " * 1000)
    done = fsck(server)
    assert (done.returncode, done.stdout) == (78, "")
    server.environment["PESAN_DATABASE"] = "postgresql://postgres:geheim@127.0.0.1:1/none"
    done = fsck(server)
    assert (done.returncode, done.stdout) == (78, "")
    assert "geheim" not in done.stderr
