"""Several workers at once, each with its own store: quotas stay exact, nothing is lost between two hands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from protocol.errors import Failure, Forbidden, NotFound, Unavailable
from services.storage import open_store
from services.storage.engine import Store, StoreBusy, Transaction
from tests.services.file.share import Share, sha

WORKERS = 4
ROUNDS = 5
CROSSINGS = 30

Act = tuple[str, str, dict[str, Any]]


@pytest.fixture
def at_once(share: Share) -> Callable[[list[Act]], list[dict[str, Any] | Failure]]:
    """Do all of it at the same moment, each act by a worker of its own; replies or refusals, in order."""

    def doing(acts: list[Act]) -> list[dict[str, Any] | Failure]:
        start = threading.Barrier(len(acts))

        def one(act: Act) -> dict[str, Any] | Failure:
            who, command, fields = act
            store = open_store(share.settings)
            try:
                worker = share.beside(store)
                start.wait(timeout=10)
                return worker.do(who, command, **fields)
            except Failure as refusal:
                assert not isinstance(refusal, Unavailable), refusal.message
                return refusal
            finally:
                store.close()

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(one, acts))

    return doing


class Watched:
    """A store that remembers when a transaction of its was given up because others stood in its way."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.dialect, self.read, self.close = store.dialect, store.read, store.close
        self.exclusive = store.exclusive
        self.busy: list[StoreBusy] = []

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """As the store's."""
        try:
            with self._store.write() as tx:
                yield tx
        except StoreBusy as error:
            self.busy.append(error)
            raise


AtOnce = Callable[[list[Act]], list[dict[str, Any] | Failure]]


def kinds(results: list[dict[str, Any] | Failure]) -> list[str]:
    """What came of each, sorted."""
    return sorted("ok" if isinstance(result, dict) else result.code for result in results)


def test_many_beginning_at_once_do_not_pass_the_quota_together(share: Share, at_once: AtOnce) -> None:
    share.set(file_quota_bytes=250)
    acts = [("ani", "file.begin", {"id": share.id(), "size": 100, "path": f"{n}"}) for n in range(WORKERS)]
    results = at_once(acts)
    assert kinds(results) == ["ok", "ok", "too_large", "too_large"]
    assert share.usage("ani") == (0, 200)


def test_many_beginning_at_once_do_not_pass_the_number_of_uploads(share: Share, at_once: AtOnce) -> None:
    share.set(uploads_per_user=1)
    acts = [("ani", "file.begin", {"id": share.id(), "size": 100, "path": f"{n}"}) for n in range(WORKERS)]
    assert kinds(at_once(acts)) == ["ok", *["too_large"] * (WORKERS - 1)]


def test_one_upload_begun_at_once_by_several_devices_counts_once(share: Share, at_once: AtOnce) -> None:
    fields = {"id": share.id(), "size": 100, "to": "budi", "name": "a"}
    assert kinds(at_once([("ani", "file.begin", fields)] * WORKERS)) == ["ok"] * WORKERS
    assert share.usage("ani") == (0, 100)


@pytest.mark.parametrize(
    "where", [{"to": "budi", "name": "a"}, {"to": "#ops", "name": "a"}, {"path": "a"}], ids=str
)
def test_one_upload_finished_at_once_by_several_devices_is_one_file(
    share: Share, at_once: AtOnce, where: dict[str, Any]
) -> None:
    share.group("ops", "ani", "budi")
    upload = share.ready("ani", **where)
    results = at_once([("ani", "file.finish", {"upload": upload})] * WORKERS)
    replies = [result for result in results if isinstance(result, dict)]
    assert sorted(reply["duplicate"] for reply in replies) == [False, *[True] * (WORKERS - 1)]
    assert len({reply["file"]["file"] for reply in replies}) == 1
    assert share.usage("ani") == (1, 3)
    assert len(share.stored()) == ("to" in where)


def test_one_path_is_taken_by_one_of_many(share: Share, at_once: AtOnce) -> None:
    uploads = [share.ready("ani", path="a") for _ in range(WORKERS - 1)]
    acts: list[Act] = [("ani", "file.finish", {"upload": upload}) for upload in uploads]
    results = at_once([*acts, ("ani", "file.mkdir", {"path": "a"})])
    assert kinds(results) == [*["conflict"] * (WORKERS - 1), "ok"]


