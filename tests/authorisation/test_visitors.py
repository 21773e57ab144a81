"""What the end of a visitor's session costs the others, who came in through a gateway and who did not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from benchmarks.own_server import OwnServer
from config.keys import gateway_secret
from tests.authorisation.doors import WireSeat
from tests.authorisation.ear import Ear
from tests.authorisation.stage import PASSWORD, Stage


class Visit:
    """Ani has a laptop, and visits through a gateway; budi listens to everything that he may."""

    def __init__(self, stage: Stage, secret: bytes) -> None:
        self.stage = stage
        self.laptop, self.budi = stage.person("ani"), stage.person("budi")
        self.gate = stage.wire.seat()
        self.gate.ask("gateway.introduce", secret=secret)
        assert self.gate.login(self.laptop.name, PASSWORD, "netcat").code == "ok"
        self.gate.ask("session.ping")
        self.ear = Ear(self.budi)

    def replaced(self) -> bool:
        """Whether budi was told that everyone's topic is another one."""
        everyone = self.ear.topics["*"]
        return any(heard.kind == "topics" and heard.topic == everyone for heard in self.ear.listen())

    def natively(self) -> WireSeat:
        """A native client with the visitor's token, wherever it has that from."""
        seat = self.stage.wire.seat()
        seat.user.token = self.gate.token
        return seat

    def close(self) -> None:
        """Everyone hangs up."""
        for seat in (self.laptop, self.budi, self.gate):
            seat.close()


@pytest.fixture
def visit(stage: Stage, server: OwnServer) -> Iterator[Visit]:
    """A visit that nobody else has to do with."""
    made = Visit(stage, gateway_secret(server.home))
    yield made
    made.close()


def test_a_visitor_who_leaves_is_gone_and_nobody_has_to_ask_for_topics(visit: Visit) -> None:
    visit.gate.ask("auth.logout")
    assert not visit.replaced()
    assert visit.gate.do("session.ping").code == "unauthenticated"
    assert visit.natively().do("session.ping").code == "unauthenticated"
    assert visit.gate.do("auth.resume", token=visit.gate.token).code == "invalid_credentials"
    visit.laptop.ask("session.ping")


def log_out_natively(visit: Visit) -> None:
    visit.natively().ask("auth.logout")


def log_out_of_a_session_that_was_used_natively(visit: Visit) -> None:
    visit.natively().ask("conversation.list")
    visit.gate.ask("auth.logout")


def revoke(visit: Visit) -> None:
    visit.laptop.ask("auth.revoke", session=visit.gate.session)


def change_the_password(visit: Visit) -> None:
    visit.laptop.ask("auth.password", old=PASSWORD, new=PASSWORD + "2")


def revoke_oneself(visit: Visit) -> None:
    visit.gate.ask("auth.revoke", session=visit.gate.session)


@pytest.mark.parametrize(
    "end",
    [
        log_out_natively,
        log_out_of_a_session_that_was_used_natively,
        revoke,
        change_the_password,
        revoke_oneself,
    ],
    ids=lambda end: end.__name__,
)
def test_any_other_end_of_a_visitors_session_replaces_topics(
    visit: Visit, end: Callable[[Visit], None]
) -> None:
    """Nobody can tell then who knows them."""
    end(visit)
    assert visit.replaced()
    assert visit.gate.do("session.ping").code == "unauthenticated"
