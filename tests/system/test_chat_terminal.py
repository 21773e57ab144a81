"""``pesan chat`` in front of a real server: in a real terminal, and through pipes."""

from __future__ import annotations

import asyncio
import json
import random
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.own_server import ROOT, OwnServer
from client import Chat, MessageEvent
from tests.system.screen import PATIENCE, Seat
from tests.system.talkers import PESAN, QUICK, SILENCE, House


@pytest.fixture
def house() -> Iterator[House]:
    with OwnServer(settings=QUICK) as server:
        house = House(server)
        try:
            house.moves_in("ani", "budi")
            yield house
        finally:
            house.close()


def test_two_people_talk(house: House) -> None:
    ani, budi = house.sits_down("ani", "budi"), house.sits_down("budi", "ani")
    ani.enters("hello")
    budi.sees(" ani: hello")
    budi.enters("//shrug")
    ani.sees(" budi: /shrug")
    assert sum("hello" in line for line in ani.screen.lines) == 1, "one's own line is not repeated"
    house.hears("ani", "budi", ["hello", "/shrug"])


def test_a_message_leaves_a_half_typed_line_alone(house: House) -> None:
    ani = house.sits_down("ani", "budi")
    ani.types("half a li")
    ani.sees(lambda: ani.screen.cursor_line == "budi> half a li", "the half line")
    house.says("budi", "ani", "here I come", "and again")
    ani.sees(" budi: and again")
    ani.sees(lambda: ani.screen.cursor_line == "budi> half a li", "the half line, once more")
    assert sum("half a li" in line for line in ani.screen.lines) == 1
    ani.enters("ne")
    house.hears("budi", "ani", ["here I come", "and again", "half a line"])


def test_keys_pressed_while_messages_are_written_are_not_shown_among_them(house: House) -> None:
    ani = house.sits_down("ani", "budi")
    texts = [f"line {number}" for number in range(60)]
    saying = threading.Thread(target=house.says, args=("budi", "ani", *texts))
    saying.start()
    typed = ""
    while saying.is_alive():
        ani.types("x")
        typed += "x"
        ani.reads(0.02)
    saying.join()
    ani.sees(" budi: line 59")
    ani.sees(lambda: "".join(ani.screen.lines).count("x") >= len(typed), "every key")
    shown = [line for line in ani.screen.lines if "x" in line]
    assert shown[0].startswith("budi> x")
    assert [line.partition("budi: ")[2] for line in ani.screen.lines if "budi: line" in line] == texts


def test_messages_of_others_wait_until_a_password_is_typed(house: House) -> None:
    house.as_("budi", lambda chat: chat.create_group("ops", "open sesame"))
    ani = house.sits_down("ani")
    ani.enters("/join ops")
    ani.sees(lambda: ani.screen.cursor_line == "Password of #ops:", "the question")
    asyncio.run(_says_until_another_device_hears(house, "look here"))
    deadline = time.monotonic() + SILENCE
    while time.monotonic() < deadline:
        ani.reads(0.05)
    assert not any("look here" in line for line in ani.screen.lines)
    assert ani.screen.cursor_line == "Password of #ops:"
    ani.types("open sesame\r")
    ani.sees("[budi] look here")
    ani.sees(lambda: ani.screen.cursor_line == "#ops>", "the group's prompt")
    assert "sesame" not in ani.written


async def _says_until_another_device_hears(house: House, text: str) -> None:
    """Once another device of hers has heard it, so has the one that asks."""
    server = house.server.connection
    async with Chat.connect(server, username="ani", password="password of ani") as phone:
        await phone.listen()
        async with Chat.connect(server, username="budi", password="password of budi") as budi:
            await budi.send("ani", text)
        async with asyncio.timeout(PATIENCE):
            async for event in phone.events():
                if isinstance(event, MessageEvent) and event.body == text:
                    return


def test_a_mark_stands_above_the_first_unread_message_until_it_was_seen(house: House) -> None:
    house.says("ani", "budi", "mine")
    house.says("budi", "ani", "one", "two")
    ani = house.sits_down("ani")
    ani.sees("2 unread")
    ani.enters("/to BUDI")
    ani.sees(lambda: ani.screen.cursor_line == "budi>", "the prompt of the conversation")
    texts = [line.partition(": ")[2] or line for line in ani.screen.lines]
    assert texts[texts.index("mine") :][:4] == ["mine", "-- new --", "one", "two"]
    ani.types("\x04")
    assert ani.ends() == 0
    again = house.sits_down("ani", "budi")
    assert any(line.endswith(" budi: two") for line in again.screen.lines)
    assert not any("-- new --" in line for line in again.screen.lines)


