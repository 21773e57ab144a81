"""What the ftp dialect makes of words, without a wire: where paths lead, what is a size."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.ftp import UNSIZED, Ftp, _sized
from gateway.visitor import Visitor

PARTS = some.sampled_from(["..", ".", "", "a", "b c", "…", "...", "\u202e", "x" * 300])


def ftp(folder: str = "") -> Ftp:
    """The dialect of somebody who stands there."""
    dialect = Ftp(cast(Visitor, None))
    dialect._folder = folder
    return dialect


@given(here=some.lists(some.sampled_from(["a", "b c", "…"])), typed=some.lists(PARTS), top=some.booleans())
def test_no_path_leads_out_of_the_tree(here: list[str], typed: list[str], top: bool) -> None:
    path = ftp("/".join(here))._path("/" * top + "/".join(typed))
    parts = path.split("/") if path else []
    assert not {"", ".", ".."} & set(parts)
    assert set(parts) <= {*typed, *here}
    if ".." not in typed and not top and typed[:1] != [""]:
        assert parts == here + [part for part in typed if part not in ("", ".")]


WORDS = some.sampled_from(["a", "12", "-5", "٥", "1e3", "x" * 300, "\0"])


@given(name=some.lists(WORDS, min_size=1).map(" ".join), size=some.integers(0, 10**18 - 1))
def test_the_last_of_several_words_is_the_size_if_it_is_one(name: str, size: int) -> None:
    assert _sized(f"{name} {size}") == (name, size)
    assert _sized(f"{name}  00{size}") == (name, size)
    assert _sized(f"{name} {size}b") == (f"{name} {size}b", UNSIZED)
    assert _sized(name.split(" ")[0]) == (name.split(" ")[0], UNSIZED)


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 5_000, "1" + "0" * 60_000])
def test_a_size_of_any_length_is_a_large_one(digits: str) -> None:
    name, size = _sized(f"f {digits}")
    assert name == "f" and 10**17 <= size < 10**18


@given(request=some.text(alphabet=" \tputPUT\u00a0x\0ß", max_size=20))
def test_a_request_is_a_word_and_the_rest(request: str) -> None:
    word, rest = ftp().split(request)
    stripped = request.strip(" \t")
    assert not any(blank in word for blank in " \t")
    assert stripped.upper().startswith(word)
    assert rest == [] or (
        len(rest) == 1 and stripped.endswith(rest[0]) and rest[0].strip(" \t") == rest[0] != ""
    )
