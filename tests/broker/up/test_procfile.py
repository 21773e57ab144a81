"""The Procfile as jobs."""

from __future__ import annotations

import pytest

from broker.up.procfile import Job, concurrency, jobs, own_procfile, shell_line


def test_our_own_procfile_has_the_broker_every_service_and_the_gateway() -> None:
    found = jobs(own_procfile(), {})
    workers = ["auth.1", "messaging.1", "group.1", "file.1", "realm.1", "gateway.1", "web.1"]
    assert [job.name for job in found] == ["broker.1", *workers]
    assert [job.name for job in found if not job.replaceable] == ["broker.1"]


def test_a_process_may_run_several_times_or_not_at_all() -> None:
    text = "broker: a\nauth: b\n# nothing\n\nfile: c"
    assert jobs(text, {"auth": 2, "file": 0}) == [
        Job("broker.1", "a"),
        Job("auth.1", "b"),
        Job("auth.2", "b"),
    ]


def test_a_process_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="has no mesaging; it has broker, messaging"):
        jobs("broker: a\nmessaging: b", {"mesaging": 2})


@pytest.mark.parametrize("text", ["", "# broker: a", "broker"])
def test_a_procfile_without_a_process_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no process"):
        jobs(text, {})


def test_counts_are_read() -> None:
    assert concurrency("") == {}
    assert concurrency("messaging=2,auth=10") == {"messaging": 2, "auth": 10}


@pytest.mark.parametrize("text", ["messaging", "messaging=", "messaging=two", "messaging=-1", "messaging=²"])
def test_what_is_no_count_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not like messaging=2"):
        concurrency(text)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("python -m broker", "exec python -m broker"),
        ("exec python -m broker", "exec python -m broker"),
        ("COLOUR=no python -m broker", "COLOUR=no python -m broker"),
        ("cd doors && ./gateway", "cd doors && ./gateway"),
        ("echo 'one; two'", "exec echo 'one; two'"),
        ("echo 'one", "echo 'one"),
        ("gateway --port 7710 > log", "gateway --port 7710 > log"),
    ],
)
def test_the_shell_gives_way_to_a_simple_command(command: str, line: str) -> None:
    assert shell_line(command) == line


def test_a_server_can_do_without_the_older_protocols() -> None:
    text = "broker: b\ngateway: g\n"
    assert [job.name for job in jobs(text, concurrency("gateway=0"))] == ["broker.1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("messaging=0", "at least one messaging"),
        ("auth=2,messaging=0", "at least one messaging"),
        ("broker=0", "at least one broker"),
        ("broker=2", "one broker"),
        ("web=2", "one web"),
    ],
)
def test_a_server_that_could_not_serve_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        concurrency(text)