def test_what_comes_from_elsewhere_is_a_notice_and_counted(house: House) -> None:
    house.moves_in("citra")
    ani = house.sits_down("ani", "budi")
    house.says("citra", "ani", "psst\x1b[2J\x1b]0;mine\x07\nani: a lie")
    ani.sees("[citra] psst[2J]0;mine")
    ani.sees("    ani: a lie")
    ani.sees(lambda: any("unread: citra 1" in line for line in ani.screen.lines), "the count")


def test_a_message_typed_while_the_server_is_away_waits_and_is_sent_once(house: House) -> None:
    ani = house.sits_down("ani", "budi")
    house.server.kill("broker")
    ani.sees(lambda: any("connection lost" in line for line in ani.screen.lines), "the loss")
    ani.enters("are you there?")
    ani.sees("-- not sent yet, waits for the server: are you there? --")
    house.server.start_broker()
    ani.sees("-- connected again --")
    ani.sees("-- sent: are you there? --")
    house.hears("budi", "ani", ["are you there?"])


def test_typing_is_seen_in_the_bar(house: House) -> None:
    ani, budi = house.sits_down("ani", "budi"), house.sits_down("budi", "ani")
    ani.enters("hello")
    budi.sees(" ani: hello")
    budi.types("h")
    ani.sees(lambda: any("budi is typing" in line for line in ani.screen.lines), "who types")
    budi.types("i\r")
    ani.sees(" budi: hi")
    ani.sees(lambda: not any("is typing" in line for line in ani.screen.lines), "nobody types any more")


def test_ctrl_c_clears_the_line_and_ctrl_d_leaves(house: House) -> None:
    ani = house.sits_down("ani", "budi")
    ani.types("never mind")
    ani.sees(lambda: ani.screen.cursor_line == "budi> never mind", "the line")
    ani.types("\x03")
    ani.sees(lambda: ani.screen.cursor_line == "budi>", "an empty line")
    ani.enters("/hist")
    ani.sees("-- There is no command /hist; did you mean /history? --")
    ani.enters("/qui")
    ani.sees(lambda: any("did you mean /quit" in line for line in ani.screen.lines), "the nearest name")
    ani.types("\x04")
    assert ani.ends() == 0
    kept = house.folder("ani") / "pesan" / "default.typed"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "/hist" in kept.read_text()
    assert house.heard("budi", "ani") == []


def test_tab_completes_commands_and_names(house: House) -> None:
    ani = house.sits_down("ani", "budi")
    house.says("budi", "ani", "hello")
    ani.sees(" budi: hello")
    ani.types("/msg bu\t")
    ani.sees(lambda: ani.screen.cursor_line == "budi> /msg budi", "the name")
    ani.types(" completed\r")
    house.hears("budi", "ani", ["hello", "completed"])


def test_a_file_is_sent_and_fetched_while_something_is_typed(house: House) -> None:
    (house.folder("ani") / "my report.pdf").write_bytes(b"%PDF-1.7 " + b"x" * 3_400_000)
    ani, budi = house.sits_down("ani", "budi"), house.sits_down("budi", "ani")
    ani.types(f"/file {house.folder('ani')}/my r\t")
    ani.sees(lambda: "my report.pdf" in "".join(ani.screen.lines), "the completed path")
    ani.types("\r")
    budi.types("half a li")
    budi.sees("ani: [file 1] my report.pdf, 3.4 MB")
    budi.sees(lambda: budi.screen.cursor_line == "ani> half a li", "the half line")
    ani.sees("-- sent my report.pdf to budi: file 1 --")
    assert not any("ani: [file 1]" in line for line in ani.screen.lines), "one's own is said once"
    budi.types("\x03")
    budi.sees(lambda: budi.screen.cursor_line == "ani>", "an empty line")
    budi.enters(f"/get 1 {house.folder('budi')}")
    budi.sees(lambda: any(line.startswith("-- fetched ") for line in budi.screen.lines), "the end")
    saved = (house.folder("budi") / "my report.pdf").read_bytes()
    assert saved == (house.folder("ani") / "my report.pdf").read_bytes()
    budi.enters("/get 9")
    refusal = "-- There is no file 9 for you: "
    budi.sees(lambda: any(line.startswith(refusal) for line in budi.screen.lines), "the refusal")


