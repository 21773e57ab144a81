"""Names, addresses and topics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.addresses import (
    Address,
    Kind,
    TopicKind,
    checked_name,
    group_name,
    name_key,
    new_topic,
    parse,
)
from protocol.errors import Invalid
from protocol.limits import NAME_MAX_LENGTH, TOPIC_BYTES

LONGEST = "x" * NAME_MAX_LENGTH
names = st.from_regex(r"[A-Za-z0-9_.-]{1,32}", fullmatch=True)
realms = st.just("") | st.from_regex(r"[a-z0-9.-]{1,64}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("budi", Address(Kind.DIRECT, "budi")),
        ("Budi.S_2-x", Address(Kind.DIRECT, "Budi.S_2-x")),
        (LONGEST, Address(Kind.DIRECT, LONGEST)),
        ("#ops", Address(Kind.GROUP, "ops")),
        ("*", Address(Kind.BROADCAST, "")),
        ("budi@kantor", Address(Kind.DIRECT, "budi", "kantor")),
        ("#ops@kantor.example", Address(Kind.GROUP, "ops", "kantor.example")),
        ("*@kantor", Address(Kind.BROADCAST, "", "kantor")),
    ],
)
def test_an_address_says_kind_name_and_realm_and_is_written_the_same_way(text: str, address: Address) -> None:
    assert parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "@",
        "@kantor",
        "budi@",
        "budi@Kantor",
        "budi@a@b",
        "budi@" + "x" * 65,
        "budi@kantor\n",
        "**",
        "*x",
        "##ops",
        "# ops",
        "budi citra",
        "budi\n",
        "büdi",
        "budi\0",
        "/etc",
        LONGEST + "x",
        "#" + LONGEST + "x",
        "٣",
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Invalid) as error:
        parse(text)
    assert error.value.message.endswith(".")


@given(st.sampled_from(["", "#"]), names, realms)
def test_every_proper_address_survives_the_way_there_and_back(mark: str, name: str, realm: str) -> None:
    text = mark + name + (f"@{realm}" if realm else "")
    assert str(parse(text)) == text


@given(st.text(max_size=120))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse(text)
    except Invalid:
        return
    assert str(address) == text


def test_a_refusal_never_carries_control_characters_or_a_long_name() -> None:
    with pytest.raises(Invalid) as error:
        checked_name("\x1b[2J" + "x" * 5000)
    assert "\x1b" not in error.value.message
    assert len(error.value.message) < 200


@pytest.mark.parametrize("text", ["ops", "#ops"])
def test_a_group_may_be_named_with_or_without_its_mark(text: str) -> None:
    assert group_name(text) == "ops"


@pytest.mark.parametrize("text", ["", "#", "##ops", "ops@kantor", "*"])
def test_what_is_no_group_name_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        group_name(text)


def test_names_are_compared_without_case() -> None:
    assert name_key("Budi") == name_key("bUDI") == "budi"


@given(st.sampled_from([TopicKind.USER, TopicKind.CONVERSATION]))
def test_a_topic_is_its_kind_and_fifteen_bytes_that_nobody_can_guess(kind: bytes) -> None:
    topics = {new_topic(kind) for _ in range(50)}
    assert len(topics) == 50
    assert {topic[:1] for topic in topics} == {kind}
    assert {len(topic) for topic in topics} == {TOPIC_BYTES}
