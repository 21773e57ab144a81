"""Files of the page: compressed for who can read that, sent once, and none but these."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from client.gui.serving import shelf
from client.gui.serving.shelf import Shelf
from tests.client.gui.serving.asking import Asking


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Starlette:
    """A page of our own files alone, beside a secret."""
    ours = tmp_path / "page"
    (ours / "deep").mkdir(parents=True)
    (tmp_path / "secret.js").write_text("secret")
    (ours / "index.html").write_text("<p>" + "Pesan " * 100 + "</p>")
    (ours / "deep" / "a.js").write_text("1")
    (ours / "icon.png").write_bytes(b"png" * 100)
    (ours / "notes.txt").write_text("not for browsers")
    (ours / ".js").write_text("secret")
    monkeypatch.setattr(shelf, "OURS", ours)
    monkeypatch.setattr(shelf, "_flet", lambda: tmp_path / "nothing")
    return Starlette(routes=[Route("/{path:path}", Shelf().answer)])


async def get(page: Starlette, path: str, **headers: str) -> Asking:
    return await Asking(page, "GET", path, **headers).answered()


async def test_a_file_is_compressed_for_who_can_read_that(page: Starlette) -> None:
    plain, packed = await get(page, "/"), await get(page, "/", accept_encoding="br, gzip")
    assert plain.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "accept-encoding"
    assert len(packed.body) < len(plain.body) / 2
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.parametrize("path", ["/deep/a.js", "/icon.png"])
async def test_what_would_not_become_smaller_is_sent_as_it_is(page: Starlette, path: str) -> None:
    asked = await get(page, path, accept_encoding="gzip")
    assert asked.status == 200
    assert "content-encoding" not in asked.headers


async def test_who_has_it_already_is_sent_nothing(page: Starlette) -> None:
    first = await get(page, "/deep/a.js")
    again = await get(page, "/deep/a.js", if_none_match=first.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert again.headers["cache-control"] == "no-cache"
    other = await get(page, "/deep/a.js", if_none_match=(await get(page, "/")).headers["etag"])
    assert (other.status, other.body) == (200, b"1")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.js",
        "/deep/../../secret.js",
        "/deep/..\\..\\secret.js",
        "//secret.js",
        "/./index.html",
        "/deep//a.js",
        "/deep",
        "/.js",
        "/notes.txt",
        "/nothing.js",
        "/docs",
        "/openapi.json",
        "/a\0.js",
        "/" + "a" * 5000 + ".js",
    ],
)
async def test_nothing_else_is_there(page: Starlette, path: str) -> None:
    asked = await get(page, path)
    assert asked.status == 404
    assert b"secret" not in asked.body


async def test_an_absolute_path_leads_nowhere(page: Starlette, tmp_path: Path) -> None:
    assert (await get(page, f"/{tmp_path}/secret.js")).status == 404