def test_what_gives_way_to_many_at_once_gives_way_to_each_in_turn(share: Share, at_once: AtOnce) -> None:
    share.put("ani", "a", b"lama")
    uploads = [share.ready("ani", b"%d" % n, path="a", replace=True) for n in range(WORKERS)]
    assert kinds(at_once([("ani", "file.finish", {"upload": each}) for each in uploads])) == ["ok"] * WORKERS
    assert share.usage("ani") == (1, 1)
    left = share.do("ani", "file.stat", path="a")["sha256"]
    for data in [b"lama", *(b"%d" % n for n in range(WORKERS))]:
        assert share.state(data) == ("stored" if sha(data) == left else "going")


def test_the_last_references_dropped_at_once_release_the_bytes_once(share: Share, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        for who in ("ani", "budi", "citra"):
            share.put(who, "a", b"sama")
        acts: list[Act] = [(who, "file.delete", {"path": "a"}) for who in ("ani", "budi", "citra")]
        assert kinds(at_once(acts)) == ["ok"] * 3
        assert share.state(b"sama") == "going"


def test_bytes_copied_while_their_last_file_is_deleted_are_kept_or_sent_again(
    share: Share, at_once: AtOnce
) -> None:
    for place in range(ROUNDS):
        share.post("ani", "budi", data=b"sama")
        file = share.row("select max(id) from files")[0]
        upload = share.id()
        asked = {"id": upload, "size": 4, "path": f"{place}", "sha256": sha(b"sama")}
        deleted, begun = at_once([("ani", "file.delete", {"file": file}), ("budi", "file.begin", asked)])
        assert isinstance(deleted, dict) and isinstance(begun, dict)
        if begun["missing"]:
            assert share.state(b"sama") == "going"
            share.do("budi", "file.cancel", upload=upload)
        else:
            assert share.state(b"sama") == "stored"
            share.do("budi", "file.finish", upload=upload)
            share.do("budi", "file.delete", path=f"{place}")


def test_a_file_finished_while_its_sender_is_removed_is_sent_before_or_not_at_all(
    share: Share, at_once: AtOnce
) -> None:
    for place in range(ROUNDS):
        name = f"ops{place}"
        share.group(name, "ani", "budi")
        upload = share.ready("budi", to=f"#{name}", name="a")
        before = share.usage("budi")
        finished, removed = at_once(
            [
                ("budi", "file.finish", {"upload": upload}),
                ("ani", "group.remove", {"group": name, "user": "budi"}),
            ]
        )
        assert removed == {}
        seen = share.do("ani", "message.history", **{"with": f"#{name}"})["messages"]
        if isinstance(finished, dict):
            assert [message["file"]["file"] for message in seen] == [finished["file"]["file"]]
        else:
            assert isinstance(finished, Forbidden) and not seen
            share.do("budi", "file.cancel", upload=upload)
        assert share.usage("budi")[1] in (before[1], before[1] - 3)


def test_a_group_deleted_while_files_come_in_and_go_leaves_none_behind(share: Share, at_once: AtOnce) -> None:
    for place in range(ROUNDS):
        name = f"ops{place}"
        group = share.group(name, "ani", "budi")
        sent = share.post("ani", f"#{name}", data=b"satu")["file"]["file"]
        ready = {who: share.ready(who, to=f"#{name}", name="a") for who in ("ani", "budi")}
        results = at_once(
            [
                ("ani", "group.leave", {"group": name}),
                ("budi", "group.leave", {"group": name}),
                ("ani", "file.finish", {"upload": ready["ani"]}),
                ("budi", "file.finish", {"upload": ready["budi"]}),
                ("ani", "file.delete", {"file": sent}),
            ]
        )
        assert results[:2] == [{}, {}]
        for result in results[2:]:
            assert isinstance(result, dict | Forbidden | NotFound), result
        for who, result in zip(("ani", "budi"), results[2:4], strict=True):
            if isinstance(result, Failure):
                share.do(who, "file.cancel", upload=ready[who])
        assert share.row("select count(*) from files where conversation_id = $1", group) == (0,)
        assert (share.usage("ani"), share.usage("budi")) == ((0, 0), (0, 0))


def test_a_file_and_messages_sent_at_once_have_numbers_without_a_hole(share: Share, at_once: AtOnce) -> None:
    group = share.group("ops", "ani", "budi")
    acts: list[Act] = []
    for who in ("ani", "budi"):
        acts.append((who, "file.finish", {"upload": share.ready(who, to="#ops", name="a")}))
        acts.append((who, "message.send", {"to": "#ops", "body": "halo", "id": share.id()}))
    results = at_once(acts)
    assert sorted(result["seq"] for result in results if isinstance(result, dict)) == [1, 2, 3, 4]
    assert share.do("ani", "conversation.verify", conversation=group)["complete"] is True


@pytest.mark.parametrize("people", [("ani", "budi"), ("ani", "ani")], ids=str)
def test_two_workers_with_the_same_groups_never_wait_in_a_circle(
    share: Share, people: tuple[str, str]
) -> None:
    share.set(uploads_per_user=100)
    names = [f"ops{n}" for n in range(4)]
    for name in names:
        share.group(name, "ani", "budi")
    batches: list[list[list[Act]]] = [
        [[finishing(share, who, name) for name in names[::order]] for _ in range(ROUNDS)]
        for who, order in zip(people, (1, -1), strict=True)
    ]
    assert side_by_side(share, batches) == [({"ok"}, []), ({"ok"}, [])]
    for name in names:
        assert share.do("ani", "conversation.verify", **{"with": f"#{name}"})["count"] == 2 * ROUNDS


def side_by_side(share: Share, batches: list[list[list[Act]]]) -> list[tuple[set[str], list[StoreBusy]]]:
    """Each worker's batches one by one: what they were answered, and when others stood in the way."""
    start = threading.Barrier(len(batches))

    def one(mine: list[list[Act]]) -> tuple[set[str], list[StoreBusy]]:
        store = Watched(open_store(share.settings))
        try:
            worker = share.beside(store)
            start.wait(timeout=10)
            answers = [answer for calls in mine for answer in worker.at_once(*calls)]
            return {answer.status for answer in answers}, store.busy
        finally:
            store.close()

    with ThreadPoolExecutor(len(batches)) as pool:
        return list(pool.map(one, batches))


def test_two_workers_that_let_go_of_the_same_bytes_never_wait_in_a_circle(share: Share) -> None:
    """Of different people, in different orders: only the bytes are the same."""
    share.set(uploads_per_user=1000)
    batches: list[list[list[Act]]] = [[], []]
    for place in range(CROSSINGS):
        one, other = f"satu {place}".encode(), f"dua {place}".encode()
        for worker, (first, second) in enumerate((("ani", "budi"), ("citra", "dewi"))):
            batches[worker].append(
                [letting_go(share, first, place, one), letting_go(share, second, place, other)]
            )
            one, other = other, one
    assert side_by_side(share, batches) == [({"ok"}, []), ({"ok"}, [])]


def letting_go(share: Share, who: str, place: int, data: bytes) -> Act:
    """A call that drops somebody's reference to some bytes, and refers to them no less than it drops them."""
    if place % 3 == 0:
        share.put(who, f"f{place}", data)
        return who, "file.delete", {"path": f"f{place}"}
    if place % 3 == 1:
        return who, "file.cancel", {"upload": share.ready(who, data, path=f"f{place}")}
    claim = {"id": share.id(), "size": len(data), "sha256": sha(data)}
    return who, "file.begin", {"path": f"f{place}", **claim}


def test_groups_deleted_while_files_are_sent_never_make_workers_wait_in_a_circle(share: Share) -> None:
    """One worker deletes two groups and their files at a time, the other sends to both."""
    share.set(uploads_per_user=1000)
    batches: list[list[list[Act]]] = [[], []]
    for place in range(CROSSINGS):
        names = [f"one{place}", f"other{place}"]
        for name in names:
            share.group(name, "budi")
            share.post("budi", f"#{name}", data=b"satu")
        batches[0].append([("budi", "group.leave", {"group": name}) for name in names[:: 1 - place % 2 * 2]])
        batches[1].append([finishing(share, "budi", name) for name in names])
    (left, busy), (_, waited) = side_by_side(share, batches)
    assert (left, busy, waited) == ({"ok"}, [], [])
    for upload in share.do("budi", "file.uploads")["uploads"]:
        share.do("budi", "file.cancel", upload=upload["upload"])


def finishing(share: Share, who: str, group: str) -> Act:
    """A call that sends a file to a group."""
    return who, "file.finish", {"upload": share.ready(who, to=f"#{group}", name="a")}


def test_folders_moved_into_each_other_at_once_make_no_circle(share: Share, at_once: AtOnce) -> None:
    for place in range(ROUNDS):
        one, other = f"a{place}", f"b{place}"
        for path in (one, other):
            share.do("ani", "file.mkdir", path=path)
        results = at_once(
            [
                ("ani", "file.move", {"path": one, "to": f"{other}/x"}),
                ("ani", "file.move", {"path": other, "to": f"{one}/x"}),
            ]
        )
        assert kinds(results) == ["not_found", "ok"]
