"""The chapter on realms in docs/PROTOCOL.md held against the code: a change to either alone fails here."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, defstruct

from config.settings import Settings
from protocol import limits, realms
from protocol.body import Body
from protocol.errors import FAILURES
from protocol.files import FileInfo
from protocol.realms import ANSWERED, ASKED
from services.realm import behalf, calls
from services.realm.invitation import Invitation, parse
from tests.protocol.document import FILE, Fields, bare, fields_of, shapes_in, split, tables

TEXT = FILE.read_text(encoding="utf-8")
LIMITS = {
    name: value
    for name, value in vars(realms).items()
    if name.isupper() and type(value) is int and name != "VERSION"
}
OWN_REPLY = "call"
"""The kind whose reply is described elsewhere: it is that of the command."""


def chapter(text: str = TEXT) -> str:
    """The chapter alone."""
    return split(text, "## ")["Between realms"]


def sections(text: str) -> dict[str, str]:
    """What stands under names of kinds and of shapes."""
    found = split(chapter(text), "### ")
    return {bare(name): body for name, body in found.items() if name.startswith("`")}


def written(section: str) -> tuple[Fields, Fields]:
    """Fields of a request and of its reply."""
    match = re.search(r"^Request:(.*?)^Reply:(.*?)^Errors:", section, re.MULTILINE | re.DOTALL)
    assert match is not None, section[:60]
    request, reply = (
        {name: kind for table in tables(part) for name, kind, _ in table} for part in match.groups()
    )
    return request, reply


def differences(
    text: str,
    asked: Mapping[str, type[Body]] = ASKED,
    answered: Mapping[str, type[Body]] = ANSWERED,
    numbers: Mapping[str, int] = LIMITS,
) -> list[str]:
    """What the chapter and the code say differently; a word for each."""
    found = sections(text)
    kinds = [name for name in found if name[0].islower()]
    wrong = [] if kinds == list(asked) else [f"kinds: {kinds}"]
    shapes: dict[str, type[Struct]] = {}
    for kind in asked.keys() & set(kinds):
        request, reply = written(found[kind])
        if list(request.items()) != list(fields_of(asked[kind]).items()):
            wrong.append(f"request of {kind}: {request} and not {fields_of(asked[kind])}")
        true = {} if kind == OWN_REPLY else fields_of(answered[kind])
        if list(reply.items()) != list(true.items()):
            wrong.append(f"reply of {kind}: {reply} and not {true}")
        for struct in (asked[kind], answered.get(kind, asked[kind])):
            shapes |= {shape.__name__: shape for shape in shapes_in(struct)}
    shapes.pop(FileInfo.__name__, None)
    if {name for name in found if name[0].isupper()} != shapes.keys():
        wrong.append(f"shapes: {sorted(found)} and not {sorted(shapes)}")
    for name in shapes.keys() & found.keys():
        (rows,) = tables(found[name])
        if [(row[0], row[1]) for row in rows] != list(fields_of(shapes[name]).items()):
            wrong.append(f"shape {name}: {rows} and not {fields_of(shapes[name])}")
    rows = tables(split(chapter(text), "### ")["The connection"])[0]
    if {row[0]: row[1] for row in rows} != {name: str(number) for name, number in numbers.items()}:
        wrong.append(f"limits: {rows}")
    return wrong


# --- the chapter is true ------------------------------------------------------------------------


def test_the_chapter_and_the_code_agree() -> None:
    assert not differences(TEXT)


def test_every_kind_but_one_has_a_reply_of_its_own() -> None:
    assert ANSWERED.keys() | {OWN_REPLY} == ASKED.keys() and OWN_REPLY not in ANSWERED


def test_every_error_that_a_request_names_is_on_the_closed_list() -> None:
    for name, section in sections(TEXT).items():
        if name in ASKED:
            (errors,) = re.findall(r"^Errors:(.*)", section, re.MULTILINE)
            assert set(re.findall(r"`([a-z_]+)`", errors)) <= set(FAILURES), name


def test_what_users_of_other_realms_may_ask_is_as_said() -> None:
    (rows,) = tables(split(chapter(), "### ")["On behalf of users"])
    assert [row[0] for row in rows] == list(behalf.ALLOWED)


def test_what_a_peer_may_refuse_with_is_as_said() -> None:
    section = split(chapter(), "### ")["On behalf of users"]
    (said,) = re.findall(r"passes on (.*?), with the sentence", section, re.DOTALL)
    assert re.findall(r"`([a-z_]+)`", said) == [kind.code for kind in calls.SAID]
    assert f"cut at {calls.SENTENCE_MOST} characters" in section


def test_the_times_of_a_line_are_the_settings() -> None:
    settings = Settings(home=Path("/nowhere"))
    rows = tables(split(chapter(), "### ")["The line"])[0]
    whole = " ".join(cell for row in rows for cell in row)
    for name, seconds in (("realm_pause_most", 30), ("realm_quiet", 5), ("realm_answer_timeout", 10)):
        assert name in whole and getattr(settings, name) == seconds and f"{seconds} " in whole


def test_every_setting_that_the_chapter_names_is_one() -> None:
    settings = Settings(home=Path("/nowhere"))
    names = set(re.findall(r"`((?:realm|peer)_[a-z_]+)`", chapter()))
    assert len(names) >= 8
    for name in names:
        assert hasattr(settings, name) or hasattr(settings.rates, name), name


def test_the_port_is_the_fourth_behind_the_first() -> None:
    settings = Settings(home=Path("/nowhere"))
    assert f"TCP port {settings.realm_port} unless" in chapter()
    assert settings.realm_port == settings.port_base + 4


def test_a_call_has_room_for_a_clients_request() -> None:
    assert f"bin ≤ {limits.REQUEST_MAX_BYTES}" in sections(TEXT)["call"]


@pytest.mark.parametrize("address", ["chat.example:7704", "[2001:db8::1]:7704"])
def test_an_invitation_is_put_together_as_the_chapter_says(address: str) -> None:
    key, secret = bytes(range(32)), bytes(range(16))

    def text(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    said = f"b@{address}/{text(key)}/{text(secret)}/1800000000"
    check = text(hashlib.sha256(said.encode()).digest()[:6])
    bare_host = said.replace("[", "").replace("]", "")
    whole = f"pesan-realm://{bare_host}/{check}"
    assert str(parse(whole)) == whole
    assert parse(whole) == Invitation("b", address, key, secret, 1_800_000_000)


# --- and the comparison would notice ------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("| `start` | uint ≥ 1 | of its process |\n", ""),
        ("| `items` | [Item] |", "| `item` | [Item] |"),
        ("| `have` | uint |", "| `have` | uint ≥ 1 |"),
        ("| `again` | bool, default false |", "| `again` | bool |"),
        ("### `fetch`", "### `get`"),
        ("### `GroupMessage`", "### `Said`"),
        ("| `code` | str ≤ 32 |", "| `code` | str |"),
        ("| `ITEMS_MAX` | 1000 |", "| `ITEMS_MAX` | 100 |"),
        ("| `data` | bin ≤ 524288 |", "| `data` | bin |"),
        ("| `all` | bool |", "| `every` | bool |"),
    ],
)
def test_a_change_to_the_chapter_alone_is_noticed(old: str, new: str) -> None:
    assert TEXT.count(old) >= 1
    head, mark, rest = TEXT.partition("## Between realms\n")
    assert differences(head + mark + rest.replace(old, new, 1))


@pytest.mark.parametrize("kind", sorted(ASKED))
def test_a_field_added_to_the_code_alone_is_noticed(kind: str) -> None:
    def more(struct: type[Struct]) -> Any:
        extra: list[Any] = [("novelty", int, 0)]
        return defstruct(struct.__name__, extra, bases=(struct,), frozen=True, kw_only=True)

    assert differences(TEXT, asked={**ASKED, kind: more(ASKED[kind])})
    if kind in ANSWERED:
        assert differences(TEXT, answered={**ANSWERED, kind: more(ANSWERED[kind])})


def test_a_kind_or_a_limit_added_to_the_code_alone_is_noticed() -> None:
    assert differences(TEXT, asked={**ASKED, "gossip": ASKED["typing"]})
    assert differences(TEXT, numbers={**LIMITS, "TEA_MAX": 1})
