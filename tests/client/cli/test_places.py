"""Where the server is: in which order it is looked for, and to whom a token is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from zmq.utils import z85

from client.cli import places
from client.cli.exits import Mistake
from client.cli.profiles import Login, Profile
from config import whereabouts
from config.keys import server_keys
from protocol import connection_string
from protocol.connection_string import ConnectionString


def url(port: int, key: int = 1, host: str = "127.0.0.1") -> str:
    """A connection string."""
    return str(ConnectionString(host, port, bytes([key]) * 32))


def login(server: str, local: bool = False) -> Login:
    """Somebody's session there."""
    return Login(server, "ani", bytes(16), 1, local)


def test_the_server_is_looked_for_in_the_order_that_is_promised(tmp_path: Path) -> None:
    server_keys(tmp_path)
    environment = {"PESAN_HOME": str(tmp_path), "PESAN_PORT_BASE": "7005", "PESAN_SERVER": url(7002)}
    profile = Profile(server=url(7003))
    session = login(url(7004))

    def port(named: str, profile: Profile, session: Login | None) -> int:
        return places.find(named, profile, session, environment).server.port

    assert port(url(7001), profile, session) == 7001
    assert port("", profile, session) == 7002
    del environment["PESAN_SERVER"]
    assert port("", profile, session) == 7003
    assert port("", Profile(), session) == 7004
    assert port("", Profile(), None) == 7005


def test_a_session_of_the_local_server_follows_it_to_another_port(tmp_path: Path) -> None:
    public, _ = server_keys(tmp_path)
    environment = {"PESAN_HOME": str(tmp_path), "PESAN_PORT_BASE": "7005"}
    first = places.find("", Profile(), None, environment)
    session = login(str(first.server), first.local)
    environment["PESAN_PORT_BASE"] = "7100"
    found = places.find("", Profile(), session, environment)
    assert found.server.port == 7100
    assert found.same(session)
    assert len(found.server.key) == 32
    assert public.decode() not in str(found.server)


def test_a_server_is_found_where_it_listens_whatever_the_settings_say_meanwhile(tmp_path: Path) -> None:
    server_keys(tmp_path)
    whereabouts.leave(tmp_path, url(7345))
    (tmp_path / "pesan.toml").write_text("this is = no settings file")
    found = places.find("", Profile(), None, {"PESAN_HOME": str(tmp_path)})
    assert (str(found.server), found.local) == (url(7345), True)


@pytest.mark.parametrize(
    ("variables", "host", "port"),
    [
        ({"PESAN_PORT_BASE": "7100"}, "127.0.0.5", 7100),
        ({"PESAN_HOST": "127.0.0.9"}, "127.0.0.9", 7345),
        ({"PESAN_HOST": "::", "PESAN_PORT_BASE": "7100"}, "::1", 7100),
        ({"PESAN_HOST": "", "PESAN_PORT_BASE": ""}, "127.0.0.5", 7345),
    ],
)
def test_what_the_environment_names_wins_over_where_it_listened(
    tmp_path: Path, variables: dict[str, str], host: str, port: int
) -> None:
    key = z85.decode(server_keys(tmp_path).public)
    whereabouts.leave(tmp_path, str(ConnectionString("127.0.0.5", 7345, key)))
    assert places.local_server(tmp_path, variables) == ConnectionString(host, port, key)


def test_a_server_that_listened_unencrypted_is_asked_so_on_this_machine_alone(tmp_path: Path) -> None:
    key = z85.decode(server_keys(tmp_path).public)
    whereabouts.leave(tmp_path, "pesan://127.0.0.1:7345")
    assert places.local_server(tmp_path, {"PESAN_PORT_BASE": "7100"}) == ConnectionString(
        "127.0.0.1", 7100, b""
    )
    assert places.local_server(tmp_path, {"PESAN_HOST": "192.0.2.7"}) == ConnectionString(
        "192.0.2.7", 7345, key
    )


def test_a_damaged_note_of_where_it_listens_is_named(tmp_path: Path) -> None:
    server_keys(tmp_path)
    whereabouts.leave(tmp_path, "nonsense")
    with pytest.raises(Mistake, match=r"run/connection is damaged"):
        places.local_server(tmp_path, {})


@pytest.mark.parametrize(
    ("bound", "host"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("127.0.0.9", "127.0.0.9")],
)
def test_a_server_bound_to_every_address_is_reached_on_this_machine(
    tmp_path: Path, bound: str, host: str
) -> None:
    server_keys(tmp_path)
    found = places.local_server(tmp_path, {"PESAN_HOST": bound})
    assert found is not None
    assert found.host == host


def test_a_server_without_encryption_has_no_key(tmp_path: Path) -> None:
    server_keys(tmp_path)
    found = places.local_server(tmp_path, {"PESAN_CURVE": "off"})
    assert found == ConnectionString("127.0.0.1", 7700, b"")


def test_looking_for_a_server_makes_no_key_and_no_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(Mistake, match="pesan up") as caught:
        places.find("", Profile(), None, {"PESAN_HOME": str(home)})
    assert caught.value.code == 6
    assert not home.exists()


def test_a_damaged_key_and_a_bad_setting_are_named(tmp_path: Path) -> None:
    (tmp_path / "server.key").write_text("short\n")
    with pytest.raises(Mistake, match=r"server\.key is damaged"):
        places.local_server(tmp_path, {})
    with pytest.raises(Mistake, match="PESAN_PORT_BASE"):
        places.local_server(tmp_path, {"PESAN_PORT_BASE": "x"})


@pytest.mark.parametrize(
    ("named", "profile", "environment", "said"),
    [
        ("nonsense", Profile(), {}, "--server"),
        ("", Profile(), {"PESAN_SERVER": "nonsense"}, "PESAN_SERVER"),
        ("", Profile(server="nonsense"), {}, "the profile's server"),
    ],
)
def test_a_bad_connection_string_is_named_with_its_place(
    named: str, profile: Profile, environment: dict[str, str], said: str
) -> None:
    with pytest.raises(Mistake, match=said) as caught:
        places.find(named, profile, None, environment)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("server", "session", "same"),
    [
        (url(7001), url(7001), True),
        (url(7001), url(7002, host="elsewhere"), True),
        (url(7001, key=1), url(7001, key=2), False),
        ("pesan://localhost:1", "pesan://localhost:1", True),
        ("pesan://localhost:1", "pesan://localhost:2", False),
        ("pesan://localhost:1", url(1, host="localhost"), False),
        (url(1, host="localhost"), "pesan://localhost:1", False),
        (url(7001), "nonsense", False),
    ],
)
def test_a_token_is_shown_only_to_the_server_that_gave_it(server: str, session: str, same: bool) -> None:
    assert places.Place(connection_string.parse(server)).same(login(session)) is same
