"""What is told about settings that a reload changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from broker.up.changes import READ_ONCE, told
from config.settings import RateLimits, Settings

ROOT = Path(__file__).parents[3]
OLD = Settings(home=Path("/nowhere"))
BEHIND = {
    "commands_address": "host",
    "events_address": "host",
    "events_port": "port_base",
    "bulk_address": "host",
    "bulk_port": "port_base",
    "loopback": "host",
}
"""Properties, and what they are made of."""


def test_what_the_broker_and_pesan_up_read_is_listed_and_nothing_else() -> None:
    sources = [*ROOT.glob("broker/**/*.py"), ROOT / "config" / "log.py"]
    read = {name for file in sources for name in re.findall(r"settings\.([a-z_]+)", file.read_text())}
    fields = {BEHIND.get(name, name) for name in read} & set(Settings.__struct_fields__)
    # The folder is what a server is; and for each worker it starts `pesan up` looks the memory up.
    assert fields - {"home", "worker_memory_mib"} == READ_ONCE


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (OLD, []),
        (
            replace(OLD, password_tries=3, worker_memory_mib=500),
            ["changed settings, for workers started from now on: password_tries, worker_memory_mib"],
        ),
        (
            replace(OLD, host="::1", rates=RateLimits(send_rate=7.0, call_burst=8)),
            ["changed settings that need a restart of the server: host, rates.send_rate, rates.call_burst"],
        ),
        (
            replace(OLD, log_keep=1, slow_queue=3),
            [
                "changed settings, for workers started from now on: slow_queue",
                "changed settings that need a restart of the server: log_keep",
            ],
        ),
    ],
)
def test_changed_settings_are_told_by_name(now: Settings, said: list[str]) -> None:
    assert told(OLD, OLD, now) == said


def test_what_waits_for_a_restart_is_told_again_and_what_is_in_force_is_not() -> None:
    changed = replace(OLD, port_base=8000, slow_queue=3)
    assert told(OLD, changed, changed) == ["changed settings that need a restart of the server: port_base"]
    assert told(OLD, changed, OLD) == ["changed settings, for workers started from now on: slow_queue"]
