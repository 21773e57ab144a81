"""What ``pesan realm list`` shows of a realm, for a person and for a program."""

from __future__ import annotations

from typing import Any

import pytest

from services.realm.program import line, record, state_of
from services.storage.realms import Realm

SECOND = 1_000_000
NOW = 1_700_000_000 * SECOND
NEW = Realm(1, "b", b"k" * 32, "b.example:7704", "paired", NOW - 3600 * SECOND, 0, 0, "", 0, 0, 0)
AWAY = "Nobody listens at b.example:7704."


@pytest.mark.parametrize(
    ("fields", "state", "said"),
    [
        ({}, "new", "b: new, nothing waiting, last contact never, at b.example:7704"),
        (
            {"contact_at": NOW - 3 * SECOND},
            "here",
            "b: here, nothing waiting, last contact 3 s ago, at b.example:7704",
        ),
        (
            {"contact_at": NOW - 2 * 3600 * SECOND, "away_since": NOW - SECOND, "trouble": AWAY},
            "away",
            "b: away, nothing waiting, last contact 2 h ago, at b.example:7704"
            " (Nobody listens at b.example:7704)",
        ),
        (
            {"contact_at": NOW - 3 * 86_400 * SECOND, "away_since": 1, "waiting": 12, "waiting_bytes": 3456},
            "away",
            "b: away, 12 waiting (3456 bytes), last contact 3 d ago, at b.example:7704",
        ),
        (
            {"state": "blocked", "contact_at": NOW - 90 * SECOND, "trouble": AWAY},
            "blocked",
            "b: blocked, nothing waiting, last contact 1 min ago, at b.example:7704",
        ),
        (
            {"state": "removed", "contact_at": NOW + SECOND},
            "removed",
            "b: removed, nothing waiting, last contact 0 s ago, at b.example:7704",
        ),
    ],
)
def test_a_realm_is_shown_as_it_is(fields: dict[str, Any], state: str, said: str) -> None:
    realm = NEW._replace(**fields)
    assert (state_of(realm), line(realm, NOW)) == (state, said)
    assert (record(realm)["state"], record(realm)["realm"]) == (state, "b")


def test_a_program_is_told_everything_but_secrets() -> None:
    assert set(record(NEW)) == {
        *("realm", "state", "address", "key", "waiting", "waiting_bytes"),
        *("contact_at", "away_since", "paired_at", "trouble"),
    }
