"""A worker's engine, with hands that work when a test says so, and the people who come to it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from config.settings import Settings
from protocol.backend import Call
from protocol.envelope import pack_body, unpack_body
from services import auth
from services.batch import Done, Engine
from services.context import Service
from services.storage.engine import Store
from tests.services.house import House, Person
from tests.services.world import World


class Later:
    """Hands that do the work when a test says so."""

    def __init__(self) -> None:
        self._begun: list[tuple[Callable[[], Any], Future[Any]]] = []
        self.at_once = 0

    def __call__(self, work: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._begun.append((work, future))
        self.at_once = max(self.at_once, len(self._begun))
        return future

    def do(self) -> None:
        """The work in hand."""
        work, future = self._begun.pop(0)
        future.set_result(work())


class Desk:
    """A worker's engine, auth's if no other is named, and the people who come to it."""

    def __init__(
        self, settings: Settings, store: Store, world: World, service: Service = auth.SERVICE
    ) -> None:
        self.house = House(store, settings)
        self.hands = Later()
        self.engine = Engine(service, store, settings, world.log, clock=lambda: 0, hands=self.hands)
        self.answers: list[tuple[int, str]] = []
        self.bodies: list[dict[str, Any]] = []
        """Of the newest answers."""
        self._handles = itertools.count()

    def come(self, *who: tuple[str, str, str]) -> None:
        """(name, password, address) of logins that arrive together; handles go on from 0."""
        calls = []
        for name, password, address in who:
            body = pack_body({"username": name, "password": password})
            calls.append(Call(next(self._handles), "auth.login", 0, "", 0, False, body, address))
        self.note(self.engine.take(calls, self.house.now))

    def ask(self, *asked: tuple[Person, str, dict[str, Any], str]) -> None:
        """(who, command, fields, address) of people with a session, arriving together."""
        calls = []
        for who, command, fields, address in asked:
            stamp = (who.user_id, who.name, who.session, False)
            calls.append(Call(next(self._handles), command, *stamp, pack_body(fields), address))
        self.note(self.engine.take(calls, self.house.now))

    def note(self, done: Done) -> None:
        self.bodies = [unpack_body(body) for _, _, body in done.replies]
        self.answers += [(handle, status) for handle, status, _ in done.replies]

    def step(self) -> None:
        self.note(self.engine.step(self.house.now))

    def work(self) -> list[tuple[int, str]]:
        """Do everything; the answers in the order in which they came."""
        while self.engine.waiting:
            if self.engine.ready:
                self.step()
            else:
                self.hands.do()
        return self.answers
