"""Profiles and remembered sessions."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from client.cli import profiles
from client.cli.exits import Mistake
from client.cli.profiles import Login, Profile

LOGIN = Login("pesan://h:1?key=" + "A" * 43, "ani", bytes(range(16)), 5, local=True)


def home(folder: Path, config: str | None = None) -> dict[str, str]:
    """The environment of somebody who lives in ``folder``."""
    if config is not None:
        (folder / "config" / "pesan").mkdir(parents=True)
        (folder / "config" / "pesan" / "config.toml").write_text(config)
    return {"XDG_CONFIG_HOME": str(folder / "config"), "XDG_STATE_HOME": str(folder / "state")}


def test_the_sample_uncommented_is_valid_and_shows_every_field() -> None:
    sample = Path(profiles.__file__).with_name("config.sample.toml").read_text()
    uncommented = re.sub(r"(?m)^# (?=\[profile|[a-z]+ = )", "", sample)
    found = profiles.parse(uncommented, "sample")
    assert all(getattr(found["default"], field.name) for field in fields(Profile))
    assert found["budi"] == Profile(user="budi")
    assert profiles.parse(sample, "sample") == {}


def test_without_a_file_a_profile_is_empty(tmp_path: Path) -> None:
    assert profiles.load("ani", home(tmp_path)) == Profile()


def test_a_profile_that_the_file_does_not_mention_is_empty(tmp_path: Path) -> None:
    environment = home(tmp_path, '[profile.ani]\nuser = "ani"')
    assert profiles.load("ani", environment) == Profile(user="ani")
    assert profiles.load("budi", environment) == Profile()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("= broken", "config.toml"),
        ("[profil.ani]", "'profil'"),
        ("profile = 3", "'profile'"),
        ("[profile]\nani = 3", "'ani'"),
        ('[profile.ani]\npassword = "x"', "'password'"),
        ("[profile.ani]\nuser = 3", "user must be text"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Mistake, match=re.escape(said)) as caught:
        profiles.load("ani", home(tmp_path, text))
    assert "config.toml" in caught.value.message
    assert caught.value.code == 2


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "-x", "a\n", "x" * 65])
def test_what_is_no_name_of_a_profile_cannot_become_a_file(name: str) -> None:
    with pytest.raises(Mistake):
        profiles.checked_name(name)


def test_a_session_is_remembered_for_its_owner_alone(tmp_path: Path) -> None:
    environment = home(tmp_path)
    profiles.save_login("ani", LOGIN, environment)
    file = profiles.login_file("ani", environment)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert profiles.load_login("ani", environment) == LOGIN
    assert [one.name for one in file.parent.iterdir()] == ["ani.json"]


def test_a_file_that_others_could_read_is_replaced_not_written_into(tmp_path: Path) -> None:
    environment = home(tmp_path)
    file = profiles.login_file("ani", environment)
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    file.chmod(0o644)
    profiles.save_login("ani", LOGIN, environment)
    assert file.stat().st_mode & 0o777 == 0o600


def test_profiles_do_not_share_a_session(tmp_path: Path) -> None:
    environment = home(tmp_path)
    profiles.save_login("ani", LOGIN, environment)
    assert profiles.load_login("budi", environment) is None


def test_forgetting_keeps_all_but_the_session(tmp_path: Path) -> None:
    environment = home(tmp_path)
    profiles.forget_login("ani", environment)
    assert profiles.load_login("ani", environment) is None
    profiles.save_login("ani", LOGIN, environment)
    profiles.forget_login("ani", environment)
    profiles.forget_login("ani", environment)
    assert profiles.load_login("ani", environment) == replace(LOGIN, token=b"", session=0)
    assert LOGIN.token.hex() not in profiles.login_file("ani", environment).read_text()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"server":"x","user":"a","token":"zz","session":1}'])
def test_a_damaged_file_means_logged_out(tmp_path: Path, text: str) -> None:
    environment = home(tmp_path)
    file = profiles.login_file("ani", environment)
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert profiles.load_login("ani", environment) is None
