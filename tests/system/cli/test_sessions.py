"""Who one is, where the server is, and what is never shown."""

from __future__ import annotations

from tests.system.cli.conftest import House
from tests.system.cli.person import PASSWORD, Person


def test_a_token_and_a_password_are_shown_nowhere(house: House) -> None:
    ani, budi = house.person("ani"), house.person("budi")
    secrets = [ani.token, budi.token, PASSWORD]
    assert ani.session_file.stat().st_mode & 0o777 == 0o600
    ani.says("group", "create", house.name("ops"))
    for words in (["whoami"], ["sessions"], ["verify"], ["inbox"], ["group", "list"], ["online"]):
        ani.says(*words)
        ani.says(*words, "--json")
    ani.run("login", house.name("ani"), "--password-stdin", stdin="salah sekali\n")
    assert not [secret for secret in secrets if secret in ani.shown + budi.shown]


def test_logging_in_again_leaves_one_session(house: House) -> None:
    ani = house.person("ani")
    ani.says("login", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert len(ani.tells("sessions")) == 1


def test_a_session_that_was_ended_says_so_once(house: House) -> None:
    ani = house.person("ani")
    phone = Person(house.folder / "state", house.server.connection)
    phone.says("login", house.name("ani"), "--password-stdin", stdin=f"{PASSWORD}\n")
    phone.says("password", "--password-stdin", stdin=f"{PASSWORD}\nlain sekali\n")
    assert "has ended" in ani.run("inbox").stderr
    done = ani.run("inbox")
    assert (done.returncode, "has ended" in done.stderr) == (3, False)
    ani.says("login", "--password-stdin", stdin="lain sekali\n")


def test_revoking_this_very_session_logs_out(house: House) -> None:
    ani = house.person("ani")
    ani.says("sessions", "revoke", str(ani.tells("sessions")[0]["session"]))
    assert ani.run("whoami").returncode == 3


def test_the_server_of_this_machine_is_found_in_its_data_folder(house: House) -> None:
    ani = Person(house.folder, "")
    ani.environment |= {"PESAN_HOME": str(house.server.home), "PESAN_PORT_BASE": str(house.server.port)}
    ani.register(house.name("ani"))
    assert ani.tells("whoami")[0]["server"] == house.server.connection


def test_a_server_that_was_named_once_is_remembered(house: House) -> None:
    ani = house.person("ani")
    del ani.environment["PESAN_SERVER"]
    assert ani.says("whoami") == f"{house.name('ani')}\n"
    ani.says("logout")
    ani.says("login", "--password-stdin", stdin=f"{PASSWORD}\n")
