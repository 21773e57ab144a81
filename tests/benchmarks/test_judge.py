"""The judge of the crash matrix finds every kind of fault: a judge that never condemns proves nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import ledger
from benchmarks.crash import run
from benchmarks.crash.cast import Stream
from benchmarks.crash.client import body_of, read_past
from benchmarks.crash.evidence import Evidence, Stored
from benchmarks.crash.flow import Flow
from benchmarks.crash.judge import DISORDER, DOUBLED, FOREVER, LOST, Account, Verdict, judge
from benchmarks.figures import OthersShare
from benchmarks.ledger import Ledger, Line, Reader
from benchmarks.soak import medians, slope

ROOM = 7
IDS = ["a1", "a2", "a3"]
SECOND = 1_000_000_000


def good() -> tuple[list[Line], Evidence, Evidence]:
    """ani sends budi three messages, and all is well."""
    lines = []
    for seq, identity in enumerate(IDS, 1):
        at = seq * SECOND
        lines += [
            Line(at, ledger.SENT, ("ani", "budi", identity, "1")),
            Line(at + 1, ledger.ACKED, ("ani", "budi", identity, str(ROOM), str(seq), "0")),
            Line(at + 2, ledger.HEARD, ("ani", str(ROOM), str(seq), identity, "ani")),
            Line(at + 3, ledger.HEARD, ("budi", str(ROOM), str(seq), identity, "ani")),
        ]
    return lines, witness(), witness()


def witness() -> Evidence:
    stored = [Stored(seq, "ani", identity, body_of("ani", identity)) for seq, identity in enumerate(IDS, 1)]
    return Evidence({ROOM: stored}, {ROOM: len(stored)}, {ROOM: ["ani", "budi"]})


def verdict_on(lines: list[Line], database: Evidence, history: Evidence) -> Verdict:
    return judge(Account(lines), database, history)


def find(lines: list[Line], what: str, user: str, number: int) -> int:
    """Place of the ``number``-th line of this kind and user."""
    return [place for place, line in enumerate(lines) if (line.what, line.fields[0]) == (what, user)][number]


def test_a_good_run_is_acquitted() -> None:
    assert verdict_on(*good()).clean


def acked_but_not_stored(lines: list[Line], *witnesses: Evidence) -> None:
    for one in witnesses:
        one.messages[ROOM].pop()
        one.counters[ROOM] = 2
    del lines[find(lines, ledger.HEARD, "ani", 2)], lines[find(lines, ledger.HEARD, "budi", 2)]


def stored_but_not_told(lines: list[Line], database: Evidence, history: Evidence) -> None:
    history.messages[ROOM].pop()


def another_text(lines: list[Line], database: Evidence, history: Evidence) -> None:
    for one in (database, history):
        one.messages[ROOM][1] = Stored(2, "ani", "a2", "something else")


def acked_at_another_place(lines: list[Line], *_: Evidence) -> None:
    place = find(lines, ledger.ACKED, "ani", 1)
    lines[place] = lines[place]._replace(fields=("ani", "budi", "a2", str(ROOM), "9", "0"))


def not_heard(lines: list[Line], *_: Evidence) -> None:
    del lines[find(lines, ledger.HEARD, "budi", 1)]


def last_not_heard(lines: list[Line], *_: Evidence) -> None:
    del lines[find(lines, ledger.HEARD, "budi", 2)]


def heard_nothing(lines: list[Line], *_: Evidence) -> None:
    lines[:] = [line for line in lines if (line.what, line.fields[0]) != (ledger.HEARD, "budi")]


def heard_twice(lines: list[Line], *_: Evidence) -> None:
    lines.append(lines[find(lines, ledger.HEARD, "budi", 2)])


def heard_what_was_never_stored(lines: list[Line], *_: Evidence) -> None:
    lines.append(Line(9 * SECOND, ledger.HEARD, ("budi", str(ROOM), "4", "a4", "ani")))


def stored_twice(lines: list[Line], *witnesses: Evidence) -> None:
    for one in witnesses:
        one.messages[ROOM].append(Stored(4, "ani", "a3", body_of("ani", "a3")))
        one.counters[ROOM] = 4
    for user in ("ani", "budi"):
        lines.append(Line(9 * SECOND, ledger.HEARD, (user, str(ROOM), "4", "a3", "ani")))


def stored_but_never_sent(lines: list[Line], *witnesses: Evidence) -> None:
    for one in witnesses:
        one.messages[ROOM].append(Stored(4, "ani", "a4", body_of("ani", "a4")))
        one.counters[ROOM] = 4
    for user in ("ani", "budi"):
        lines.append(Line(9 * SECOND, ledger.HEARD, (user, str(ROOM), "4", "a4", "ani")))


def acked_twice_at_two_places(lines: list[Line], *_: Evidence) -> None:
    lines.append(Line(9 * SECOND, ledger.ACKED, ("ani", "budi", "a3", str(ROOM), "2", "1")))


def a_hole(lines: list[Line], *witnesses: Evidence) -> None:
    for one in witnesses:
        one.messages[ROOM][2] = Stored(4, "ani", "a3", body_of("ani", "a3"))


def a_wrong_counter(lines: list[Line], database: Evidence, history: Evidence) -> None:
    database.counters[ROOM] = 5


def stored_in_another_order(lines: list[Line], *witnesses: Evidence) -> None:
    for one in witnesses:
        one.messages[ROOM] = [
            Stored(seq, "ani", identity, body_of("ani", identity))
            for seq, identity in enumerate(["a2", "a1", "a3"], 1)
        ]


def handed_out_in_another_order(lines: list[Line], *_: Evidence) -> None:
    first, second = find(lines, ledger.HEARD, "budi", 0), find(lines, ledger.HEARD, "budi", 1)
    lines[first], lines[second] = lines[second], lines[first]


def never_answered(lines: list[Line], *_: Evidence) -> None:
    lines.append(Line(9 * SECOND, ledger.SENT, ("ani", "budi", "a4", "1")))


def a_request_never_answered(lines: list[Line], *_: Evidence) -> None:
    lines.append(Line(9 * SECOND, ledger.ASKED, ("dewi", "auth", "1")))


def answered_after_ages(lines: list[Line], *_: Evidence) -> None:
    place = find(lines, ledger.ACKED, "ani", 2)
    lines[place] = lines[place]._replace(at=100 * SECOND)


@pytest.mark.parametrize(
    ("crime", "kind"),
    [
        (acked_but_not_stored, LOST),
        (stored_but_not_told, LOST),
        (another_text, LOST),
        (acked_at_another_place, LOST),
        (not_heard, LOST),
        (last_not_heard, LOST),
        (heard_nothing, LOST),
        (heard_twice, DOUBLED),
        (heard_what_was_never_stored, DOUBLED),
        (stored_twice, DOUBLED),
        (stored_but_never_sent, DOUBLED),
        (acked_twice_at_two_places, DOUBLED),
        (a_hole, DISORDER),
        (a_wrong_counter, DISORDER),
        (stored_in_another_order, DISORDER),
        (handed_out_in_another_order, DISORDER),
        (never_answered, FOREVER),
        (a_request_never_answered, FOREVER),
        (answered_after_ages, FOREVER),
    ],
)
def test_every_crime_is_found(crime: Callable[..., None], kind: str) -> None:
    case = good()
    crime(*case)
    verdict = verdict_on(*case)
    assert verdict.counts[kind] > 0
    assert not verdict.clean
    assert verdict.notes[kind]


def test_a_message_whose_call_failed_may_stand_behind_later_ones() -> None:
    """The program sent it again, after others: that order is the program's doing."""
    lines, database, history = good()
    stored_in_another_order(lines, database, history)
    for line in [line for line in lines if line.what in (ledger.HEARD, ledger.ACKED)]:
        lines.remove(line)
    for seq, message in enumerate(database.messages[ROOM], 1):
        lines.append(
            Line(5 * SECOND + seq, ledger.ACKED, ("ani", "budi", message.id, str(ROOM), str(seq), "0"))
        )
        lines += [
            Line(6 * SECOND + seq, ledger.HEARD, (user, str(ROOM), str(seq), message.id, "ani"))
            for user in ("ani", "budi")
        ]
    assert verdict_on(lines, database, history).counts[DISORDER]
    lines.append(Line(4 * SECOND, ledger.FAILED, ("ani", "budi", "a1", "Timeout")))
    assert verdict_on(lines, database, history).clean


