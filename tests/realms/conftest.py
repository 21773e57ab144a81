"""Towns of two and three realms, with stores of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.realms.town import Town

Found = Callable[..., Town]
"""Founds a town: ``founded("a", "b", "c", setting=…)``; without names, of a and b."""


@pytest.fixture(scope="session")
def blanks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an empty database with every table is kept."""
    return tmp_path_factory.mktemp("blanks")


@pytest.fixture
def founded(tmp_path: Path, blanks: Path) -> Iterator[Found]:
    """Makes towns, and closes them in the end."""
    towns: list[Town] = []

    def found(*names: str, **options: Any) -> Town:
        home = tmp_path / f"town{len(towns)}"
        home.mkdir()
        towns.append(Town(home, names or ("a", "b"), blanks=blanks, **options))
        return towns[-1]

    yield found
    for town in towns:
        town.close()


@pytest.fixture
def town(founded: Found) -> Town:
    """Ani in a, Budi in b."""
    return founded()
