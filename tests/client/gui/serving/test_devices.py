"""Browsers are called in few words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.gui.serving.devices import device
from protocol.limits import DEVICE_MAX_LENGTH

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/130.0.0.0 Safari/537.36",
            "Chrome on Windows",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/130.0 Safari/537.36 Edg/130.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.6 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.6 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (f"Mozilla/5.0 (Linux; Android 14) {WEBKIT} Chrome/130.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.0", "Browser"),
        ("", "Browser"),
    ],
)
def test_browsers_that_people_have(agent: str, name: str) -> None:
    assert device(agent) == name


@given(st.text(max_size=200))
def test_whatever_stands_in_the_header_the_name_is_one_of_ours(agent: str) -> None:
    name = device(agent)
    assert name.isprintable()
    assert name.isascii()
    assert len(name) <= DEVICE_MAX_LENGTH
