"""Files to other realms, in the batch that queues them: nothing waits twice, or though it was undone."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.errors import OK, Conflict
from services.context import Caller, Context
from services.file import changing
from services.storage.engine import Duplicate
from tests.services.file.share import Share
from tests.services.realms import meet, pair, row, waiting


def once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The second file that is finished gives this, once; what it did by then is done."""
    finish = changing.HANDLERS["file.finish"]
    calls = 0

    def troubled(ctx: Context, caller: Caller, command: Any) -> Any:
        nonlocal calls
        calls += 1
        answer = finish(ctx, caller, command)
        if calls == 2:
            raise error
        return answer

    monkeypatch.setitem(changing.HANDLERS, "file.finish", troubled)


def finished(share: Share) -> list[str]:
    """Statuses of two files to Bob of b, finished in one batch."""
    pair(share)
    meet(share, "bob")
    uploads = [share.ready("ani", to="bob@b", name=name) for name in ("one", "two")]
    return [
        answer.status for answer in share.files(*[("ani", "file.finish", {"upload": id}) for id in uploads])
    ]


def test_a_batch_of_files_that_is_done_once_more_waits_for_the_realm_once(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    once(monkeypatch, Duplicate())
    assert finished(share) == [OK, OK]
    assert [(n, seq) for n, _, _, _, seq, _ in waiting(share)] == [(1, 1), (2, 2)]
    assert row(share).waiting == 2


def test_what_was_queued_for_a_file_that_was_refused_does_not_wait(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    once(monkeypatch, Conflict("No."))
    assert finished(share) == [OK, Conflict.code]
    assert [seq for _, _, _, _, seq, _ in waiting(share)] == [1]
