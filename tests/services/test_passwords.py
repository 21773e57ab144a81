"""Password hashes: made, checked, and found to be outdated."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import Settings
from protocol.errors import Invalid
from services.passwords import Passwords, acceptable, passwords

SETTINGS = Settings(home=Path("unused"), password_memory_kib=8, password_passes=1)


def test_a_hash_fits_its_password_and_no_other() -> None:
    made = passwords(SETTINGS)
    stored = made.hash("correct horse")
    assert made.fits(stored, "correct horse")
    assert not made.fits(stored, "correct horsf")
    assert not made.fits(stored, "")


def test_a_hash_is_argon2id_with_the_parameters_of_the_settings_and_a_salt_of_its_own() -> None:
    made = passwords(SETTINGS)
    first, second = made.hash("correct horse"), made.hash("correct horse")
    assert first.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert first != second


def test_nobody_has_a_password_and_finding_that_out_makes_a_real_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Passwords(8, 1)
    checked: list[tuple[str, str]] = []
    verify = made._argon2.verify

    class Watched:
        def verify(self, stored: str, password: str) -> bool:
            checked.append((stored, password))
            return verify(stored, password)

    monkeypatch.setattr(made, "_argon2", Watched())
    assert not made.fits(None, "correct horse")
    assert checked[0][0].startswith("$argon2id$v=19$m=8,t=1,p=1$")


def test_a_hash_made_with_other_parameters_still_fits_and_counts_as_outdated() -> None:
    old, new = Passwords(8, 1), Passwords(16, 2)
    stored = old.hash("correct horse")
    assert new.fits(stored, "correct horse")
    assert new.outdated(stored)
    assert not old.outdated(stored)
    assert not new.outdated(new.hash("correct horse"))


def test_a_password_may_hold_any_character_even_nul() -> None:
    made = passwords(SETTINGS)
    assert made.fits(made.hash("käse\0🧀 käse"), "käse\0🧀 käse")
    assert not made.fits(made.hash("käse\0🧀 käse"), "käse")


@pytest.mark.parametrize(("length", "limit"), [(0, 8), (7, 8), (1025, 1024)])
def test_a_password_too_short_or_too_long_is_refused_with_the_limit(length: int, limit: int) -> None:
    with pytest.raises(Invalid, match=str(limit)) as refusal:
        acceptable("x" * length, SETTINGS)
    assert refusal.value.fields == {"limit": limit}


@pytest.mark.parametrize("length", [8, 1024])
def test_a_password_of_a_length_in_bounds_is_acceptable(length: int) -> None:
    assert acceptable("x" * length, SETTINGS) == "x" * length
