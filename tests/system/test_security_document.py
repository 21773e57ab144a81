"""docs/SECURITY.md held against the code: every limit there is, with its true default."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from config.settings import RateLimits, Settings
from protocol import limits
from tests.protocol.document import Rows, converts, tables

FILE = Path(__file__).resolve().parents[2] / "docs" / "SECURITY.md"
TEXT = FILE.read_text(encoding="utf-8")
NO_LIMITS = {
    *("home", "host", "advertise", "port_base", "curve", "realm", "database", "rate_limits", "rates"),
    *("password_min_length", "password_memory_kib", "password_passes", "password_nice"),
    *(
        "session_timeout",
        "worker_heartbeat",
        "worker_timeout",
        "request_timeout",
        "drain_timeout",
        "watchdog_timeout",
    ),
    *("batch_size", "log_max_bytes", "log_keep", "file_storage", "transfer_nice"),
    *("gateway_host", "gateway_sessions_per_trunk", "gateway_segment_pause", "gateway_request_timeout"),
    "gateway_away_timeout",
    *("realm_host", "realm_advertise", "realm_quiet"),
    *("web_host", "web_names", "web_other_servers"),
}
"""Settings that bound nobody: places, times, and what hashing costs."""


def rows(text: str) -> Rows:
    """Every row of the chapter on limits."""
    chapter = text.split("## Limits\n", 1)[1].split("\n## ", 1)[0]
    return [row for table in tables(chapter) for row in table]


def true_values() -> dict[str, object]:
    """Every limit by name: settings, rates, and those of the wire that the document names."""
    settings = {name: getattr(Settings(home=Path("/nowhere")), name) for name in Settings.__struct_fields__}
    rates = msgspec.structs.asdict(RateLimits())
    wire = {name: value for name, value in vars(limits).items() if name.isupper()}
    return {**settings, **rates, **wire}


def test_every_limit_of_the_settings_is_in_the_document() -> None:
    named = {row[0] for row in rows(TEXT)}
    assert named >= set(Settings.__struct_fields__) - NO_LIMITS
    assert named >= set(RateLimits.__struct_fields__)


def test_every_limit_in_the_document_is_one_and_has_its_true_default() -> None:
    true = true_values()
    for name, default, *_ in rows(TEXT):
        assert converts(default, true[name]), f"{name} is {true[name]}, not {default}"


def test_every_limit_says_what_lies_beyond_it() -> None:
    assert all(row[3] for row in rows(TEXT))
    assert len({row[0] for row in rows(TEXT)}) == len(rows(TEXT))


@pytest.mark.parametrize("name", ["entry_rate", "slow_queue", "REQUEST_MAX_BYTES"])
def test_a_wrong_number_would_be_noticed(name: str) -> None:
    (row,) = [row for row in rows(TEXT) if row[0] == name]
    assert not converts(f"{row[1]}1", true_values()[name])