# --- flow -------------------------------------------------------------------------------------------


def flow_of(lines: list[Line], since: float) -> Flow:
    flow = Flow([Stream("ani", "budi")], [], int(since * SECOND))
    flow.feed(lines)
    return flow


def test_flow_is_counted_from_the_moment_to_the_first_message_sent_after_it() -> None:
    assert flow_of(good()[0], since=1.5).worst == pytest.approx(0.5, abs=0.001)


def test_a_message_sent_before_the_moment_is_no_sign_of_flow() -> None:
    lines = good()[0]
    lines[find(lines, ledger.HEARD, "budi", 2)] = Line(
        9 * SECOND, ledger.HEARD, ("budi", str(ROOM), "3", "a3", "ani")
    )
    assert flow_of(lines, since=3.5).worst is None


def test_a_repeated_message_is_no_sign_of_flow() -> None:
    lines = [
        Line(2 * SECOND, ledger.SENT, ("ani", "budi", "a1", "2")),
        Line(3 * SECOND, ledger.HEARD, ("budi", str(ROOM), "1", "a1", "ani")),
    ]
    assert flow_of(lines, since=1).worst is None


def test_what_was_heard_may_be_read_before_what_was_sent() -> None:
    lines = good()[0]
    sent = lines.pop(find(lines, ledger.SENT, "ani", 1))
    assert flow_of([*lines[:8], sent], since=1.5).worst == pytest.approx(0.5, abs=0.001)


