"""The string that is handed from one operator to the other: as it is printed, and as it arrives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.realm.invitation import Invitation, checked_address, parse

HERE = Invitation("b", "chat.example.org:7704", bytes(range(32)), bytes(range(16)), 1_790_000_000)
TEXT = str(HERE)
realm_names = st.text("abcxyz0189.-", min_size=1, max_size=64)
addresses = st.sampled_from(["chat.example.org:7704", "127.0.0.1:1", "[2001:db8::1]:65535", "[::1]:7704"])


@given(
    realm_names,
    addresses,
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=16, max_size=16),
    st.integers(1, 2**40),
)
def test_what_is_printed_is_read_again_and_needs_no_quotes_in_a_shell(
    realm: str, address: str, key: bytes, secret: bytes, until: int
) -> None:
    made = Invitation(realm, address, key, secret, until)
    assert parse(str(made)) == made
    assert not set(str(made)) & set(" \t\n&|;<>()$`\\\"'*?[]#~!{}^")


def test_lines_that_a_mail_program_broke_are_joined() -> None:
    assert parse(f"  {TEXT[:40]}\n{TEXT[40:90]}\r\n  {TEXT[90:]}\n") == HERE


def test_one_wrong_letter_is_noticed() -> None:
    for place in range(len("pesan-realm://b@"), len(TEXT)):
        other = "A" if TEXT[place] != "A" else "B"
        with pytest.raises(ValueError, match="was not copied whole"):
            parse(TEXT[:place] + other + TEXT[place + 1 :])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT[:-1], "was not copied whole"),
        (TEXT[:60], "was not copied whole"),
        (TEXT + "x", "was not copied whole"),
        ("pesan-realm://b@", "was not copied whole"),
        ("", "An invitation looks like pesan-realm://"),
        ("pesan-realm://b", "An invitation looks like pesan-realm://"),
        ("https://b@c:1/2/3/4/5", "An invitation looks like pesan-realm://"),
        ("pesan://chat.example.org:7700?key=abc", "This is a connection string, for clients"),
    ],
)
def test_what_is_no_invitation_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(text)


@pytest.mark.parametrize(
    ("text", "port", "address"),
    [
        ("chat.example.org", 7704, "chat.example.org:7704"),
        ("chat.example.org:99", 7704, "chat.example.org:99"),
        ("192.0.2.7:7704", 0, "192.0.2.7:7704"),
        ("::1", 7704, "[::1]:7704"),
        ("[::1]", 7704, "[::1]:7704"),
        ("[::1]:99", 7704, "[::1]:99"),
        ("2001:db8::1:7704", 0, "[2001:db8::1]:7704"),
    ],
)
def test_an_address_is_stored_in_one_form(text: str, port: int, address: str) -> None:
    assert checked_address(text, port) == address
    assert checked_address(address) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "host", "host:", "host:0", "host:65536", "host:x", "a b:1", "ipc:///tmp/x:1", "*:1"),
        *("h;x:1", "eth0;host:1", "host/path:1", "x" * 254 + ":1", "[::1:1", "host:１"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        checked_address(text)