def test_a_file_under_way_goes_on_when_the_server_is_back(house: House) -> None:
    (house.folder("ani") / "large.bin").write_bytes(random.Random(1).randbytes(30_000_000))
    ani = house.sits_down("ani", "budi")
    staging = house.server.home / "files" / "staging"
    ani.enters(f"/file {house.folder('ani')}/large.bin")
    deadline = time.monotonic() + PATIENCE
    while not list(staging.glob("*.map")):
        assert time.monotonic() < deadline
        ani.reads(0.005)
    house.server.kill("file.1")
    ani.sees(lambda: any("large.bin" in line and "%" in line for line in ani.screen.lines[-2:]), "the bar")
    ani.enters("still here")
    house.hears("budi", "ani", ["still here"])
    house.server.start_worker("file")
    ani.sees("-- sent large.bin to budi: file 1 --")
    house.hears("budi", "ani", ["still here", "large.bin"])


def test_through_pipes_lines_go_in_and_plain_lines_come_out(house: House) -> None:
    house.says("budi", "ani", "earlier")
    child = house.pipes_into("ani", "budi")
    assert child.stdin is not None and child.stdout is not None
    seen = [child.stdout.readline() for _ in range(4)]
    assert seen[2] == "-- new --\n" and seen[3].endswith(" budi: earlier\n"), seen
    child.stdin.write("one\ntwo\n")
    child.stdin.flush()
    house.hears("budi", "ani", ["earlier", "one", "two"])
    house.says("budi", "ani", "bold \x1b[1mface")
    assert child.stdout.readline().endswith(" budi: bold [1mface\n")
    out, errors = child.communicate("three\n/nope\n", timeout=PATIENCE)
    assert "\x1b" not in "".join(seen) + out
    assert errors == "There is no command /nope; /help lists them, //nope says it.\n"
    assert child.returncode == 2
    assert house.heard("budi", "ani") == ["earlier", "one", "two", "bold \x1b[1mface", "three"]


def test_through_pipes_a_file_goes_between_the_lines_around_it(house: House) -> None:
    report = house.folder("ani") / "my report.txt"
    report.write_text("all is well\n")
    child = house.pipes_into("ani", "budi", "--json")
    typed = f"before\n/file {report}\nafter\n/get 1 {report}.2\n/file nothing\n"
    out, errors = child.communicate(typed, timeout=PATIENCE)
    assert errors == "nothing: No such file or directory\n"
    assert child.returncode == 4
    assert house.heard("budi", "ani") == ["before", "my report.txt", "after"]
    told = [json.loads(line) for line in out.splitlines()]
    (sent,) = [one for one in told if "file" in one and "to" in one]
    assert (sent["to"], sent["seq"], sent["file"]["name"]) == ("budi", 2, "my report.txt")
    assert [one["saved"] for one in told if "saved" in one] == [f"{report}.2"]
    assert Path(f"{report}.2").read_text() == "all is well\n"


def test_a_file_of_lines_is_sent_whole_and_in_order(house: House) -> None:
    texts = [f"line {number}" for number in range(300)]
    file = house.folder("ani") / "lines"
    file.write_text("\n".join(texts))
    with file.open() as stream:
        done = subprocess.run(
            [*PESAN, "chat", "budi"],
            env=house.environment("ani"),
            stdin=stream,
            capture_output=True,
            cwd=ROOT,
            timeout=PATIENCE,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\x1b" not in done.stdout
    assert house.heard("budi", "ani") == texts


def test_an_ended_session_ends_the_chat_with_a_sentence(house: House) -> None:
    ani = house.sits_down("ani", "budi")
    house.as_("ani", lambda chat: chat.change_password("password of ani", "another password"))
    assert ani.ends() == 3
    assert any("not logged in" in line for line in ani.screen.lines)


def test_nobody_is_shown_who_does_not_exist(house: House) -> None:
    done = subprocess.run(
        [*PESAN, "chat", "dewi"],
        env=house.environment("ani"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=PATIENCE,
    )
    assert done.returncode == 4
    assert "no user dewi" in done.stderr


def test_the_terminal_is_as_it_was_afterwards(house: House) -> None:
    seat = Seat(
        ["/bin/sh", "-c", f'{sys.executable} -c "{PESAN[2]}" chat budi; stty -a; echo done'],
        house.environment("ani"),
        ROOT,
    )
    house.seats.append(seat)
    seat.sees(lambda: seat.screen.cursor_line == "budi>", "the prompt")
    seat.enters("/quit")
    seat.sees("done")
    modes = " ".join(seat.screen.lines).split()
    assert "echo" in modes and "icanon" in modes