# --- the ledger itself ------------------------------------------------------------------------------


def test_a_line_that_was_cut_off_is_dropped_and_counted(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "one.ledger")
    book.note(ledger.HEARD, "budi", ROOM, 1, "a1", "ani")
    book.close()
    with (tmp_path / "one.ledger").open("ab") as file:
        file.write(b"123 heard budi 7")
    reader = Reader(tmp_path)
    assert [line.fields for line in reader.new()] == [("budi", str(ROOM), "1", "a1", "ani")]
    book = Ledger(tmp_path / "one.ledger")
    book.note(ledger.HEARD, "budi", ROOM, 2, "a2", "ani")
    book.close()
    assert [line.fields[1:3] for line in reader.new()] == [(str(ROOM), "2")]
    assert reader.torn == 1


def test_a_program_goes_on_from_its_own_ledger(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "one.ledger")
    book.note(ledger.CURSOR, "ani", ROOM, 4)
    book.note(ledger.SENT, "ani", "budi", "a1", 1)
    book.note(ledger.SENT, "ani", "budi", "a2", 1)
    book.note(ledger.SENT, "ani", "budi", "a3", 1)
    book.note(ledger.ACKED, "ani", "budi", "a2", ROOM, 5, 0)
    book.note(ledger.HEARD, "ani", ROOM, 5, "a2", "ani")
    book.close()
    everyone = read_past(tmp_path / "one.ledger")
    assert everyone is not None
    past = everyone["ani"]
    assert past.cursors == {ROOM: 5}
    assert past.unanswered == [("a1", 1), ("a3", 1)]


def test_the_first_run_of_a_program_has_no_past(tmp_path: Path) -> None:
    assert read_past(tmp_path / "one.ledger") is None


# --- how it is told ---------------------------------------------------------------------------------


FIGURES = {
    "scenario": "broker",
    "blows": 3,
    "sent": 6775,
    "acknowledged": 6775,
    "lost": 0,
    "doubled": 0,
    "out_of_order": 0,
    "forever": 0,
    "flow_from": "the broker's return",
    "flow_worst_seconds": 0.758,
    "flow_median_seconds": 0.47,
    "flow_bar": 3.0,
    "others_cpu": 0.08,
    "bar_met": True,
}


def test_the_exit_code_says_whether_every_bar_was_met(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [FIGURES, {**FIGURES, "bar_met": False}]
    monkeypatch.setattr(run, "crash", lambda *_, **__: iter(told))
    assert run.main(["--json"]) == 1
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == told
    told.pop()
    assert run.main(["--markdown"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "| broker | 3 | 6,775 | 0 | 0 | 0 | 0 | the broker's return | 0.76 (0.47) | 3 | 8% |"
    )
    assert run.main([]) == 0
    assert "lost 0" in capsys.readouterr().out


def test_a_scenario_that_is_not_there_is_a_wrong_command_line() -> None:
    with pytest.raises(SystemExit) as ended:
        run.main(["--only", "earthquake"])
    assert ended.value.code == 2


# --- memory -----------------------------------------------------------------------------------------


def test_the_slope_is_of_the_last_two_thirds_and_is_not_moved_by_an_odd_sample() -> None:
    times = [float(at) for at in range(30)]
    values = [100.0 * at for at in range(10)] + [1000.0 + at for at in range(20)]
    assert slope(times, values) == pytest.approx(1.0)
    values[20] = 9999.0
    assert slope(times, values) == pytest.approx(1.0)


def test_a_minute_counts_by_its_median_sample() -> None:
    assert medians([0.0, 30.0, 59.0, 60.0, 61.0], [9.0, 7.0, 80.0, 7.5, 20.0]) == ([0.0, 60.0], [9.0, 13.75])


def test_the_share_of_others_is_what_is_busy_and_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([(100.0, 50.0, 10.0), (120.0, 60.0, 14.0)])
    monkeypatch.setattr(OthersShare, "_times", staticmethod(lambda: next(moments)))
    assert OthersShare().share() == pytest.approx(0.3)
