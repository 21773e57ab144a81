"""One visitor: requests in order, replies in one piece, dialogues, pushes."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.visitor import Visitor
from protocol.events import TypingEvent
from tests.gateway.imagined import Echo, Imagined, until_quiet, within


@pytest.fixture
async def gateway() -> Imagined:
    return Imagined()


@pytest.fixture
async def hasty() -> Imagined:
    """One that soon takes silence for an end."""
    return Imagined(gateway_segment_pause=0.02)


def tasks_counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each task that is made from now on."""
    loop, made = asyncio.get_running_loop(), list[int]()

    def counted(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        made.append(1)
        return asyncio.Task(work, loop=loop)

    monkeypatch.setattr(loop, "create_task", counted)
    return made


# --- order --------------------------------------------------------------------------------------


async def test_each_request_is_answered_in_order_and_each_reply_is_one_write(gateway: Imagined) -> None:
    wire = gateway.visit()
    wire.says(b"ECHO one\nECHO two\r\nNO\nECHO\nSECRET x\n")
    await until_quiet(wire)
    assert wire.heard == [b"one\n", b"two\n", b"no: unknown\n", b"no: malformed\n", b"no: stranger\n"]


async def test_byte_by_byte_is_the_same_and_makes_one_task_a_request(
    gateway: Imagined, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tasks_counted(monkeypatch)
    wire = gateway.visit()
    for byte in b"ECHO one\nECHO two\n":
        wire.says(bytes([byte]))
        await until_quiet(wire)
    assert (wire.said, len(made)) == (b"one\ntwo\n", 2)


async def test_a_burst_of_requests_is_one_task(gateway: Imagined, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tasks_counted(monkeypatch)
    wire = gateway.visit()
    wire.says(b"ECHO one\n" * 50)
    await until_quiet(wire)
    assert (wire.said, len(made)) == (b"one\n" * 50, 1)


async def test_a_segment_without_an_end_is_a_request_after_a_silence(hasty: Imagined) -> None:
    wire = hasty.visit()
    wire.says(b"ECHO o")
    wire.says(b"ne")
    assert not wire.heard
    await within(lambda: wire.heard)
    wire.says(b"\nECHO two")
    await within(lambda: len(wire.heard) == 2)
    assert wire.heard == [b"one\n", b"two\n"]


async def test_segments_that_come_while_a_request_is_carried_out_stay_apart(hasty: Imagined) -> None:
    wire = hasty.visit()
    wire.says(b"WAIT\n")
    await until_quiet(wire)
    for segment in (b"ECHO one", b"ECHO two"):
        wire.says(segment)
        await asyncio.sleep(0.06)
    wire.visitor.dialect.gate.set()  # type: ignore[attr-defined]
    await within(lambda: len(wire.heard) == 3)
    assert wire.heard == [b"waited\n", b"one\n", b"two\n"]


async def test_bytes_that_are_no_text_are_malformed_and_the_next_request_is_not(gateway: Imagined) -> None:
    wire = gateway.visit()
    wire.says(b"ECHO \xff\xfe\nECHO one\n")
    await until_quiet(wire)
    assert wire.heard == [b"no: malformed\n", b"one\n"]


async def test_a_mistake_of_ours_is_told_in_the_dialects_form_and_ends_nothing(gateway: Imagined) -> None:
    wire = gateway.visit()
    wire.says(b"FAIL\nECHO one\n")
    await until_quiet(wire)
    assert wire.heard == [b"no: malformed\n", b"one\n"]
    assert [type(fault) for fault in gateway.quiet.faults] == [ZeroDivisionError]


async def test_a_dialect_that_fails_at_saying_so_ends_nothing_either(
    gateway: Imagined, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = gateway.visit()
    for name in ("too_long", "fault"):
        monkeypatch.setattr(wire.visitor.dialect, name, lambda: 1 // 0)
    wire.says(b"x" * 70_000 + b"\nFAIL\nECHO one\n")
    await until_quiet(wire)
    assert wire.said == b"one\n"
    assert len(gateway.quiet.faults) == 3


async def test_a_visitor_who_is_silent_costs_less_than_two_kilobytes(gateway: Imagined) -> None:
    wires = [gateway.visit() for _ in range(10)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        visitors = [Visitor(gateway, Echo) for _ in range(200)]
        for visitor in visitors:
            gateway.admit(visitor)
        assert tracemalloc.get_traced_memory()[0] - before < 200 * 2_000 + 50_000
    finally:
        tracemalloc.stop()
    assert len(gateway._visitors) == len(wires) + len(visitors)


# --- dialogues and raw bytes --------------------------------------------------------------------


async def test_a_dialogue_takes_the_next_request_there_already_or_yet_to_come(
    gateway: Imagined,
) -> None:
    wire = gateway.visit()
    wire.says(b"ASK\nthis\nASK\n")
    await until_quiet(wire)
    wire.says(b"th")
    await until_quiet(wire)
    wire.says(b"at\n")
    await until_quiet(wire)
    assert wire.heard == [b"?\n", b"you said this\n", b"?\n", b"you said that\n"]


async def test_a_silence_ends_what_is_said_in_a_dialogue(hasty: Imagined) -> None:
    wire = hasty.visit()
    wire.says(b"ASK\n")
    await until_quiet(wire)
    wire.says(b"segment")
    await within(lambda: len(wire.heard) == 2)
    assert wire.heard == [b"?\n", b"you said segment\n"]


async def test_raw_bytes_are_taken_as_they_are_and_requests_go_on_behind_them(hasty: Imagined) -> None:
    wire = hasty.visit()
    wire.says(b"RAW 6\na\n\0")
    await asyncio.sleep(0.06)  # a silence within them is none
    wire.says(b"b\nc")
    wire.says(b"ECHO one\n")
    await until_quiet(wire)
    assert wire.heard == [b"b'a\\n\\x00b\\nc'\n", b"one\n"]


@pytest.mark.parametrize("split", [0, 1, 3, 5])
async def test_skipped_bytes_are_nobodys_wherever_they_come(gateway: Imagined, split: int) -> None:
    wire = gateway.visit()
    wire.says(b"SKIP 5\n" + b"a\nb\nc"[:split])
    await until_quiet(wire)
    wire.says(b"a\nb\nc"[split:] + b"ECHO one\n")
    await until_quiet(wire)
    assert wire.heard == [b"skipped\n", b"one\n"]


async def test_a_dialogue_ends_with_the_visitor(gateway: Imagined) -> None:
    wire = gateway.visit()
    wire.says(b"ASK\n")
    await until_quiet(wire)
    wire.breaks()
    await until_quiet(wire)
    assert wire.heard == [b"?\n"]
    assert not gateway.quiet.faults
    assert gateway.systems[0].log == ["closed"]


# --- pushes -------------------------------------------------------------------------------------


async def test_what_is_pushed_comes_at_once_or_behind_the_reply(gateway: Imagined) -> None:
    wire = gateway.visit()
    wire.visitor.push(b"at once\n")
    wire.says(b"PUSH\nPUSH\n")
    await until_quiet(wire)
    assert wire.heard == [b"at once\n", b"behind\n", b"pushed\n", b"behind\n", b"pushed\n"]


async def test_nothing_is_pushed_into_a_dialogue(gateway: Imagined) -> None:
    wire = gateway.visit()
    wire.says(b"ASK\n")
    await until_quiet(wire)
    wire.visitor.push(b"pushed\n")
    wire.says(b"text\n")
    await until_quiet(wire)
    assert wire.heard == [b"?\n", b"you said text\n", b"pushed\n"]


async def test_events_reach_the_dialect_of_who_is_logged_in_only(
    gateway: Imagined, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, heard = gateway.visit(), list[object]()
    monkeypatch.setattr(wire.visitor.dialect, "heard", heard.append)
    event = TypingEvent(1, "budi")
    wire.visitor.hear(event)
    wire.says(b"LOGIN ani\n")
    await until_quiet(wire)
    wire.visitor.hear(event)
    wire.visitor.session_ended()
    wire.visitor.hear(event)
    assert heard == [event]


async def test_a_dialect_that_fails_at_an_event_harms_nobody(
    gateway: Imagined, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = gateway.visit()
    wire.says(b"LOGIN ani\n")
    await until_quiet(wire)
    monkeypatch.setattr(wire.visitor.dialect, "heard", lambda event: 1 // 0)
    wire.visitor.hear(TypingEvent(1, "budi"))
    assert [type(fault) for fault in gateway.quiet.faults] == [ZeroDivisionError]
