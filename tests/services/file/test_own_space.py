"""Somebody's own space against a model of it: whatever is done to it in whatever order, both agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.errors import Conflict, Failure, Invalid, NotFound, TooLarge
from tests.services.file.share import Share

MOST = 12
QUOTA = 40

NAMES = ("a", "b", "a0", "A", "é")
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
datas = st.sampled_from((b"", b"1", b"22", b"22 lagi", b"sepuluh 10", b"sembilan belas bytes"))

ACTS = st.one_of(
    st.tuples(st.just("put"), paths, datas, st.booleans()),
    st.tuples(st.just("move"), paths, paths, st.booleans()),
    st.tuples(st.just("delete"), paths, st.booleans()),
    st.tuples(st.just("mkdir"), paths, st.booleans()),
)


def above(path: str) -> str:
    """The folder that a path is in."""
    return path.rpartition("/")[0]


class Model:
    """Folders, and what files hold; each act raises what the server should answer."""

    def __init__(self) -> None:
        self.folders: set[str] = set()
        self.files: dict[str, bytes] = {}

    def paths(self) -> list[str]:
        """Every path, folders with a slash behind them."""
        return sorted([*(f"{path}/" for path in self.folders), *self.files])

    def usage(self) -> tuple[int, int]:
        """(files, bytes)."""
        return len(self.folders) + len(self.files), sum(map(len, self.files.values()))

    def _free(self, path: str, replace: bool) -> None:
        if above(path) and above(path) not in self.folders:
            raise NotFound("")
        if path in self.folders or (path in self.files and not replace):
            raise Conflict("")

    def _room(self, more: int) -> None:
        if self.usage()[0] + more > MOST:
            raise TooLarge("")

    def put(self, path: str, data: bytes, replace: bool) -> None:
        """Store a file."""
        if self.usage()[1] + len(data) > QUOTA:
            raise TooLarge("")
        self._room(1)
        self._free(path, replace)
        self.files[path] = data

    def mkdir(self, path: str, parents: bool) -> None:
        """Make a folder."""
        if not parents and above(path) and above(path) not in self.folders:
            raise NotFound("")
        if not parents and path in self.folders:
            raise Conflict("")
        names = path.split("/")
        lacking = {"/".join(names[: n + 1]) for n in range(len(names))} - self.folders
        if lacking & self.files.keys():
            raise Conflict("")
        if lacking:
            self._room(len(lacking))
        self.folders |= lacking

    def move(self, path: str, to: str, replace: bool) -> None:
        """Give a file or a folder another path."""
        if path not in self.folders and path not in self.files:
            raise NotFound("")
        if path == to:
            return
        if path in self.folders and to.startswith(path + "/"):
            raise Invalid("")
        self._free(to, replace and path in self.files)

        def renamed(each: str) -> str:
            return to + each[len(path) :] if each == path or each.startswith(path + "/") else each

        data = self.files.get(path)
        self.files = {renamed(each): data for each, data in self.files.items()}
        self.folders = {renamed(each) for each in self.folders}
        if data is not None:
            self.files[to] = data

    def delete(self, path: str, recursive: bool) -> None:
        """Delete a file or a folder."""
        if self.files.pop(path, None) is not None:
            return
        if path not in self.folders:
            raise NotFound("")
        inside = [each for each in (*self.folders, *self.files) if each.startswith(path + "/")]
        if inside and not recursive:
            raise Conflict("")
        self.folders -= {path, *inside}
        self.files = {each: data for each, data in self.files.items() if each not in inside}


def outcome(act: Callable[[], Any]) -> str:
    """ok, or the code of the refusal."""
    try:
        act()
    except Failure as refusal:
        return refusal.code
    return "ok"


def do(share: Share, who: str, act: tuple[Any, ...]) -> None:
    """The same on the server."""
    kind, path, *rest = act
    if kind == "put":
        share.put(who, path, rest[0], replace=rest[1])
    elif kind == "move":
        share.do(who, "file.move", path=path, to=rest[0], replace=rest[1])
    elif kind == "delete":
        share.do(who, "file.delete", path=path, recursive=rest[0])
    else:
        share.do(who, "file.mkdir", path=path, parents=rest[0])


def agrees(share: Share, who: str, acts: list[tuple[Any, ...]]) -> None:
    """Somebody new does all this, and each time the answer and what is there are what the model says."""
    share.people[who] = share.account(who)
    model = Model()
    for act in acts:
        kind, *rest = act
        wanted = outcome(partial(getattr(model, kind), *rest))
        assert outcome(partial(do, share, who, act)) == wanted, act
        assert share.tree(who) == model.paths()
        assert share.usage(who) == model.usage()
    share.sound()


def test_whatever_is_done_to_ones_own_space_it_is_as_one_would_think(share: Share, database: str) -> None:
    share.set(files_per_user=MOST, file_quota_bytes=QUOTA)
    numbers = itertools.count()

    @settings(max_examples=10 if database else 80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(ACTS, min_size=5, max_size=25))
    def holds(acts: list[tuple[Any, ...]]) -> None:
        agrees(share, f"user{next(numbers)}", acts)

    holds()
