"""Mistakes are told in the log by their kind and place; what somebody typed is written nowhere."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flet as ft
import pytest

from client.gui import faults
from client.gui.serving import shelf, windows
from client.gui.serving.mistakes import told_to
from config.log import open_log
from config.settings import Settings
from tests.client.gui.model.scene import until
from tests.client.gui.serving.street import Street

SECRET = "kata sandi ani"


def lines(home: Path) -> list[dict[str, Any]]:
    """Of the log; the secret is in none."""
    written = (home / "log" / "server.jsonl").read_text()
    assert SECRET not in written
    return [json.loads(line) for line in written.splitlines()]


def fall() -> None:
    """A mistake that quotes somebody."""
    raise LookupError(SECRET)


def test_what_libraries_log_is_told_without_its_text(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = open_log(Settings(home=tmp_path), "web")
    before = list(logging.getLogger().handlers)
    with told_to(log):
        try:
            fall()
        except LookupError:
            logging.getLogger("flet").exception("It fell over %s", SECRET)
        logging.getLogger("uvicorn.error").warning("Not a request: %s", SECRET)
        logging.getLogger("uvicorn.error").info("Started by %s", SECRET)
    log.close()
    fault, noted = lines(tmp_path)
    assert (fault["event"], fault["where"], fault["error"]) == ("fault", "flet", "LookupError")
    assert fault["way"][-1].startswith("test_mistakes.py:")
    assert fault["way"][-1].endswith(" fall")
    assert (noted["level"], noted["where"]) == ("warning", "uvicorn.error")
    assert noted["place"].startswith("test_mistakes.py:")
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == before


def test_what_a_window_tells_of_its_mistakes_is_told(tmp_path: Path) -> None:
    log = open_log(Settings(home=tmp_path), "web")
    with told_to(log):
        try:
            fall()
        except LookupError as error:
            faults.tell("a piece", error)
    log.close()
    (line,) = lines(tmp_path)
    assert line["event"] == "fault in a window"
    assert line["where"].startswith("a piece: LookupError at test_mistakes.py:")


async def test_a_task_that_falls_is_told_without_its_text(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = open_log(Settings(home=tmp_path), "web")
    with told_to(log):
        asyncio.get_running_loop().call_soon(fall)
        await asyncio.sleep(0.01)
    log.close()
    (line,) = lines(tmp_path)
    assert (line["where"], line["error"]) == ("asyncio", "LookupError")
    assert capfd.readouterr() == ("", "")


async def test_a_window_that_cannot_be_opened_is_told_by_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    street = Street(Settings(home=tmp_path))

    async def falls(page: ft.Page, gone: Callable[[], object]) -> None:
        await street.open_window(page, gone)
        fall()

    monkeypatch.setattr(windows, "open_window", falls)
    monkeypatch.setattr(shelf, "FIRST", ())
    with told_to(street.serving.log):
        await street.begin()
        await street.comes("192.0.2.1")
        await until(lambda: any(line["event"] == "fault" for line in lines(tmp_path)))
        await street.end()
    (fault,) = [line for line in lines(tmp_path) if line["event"] == "fault"]
    assert fault["error"] == "LookupError"
    assert capfd.readouterr() == ("", "")
