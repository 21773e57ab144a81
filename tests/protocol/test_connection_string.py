"""The one string by which a client finds and trusts a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.connection_string import KEY_BYTES, ConnectionString, parse

KEY = bytes(range(KEY_BYTES))
TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"pesan://127.0.0.1:7700?key={TEXT}", ConnectionString("127.0.0.1", 7700, KEY)),
        (f"pesan://chat.example:17700?key={TEXT}", ConnectionString("chat.example", 17700, KEY)),
        (f"pesan://[::1]:7700?key={TEXT}", ConnectionString("::1", 7700, KEY)),
        ("pesan://localhost:7700", ConnectionString("localhost", 7700)),
    ],
)
def test_it_is_read_and_written_the_same_way(text: str, value: ConnectionString) -> None:
    assert parse(text) == value
    assert str(value) == text


@given(
    st.from_regex(r"[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){0,3}", fullmatch=True),
    st.integers(1, 65535),
    st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES),
)
def test_every_server_survives_the_way_there_and_back(host: str, port: int, key: bytes) -> None:
    server = ConnectionString(host, port, key)
    assert parse(str(server)) == server


@pytest.mark.parametrize("around", [" {} ", "{}\n", "\t{}"])
def test_space_around_it_is_ignored(around: str) -> None:
    assert parse(around.format(f"pesan://h:1?key={TEXT}")).key == KEY


def test_padding_and_unknown_fields_are_ignored() -> None:
    assert parse(f"pesan://h:1?key={TEXT}=").key == KEY
    assert parse(f"pesan://h:1?new=1&key={TEXT}&x=").key == KEY


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "looks like"),
        ("h:1", "looks like"),
        ("http://h:1", "looks like"),
        ("pesan://", "looks like"),
        ("pesan://:7700", "looks like"),
        ("pesan://[::1", "looks like"),
        ("pesan://h", "no port"),
        ("pesan://h:", "no port"),
        ("pesan://h:0", "1 to 65535"),
        ("pesan://h:65536", "1 to 65535"),
        ("pesan://h:seven", "1 to 65535"),
        ("pesan://h:1?", "no key"),
        ("pesan://chat.example:7700", "no key"),
        ("pesan://192.0.2.1:7700", "no key"),
        ("pesan://h:1?key=", "32 bytes"),
        ("pesan://h:1?key", "32 bytes"),
        ("pesan://h:1?ke", "32 bytes"),
        (f"pesan://h:1?key={TEXT[:-1]}", "32 bytes"),
        (f"pesan://h:1?key={TEXT}A", "32 bytes"),
        (f"pesan://h:1?key={TEXT[:20]}!{TEXT[20:]}", "32 bytes"),
        (f"pesan://h:1?key={'é' * 43}", "32 bytes"),
    ],
)
def test_what_was_copied_badly_is_refused_and_never_turns_encryption_off(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(text)


@given(st.integers(len("pesan://h:1?"), len(f"pesan://h:1?key={TEXT}") - 1))
def test_a_string_cut_off_anywhere_in_its_key_is_refused(length: int) -> None:
    cut = f"pesan://h:1?key={TEXT}"[: length + 1]
    if cut == f"pesan://h:1?key={TEXT}":
        assert parse(cut).key == KEY
        return
    with pytest.raises(ValueError, match="copy it once more"):
        parse(cut)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    for candidate in (text, f"pesan://{text}", f"pesan://h:1?{text}"):
        try:
            server = parse(candidate)
        except ValueError as error:
            assert str(error).endswith(".")
        else:
            assert len(server.key) in (0, KEY_BYTES)
