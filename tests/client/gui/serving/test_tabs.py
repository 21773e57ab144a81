"""Tabs: how many there may be, of whom, which of the closed ones go first, and for whom a window speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from client.gui.serving import shelf, windows
from client.gui.serving.origin import origin
from config.settings import Settings
from tests.client.gui.model.scene import until
from tests.client.gui.serving.asking import Asking
from tests.client.gui.serving.street import SERVER, Street

SOMEWHERE = "pesan://127.0.0.1:10"
ANI, BUDI = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Street]:
    """A street with these settings."""

    def opens(**settings: Any) -> Street:
        street = Street(Settings(home=tmp_path, **settings))
        monkeypatch.setattr(windows, "open_window", street.open_window)
        monkeypatch.setattr(shelf, "FIRST", ())  # nobody loads the page
        return street

    return opens


@pytest.fixture
async def street(opens: Callable[..., Street]) -> AsyncIterator[Street]:
    """Room for four tabs, two of them from one address."""
    street = opens(web_tabs=4, web_tabs_per_address=2)
    await street.begin()
    yield street
    await street.end()


async def test_one_address_has_so_many_tabs_and_others_come_all_the_same(street: Street) -> None:
    for _ in range(2):
        assert not (await street.comes(ANI)).sent_away
    assert (await street.comes(ANI)).sent_away
    assert not (await street.comes(BUDI)).sent_away
    assert [who.origin for who in street.visits] == [ANI, ANI, BUDI]


async def test_there_are_so_many_tabs_of_all_together(street: Street) -> None:
    pages = [await street.comes(f"192.0.2.{number}") for number in range(5)]
    assert [page.sent_away for page in pages] == [False] * 4 + [True]
    await pages[0].closes()
    assert not (await street.comes("192.0.2.9")).sent_away


async def test_one_ipv6_customer_is_one_address(street: Street) -> None:
    for number in range(2):
        await street.comes(f"2001:db8::{number}")
    assert (await street.comes("2001:db8::beef")).sent_away


async def test_of_closed_tabs_that_are_too_many_the_longest_closed_goes(street: Street) -> None:
    pages = [await street.comes(f"192.0.2.{number}") for number in range(4)]
    await pages[2].closes()
    await pages[0].closes()
    assert not street.ended
    await street.comes("192.0.2.8")
    await until(lambda: street.ended)
    assert street.ended == ["192.0.2.2"]
    await street.comes("192.0.2.9")
    await until(lambda: len(street.ended) > 1)
    assert street.ended == ["192.0.2.2", "192.0.2.0"]


async def test_closed_tabs_of_one_address_make_room_for_its_own(street: Street) -> None:
    await (await street.comes(BUDI)).closes()
    for _ in range(3):
        await (await street.comes(ANI)).closes()
    await until(lambda: street.ended)
    assert street.ended == [ANI]


async def test_the_page_says_when_there_are_too_many_tabs(street: Street) -> None:
    for number in range(4):
        await street.comes(f"192.0.2.{number}")
    asked = Asking(street.app, "GET", "/", host="127.0.0.1", accept_language="id")
    await asked.answered()
    assert asked.status == 503
    assert "Terlalu banyak tab yang terbuka." in asked.body.decode()
    assert int(asked.headers["refresh"]) > 0


async def test_a_window_speaks_for_its_browser_at_its_own_server_alone(street: Street) -> None:
    for address in (ANI, BUDI):
        await street.comes(address)
    own = []
    for who in street.visits:
        assert who.chats is not None
        async with who.chats(SERVER, timeout=1.0) as chat, who.chats(SOMEWHERE, timeout=1.0) as other:
            own.append((chat._connection._origin, chat._connection._trunks))
            assert (other._connection._origin, other._connection._trunks) == ("", None)
    (first, trunks), (second, same) = own
    assert (first, second) == (ANI, BUDI)
    assert trunks is same
    assert trunks is not None
    assert trunks.secret == street.serving.secret


PROXY = {"web_names": "chat.example.org"}


@pytest.mark.parametrize(
    ("peer", "settings", "forwarded", "counted"),
    [
        ("127.0.0.1", PROXY, ANI, ANI),
        ("::1", PROXY, "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", PROXY, f"10.0.0.1, {BUDI}, {ANI}", ANI),
        ("127.0.0.1", PROXY, "unknown", "127.0.0.1"),
        ("127.0.0.1", PROXY, "", "127.0.0.1"),
        ("127.0.0.1", {}, ANI, "127.0.0.1"),
        (BUDI, PROXY, ANI, BUDI),
        (BUDI, {}, ANI, BUDI),
    ],
)
def test_who_is_forwarded_is_believed_of_a_proxy_here_and_only_its_own_word(
    peer: str, settings: dict[str, str], forwarded: str, counted: str, tmp_path: Path
) -> None:
    scope = {"type": "websocket", "client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    assert origin(scope, Settings(home=tmp_path, **settings)) == counted  # type: ignore[arg-type]


def test_what_two_headers_say_of_who_is_forwarded_is_one_list(tmp_path: Path) -> None:
    headers = [(b"x-forwarded-for", b"10.0.0.1"), (b"x-forwarded-for", ANI.encode())]
    scope = {"type": "websocket", "client": ("127.0.0.1", 1), "headers": headers}
    assert origin(scope, Settings(home=tmp_path, **PROXY)) == ANI  # type: ignore[arg-type]
