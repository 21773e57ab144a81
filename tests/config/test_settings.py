"""Settings: defaults, file, environment, and that whatever is wrong is named with its place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config import loading, settings
from config.loading import SettingsError, load
from config.settings import RateLimits, Settings

SAMPLE = Path(settings.__file__).with_name("pesan.sample.toml")
HERE = {"PESAN_REALM": "here"}


def written(home: Path, text: str, **environment: str) -> Settings:
    """The settings of a folder with this file."""
    (home / "pesan.toml").write_text(text, encoding="utf-8")
    return load({**HERE, **environment}, home)


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    assert load(HERE, tmp_path) == Settings(home=tmp_path, realm="here")


def test_the_data_folder_is_named_by_the_environment(tmp_path: Path) -> None:
    assert load({**HERE, "PESAN_HOME": str(tmp_path)}).home == tmp_path


def test_the_realm_is_the_hosts_name_unless_it_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Kantor_Satu.Example")
    assert load({}, tmp_path).realm == "kantor-satu.example"
    monkeypatch.setattr("socket.gethostname", lambda: "")
    assert load({}, tmp_path).realm == "pesan"
    assert written(tmp_path, "", PESAN_REALM="lain").realm == "lain"


def test_the_file_wins_over_defaults_and_the_environment_over_the_file(tmp_path: Path) -> None:
    text = 'port_base = 7800\nhost = "127.0.0.2"\n[rates]\nsend_rate = 5'
    settings = written(tmp_path, text, PESAN_PORT_BASE="7900")
    assert (settings.port_base, settings.host) == (7900, "127.0.0.2")
    assert settings.rates == RateLimits(send_rate=5.0)


def test_an_empty_variable_is_no_variable(tmp_path: Path) -> None:
    assert written(tmp_path, "port_base = 7800", PESAN_PORT_BASE="").port_base == 7800


@pytest.mark.parametrize(
    ("variable", "value", "name", "meant"),
    [
        ("PESAN_HOST", "127.0.0.9", "host", "127.0.0.9"),
        ("PESAN_HOST", "::1", "host", "::1"),
        ("PESAN_ADVERTISE", "chat.example", "advertise", "chat.example"),
        ("PESAN_PORT_BASE", "17700", "port_base", 17700),
        ("PESAN_CURVE", "off", "curve", False),
        ("PESAN_CURVE", "No", "curve", False),
        ("PESAN_CURVE", "0", "curve", False),
        ("PESAN_CURVE", "TRUE", "curve", True),
        ("PESAN_REALM", "kantor.example", "realm", "kantor.example"),
        ("PESAN_REALM", "no", "realm", "no"),
        ("PESAN_REALM", "1", "realm", "1"),
        ("PESAN_DATABASE", "postgresql://u@h/d", "database", "postgresql://u@h/d"),
        ("PESAN_RATE_LIMITS", "off", "rate_limits", False),
        ("PESAN_RATE_LIMITS", "on", "rate_limits", True),
    ],
)
def test_each_variable_sets_its_setting(
    tmp_path: Path, variable: str, value: str, name: str, meant: object
) -> None:
    assert getattr(load({**HERE, variable: value}, tmp_path), name) == meant


def test_every_variable_that_the_sample_names_is_read_and_the_other_way_round() -> None:
    named = set(re.findall(r"\((PESAN_[A-Z_]+)(?:=off)?\)", SAMPLE.read_text(encoding="utf-8")))
    assert named - {"PESAN_HOME"} == set(loading._FROM_ENVIRONMENT)


# --- what is wrong is named with its place ------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("port_base = 0", "port_base"),
        ("port_base = 65501", "port_base"),
        ('port_base = "x"', "port_base"),
        ("port_base = 1.5", "port_base"),
        ("curve = 'maybe'", "curve"),
        ("host = 5", "host"),
        ("session_timeout = 0", "session_timeout"),
        ("session_timeout = -1.0", "session_timeout"),
        ("session_timeout = nan", "session_timeout"),
        ("worker_heartbeat = inf", "worker_heartbeat"),
        ("password_min_length = 0", "password_min_length"),
        ("password_min_length = 1025", "password_min_length"),
        ("message_max_bytes = 98305", "message_max_bytes"),
        ("batch_size = 0", "batch_size"),
        ("log_keep = -1", "log_keep"),
        ("gateway_host = 7", "gateway_host"),
        ("gateway_connections = 0", "gateway_connections"),
        ("gateway_connections_per_address = 0", "gateway_connections_per_address"),
        ("gateway_sessions_per_trunk = 0", "gateway_sessions_per_trunk"),
        ("gateway_login_timeout = 0", "gateway_login_timeout"),
        ("gateway_line_max_bytes = 1023", "gateway_line_max_bytes"),
        ("gateway_segment_pause = 0", "gateway_segment_pause"),
        ("gateway_output_bytes = 65535", "gateway_output_bytes"),
        ("gateway_output_bytes_of_all = 0", "gateway_output_bytes_of_all"),
        ("gateway_write_timeout = -1", "gateway_write_timeout"),
        ("gateway_pushes = 0", "gateway_pushes"),
        ("gateway_request_timeout = 0", "gateway_request_timeout"),
        ("rates = 1", "rates"),
        ("[rates]\nsend_rate = 0", "rates.send_rate"),
        ("[rates]\nsend_burst = 'many'", "rates.send_burst"),
        ("[rates]\nsend_speed = 1", "send_speed"),
        ("colour = 'red'", "colour"),
        ("realm = 'Not A Realm'", "Not A Realm"),
        ("home = '/elsewhere'", "PESAN_HOME"),
        ("port_base = [", "end of document"),
        ("port_base = 1\nport_base = 2\n", "line 2"),
    ],
)
def test_a_bad_value_in_the_file_names_the_file_and_the_setting(
    tmp_path: Path, text: str, named: str
) -> None:
    (tmp_path / "pesan.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load({}, tmp_path)
    assert str(tmp_path / "pesan.toml") in str(error.value)
    assert named in str(error.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PESAN_PORT_BASE", "x"),
        ("PESAN_PORT_BASE", "0"),
        ("PESAN_PORT_BASE", "99999"),
        ("PESAN_CURVE", "maybe"),
        ("PESAN_RATE_LIMITS", "sometimes"),
        ("PESAN_REALM", "Not A Realm"),
    ],
)
def test_a_bad_value_in_the_environment_names_the_variable_and_not_the_file(
    tmp_path: Path, variable: str, value: str
) -> None:
    (tmp_path / "pesan.toml").write_text("port_base = 7700\ncurve = true", encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load({**HERE, variable: value}, tmp_path)
    assert str(error.value).startswith(f"{variable}: ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("port_base = 'x'", "port_base must be a whole number from 1 to 65500, not 'x'."),
        ("session_timeout = 0", "session_timeout must be a number above 0 and at most 1000000, not 0."),
        ("log_keep = -1", "log_keep must be a whole number of at least 0, not -1."),
        ("curve = 'maybe'", "curve must be true or false, not 'maybe'."),
        ("host = 5", "host must be text in quotes, not 5."),
        ("rates = 1", "rates must be a section, [rates], not 1."),
        (
            "[rates]\nsend_rate = 'abc'",
            "rates.send_rate must be a number above 0 and at most 1000000, not 'abc'.",
        ),
        ("prot_base = 1", "there is no setting prot_base; did you mean port_base?"),
        ("send_rates = 1", "there is no setting send_rates; did you mean send_rate under [rates]?"),
        ("[rates]\nsend_speed = 1", "there is no setting send_speed under [rates]; did you mean send_rate?"),
        ("colour = 1", "there is no setting colour; the sample file shows them all."),
        ("send_rate = 1", "send_rate belongs under [rates], at the end of the file."),
        ("[rates]\nlog_keep = 1", "log_keep stands under [rates] and belongs above it."),
        (f"realm = [{'1,' * 100}]", f"realm must be text in quotes, not {str([1] * 100)[:40]}…."),
    ],
)
def test_what_is_wrong_is_said_in_words(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "pesan.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load({}, tmp_path)
    assert str(error.value) == f"{tmp_path / 'pesan.toml'}: {sentence}"


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("watchdog_timeout = 0.4", "2, 4 times worker_heartbeat, not 0.4"),
        ("worker_heartbeat = 40", "160, 4 times worker_heartbeat, not 30"),
        ("worker_heartbeat = 1\nwatchdog_timeout = 3.9", "4, 4 times worker_heartbeat, not 3.9"),
    ],
)
def test_a_watchdog_that_would_kill_idle_workers_is_refused(tmp_path: Path, text: str, least: str) -> None:
    with pytest.raises(SettingsError) as error:
        written(tmp_path, text)
    said = f"{tmp_path / 'pesan.toml'}: watchdog_timeout must be 0 or at least {least}."
    assert str(error.value) == said


@pytest.mark.parametrize(
    "text", ["watchdog_timeout = 2", "watchdog_timeout = 0\nworker_heartbeat = 40", "worker_heartbeat = 7.5"]
)
def test_a_watchdog_that_waits_for_four_heartbeats_or_is_off_is_fine(tmp_path: Path, text: str) -> None:
    assert written(tmp_path, text).watchdog_timeout in (0, 2, 30)


@pytest.mark.parametrize("database", ["mysql://ani:secret@h/d", "secret", "sqlite:///secret"])
def test_another_kind_of_database_is_refused_and_its_password_not_shown(
    tmp_path: Path, database: str
) -> None:
    with pytest.raises(SettingsError, match=r"^PESAN_DATABASE: the database must be postgresql://") as error:
        load({**HERE, "PESAN_DATABASE": database}, tmp_path)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "pesan.toml"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(str(file))):
        load(HERE, tmp_path)


# --- encryption ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])
def test_curve_may_be_off_on_a_loopback_address(tmp_path: Path, host: str) -> None:
    settings = load({**HERE, "PESAN_HOST": host, "PESAN_CURVE": "off"}, tmp_path)
    assert settings.loopback and not settings.curve


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "::",
        "[::]",
        "*",
        "10.0.0.1",
        "::ffff:10.0.0.1",
        "chat.example",
        "127.evil.example",
        "localhost.example",
        "eth0",
    ],
)
def test_curve_off_is_refused_anywhere_else(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="PESAN_CURVE: curve may be off only on a loopback address"):
        load({**HERE, "PESAN_HOST": host, "PESAN_CURVE": "off"}, tmp_path)
    assert load({**HERE, "PESAN_HOST": host}, tmp_path).curve


# --- addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "tcp://127.0.0.1:"),
        ("::1", "tcp://[::1]:"),
        ("*", "tcp://*:"),
        ("localhost", "tcp://127.0.0.1:"),
    ],
)
def test_commands_and_events_have_neighbouring_ports(tmp_path: Path, host: str, address: str) -> None:
    settings = Settings(home=tmp_path, host=host, port_base=8000)
    assert (settings.commands_address, settings.events_address) == (f"{address}8000", f"{address}8001")
    assert settings.events_port == 8001


def test_an_ipv6_address_may_stand_in_brackets(tmp_path: Path) -> None:
    settings = load({**HERE, "PESAN_HOST": "[::1]"}, tmp_path)
    assert (settings.host, settings.loopback) == ("::1", True)


# --- the sample ---------------------------------------------------------------------------------


def uncommented() -> str:
    """The sample with every setting in force: a line that begins with ``# name =`` is one."""
    return re.sub(r"^# (?=[a-z_]+ = )", "", SAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def defaults() -> dict[str, Any]:
    """Every setting with its default, as a file would say it."""
    found: dict[str, Any] = msgspec.to_builtins(Settings(home=Path()), enc_hook=str)
    del found["home"]
    return found


def test_the_sample_changes_nothing_as_it_stands(tmp_path: Path) -> None:
    assert written(tmp_path, SAMPLE.read_text(encoding="utf-8")) == Settings(home=tmp_path, realm="here")


def test_the_sample_shows_every_setting_with_its_true_default() -> None:
    shown = tomllib.loads(uncommented())
    assert shown == defaults()
    assert repr(sorted(shown)) == repr(sorted(defaults()))


def test_the_sample_uncommented_loads_to_the_defaults(tmp_path: Path) -> None:
    assert written(tmp_path, uncommented()) == Settings(home=tmp_path, realm="here")


def test_every_setting_of_the_sample_has_a_line_that_explains_it() -> None:
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    setting = re.compile(r"# [a-z_]+ = ")
    for number, line in enumerate(lines):
        if setting.match(line):
            above = next(text for text in reversed(lines[:number]) if not setting.match(text))
            assert above.startswith("# ") and not above.startswith("# ---"), line


def test_settings_cannot_be_changed_once_loaded(tmp_path: Path) -> None:
    settings: Any = load(HERE, tmp_path)
    with pytest.raises(AttributeError):
        settings.port_base = 1


@pytest.mark.parametrize(
    ("text", "bound", "told"),
    [
        ("", "tcp://127.0.0.1:7704", ""),
        ('host = "0.0.0.0"', "tcp://0.0.0.0:7704", ""),
        ('realm_host = "0.0.0.0"', "tcp://0.0.0.0:7704", ""),
        ('host = "0.0.0.0"\nrealm_host = "10.0.0.1"', "tcp://10.0.0.1:7704", ""),
        ('realm_host = "[::]"', "tcp://[::]:7704", ""),
        ('realm_host = "::1"', "tcp://[::1]:7704", ""),
        ('realm_host = "localhost"', "tcp://127.0.0.1:7704", ""),
        ('advertise = "chat.example"', "tcp://127.0.0.1:7704", ""),
        ('realm_advertise = "chat.example"', "tcp://127.0.0.1:7704", "chat.example:7704"),
        ('realm_advertise = "chat.example:99"', "tcp://127.0.0.1:7704", "chat.example:99"),
        ('realm_advertise = "[::1]:99"', "tcp://127.0.0.1:7704", "[::1]:99"),
        ('realm_advertise = "2001:db8::1"', "tcp://127.0.0.1:7704", "[2001:db8::1]:7704"),
    ],
)
def test_other_realms_come_to_a_port_of_their_own_and_are_told_where_only_if_that_is_set(
    tmp_path: Path, text: str, bound: str, told: str
) -> None:
    settings = written(tmp_path, text)
    assert (settings.realm_port, settings.realm_bind, settings.realm_address) == (7704, bound, told)
