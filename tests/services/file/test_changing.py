"""Changes of one batch: in order of arrival, each by itself, and done over when somebody stood in the way."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import COMMANDS, Body
from protocol.errors import OK, Failure
from services.context import Caller, Context
from services.file import changing
from services.messaging.post import Moved
from services.storage import messages
from services.storage.engine import Duplicate
from tests.services.file.share import Share


def test_every_command_that_changes_files_is_brought_in_order() -> None:
    writing = {name for name, row in COMMANDS.items() if row.service == "file" and row.writes}
    assert set(changing.HANDLERS) == writing


def test_changes_are_made_in_order_of_arrival(share: Share) -> None:
    upload = share.id()
    answers = share.files(
        ("ani", "file.mkdir", {"path": "a"}),
        ("ani", "file.begin", {"id": upload, "size": 3, "path": "a/b"}),
        ("budi", "file.mkdir", {"path": "a"}),
        ("ani", "file.move", {"path": "a", "to": "c"}),
        ("ani", "file.begin", {"id": share.id(), "size": 3, "path": "a/b"}),
        ("ani", "file.cancel", {"upload": upload}),
        ("ani", "file.delete", {"path": "c"}),
        ("ani", "file.list", {}),
    )
    assert [answer.status for answer in answers] == [OK, OK, OK, OK, "not_found", OK, OK, OK]
    assert (share.tree("ani"), share.tree("budi")) == ([], ["a/"])


def test_a_mistake_of_ours_spoils_no_neighbour(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(ctx: Context, caller: Caller, command: Any) -> Body | Failure:
        raise ZeroDivisionError

    monkeypatch.setitem(changing.HANDLERS, "file.move", wrong)
    upload = share.ready("ani", to="budi", name="surat")
    answers = share.files(
        ("ani", "file.mkdir", {"path": "a"}),
        ("ani", "file.move", {"path": "a", "to": "b"}),
        ("ani", "file.finish", {"upload": upload}),
    )
    assert [answer.status for answer in answers] == [OK, "internal", OK]
    assert (len(share.heard("budi", "message")), share.tree("ani")) == (1, ["a/"])


@pytest.mark.parametrize("error", [Moved, Duplicate])
def test_when_others_stood_in_the_way_it_is_all_done_over_and_said_once(
    share: Share, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """A first message to somebody makes a conversation, whose number is another one the second time."""
    tries = []
    add = messages.add

    def hindered(tx: Any, new: Any) -> None:
        tries.append(new)
        if len(tries) == 3:
            raise error
        add(tx, new)

    monkeypatch.setattr(messages, "add", hindered)
    uploads = [share.ready("ani", to=to, name="surat") for to in ("budi", "budi", "citra")]
    answers = share.files(*[("ani", "file.finish", {"upload": upload}) for upload in uploads])
    assert [answer.status for answer in answers] == [OK, OK, OK]
    assert len(tries) == 6
    assert [len(share.heard(who, "message")) for who in ("budi", "citra")] == [2, 1]
    for to, next_seq in (("budi", 3), ("citra", 2)):
        assert share.say("ani", to)["seq"] == next_seq
        assert share.post("ani", to)["seq"] == next_seq + 1
    assert share.usage("ani") == (5, 15)


def test_who_is_hindered_again_and_again_hears_to_try_later(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hindered(tx: Any, new: Any) -> None:
        raise Moved

    upload = share.ready("ani", to="budi", name="surat")
    with monkeypatch.context() as hindering:
        hindering.setattr(messages, "add", hindered)
        (answer,) = share.files(("ani", "file.finish", {"upload": upload}))
    assert (answer.status, share.events) == ("unavailable", [])
    assert share.do("ani", "file.finish", upload=upload)["duplicate"] is False
