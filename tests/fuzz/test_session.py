"""The client's session, given anything by the server in any order: it never falls over, and stays small."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from client.session import Session
from protocol import commands
from protocol.commands import COMMANDS, Body
from protocol.envelope import pack_event, pack_reply, unpack_body, unpack_request
from protocol.errors import FAILURES, OK
from protocol.events import EVENTS
from tests.fuzz import targets
from tests.fuzz.profile import FUZZ
from tests.fuzz.strategies import IDS, binaries, bodies_of, integers, junk, packed, spoilt, texts

CALLS: tuple[tuple[str, Body], ...] = (
    ("auth.login", commands.Login("ani", "secret")),
    ("auth.resume", commands.Resume(targets.TOKEN)),
    ("auth.password", commands.ChangePassword("secret", "secret2")),
    ("auth.logout", commands.Empty()),
    ("user.whoami", commands.Empty()),
    ("session.ping", commands.Empty()),
    ("message.history", commands.History(address="budi")),
    ("conversation.list", commands.ListConversations()),
    ("group.create", commands.CreateGroup("ops")),
    ("group.join", commands.JoinGroup("ops")),
    ("group.leave", commands.NameGroup("ops")),
)
MOST_FRAMES = 150
"""Frames that one input may make a client send: as many messages fly at once, and some requests."""

replies = {
    name: st.tuples(st.just(OK), packed(bodies_of(row.reply, wild=3))) for name, row in COMMANDS.items()
}
refusals = st.tuples(
    st.sampled_from(sorted(FAILURES)) | texts,
    packed(
        st.fixed_dictionaries(
            {"message": texts},
            optional={"retry_after": st.floats() | integers, "missing": binaries, "uncertain": st.booleans()},
        )
    ),
)
events = st.sampled_from(sorted(EVENTS)).flatmap(
    lambda kind: st.builds(
        pack_event,
        st.sampled_from([targets.TOPIC, targets.SECRET]) | binaries,
        st.just(kind),
        packed(bodies_of(EVENTS[kind], wild=3)),
    )
)
steps = st.one_of(
    st.tuples(st.just("answer"), st.integers(0, 5), st.none()),
    st.tuples(st.just("answer"), st.integers(0, 5), st.none()),
    st.tuples(st.just("event"), st.none(), events),
    st.tuples(st.just("event"), st.none(), spoilt(events) | junk),
    st.tuples(st.just("reply"), st.none(), junk),
    st.tuples(st.just("request"), st.sampled_from(CALLS), st.none()),
    st.tuples(st.just("send"), st.sampled_from(["budi", "#ops", "*"]), texts),
    st.tuples(st.just("listen"), st.none(), st.none()),
    st.tuples(st.just("socket"), st.sampled_from(["connected", "disconnected", "refused"]), st.none()),
    st.tuples(st.just("socket"), st.sampled_from(["events_connected", "events_disconnected"]), st.none()),
    st.tuples(st.just("wake"), st.sampled_from([0.0, 0.05, 2.0, 11.0, 100.0]), st.none()),
)


class Client:
    """A session with everything it ever sent and answered; it never leaves its bounds."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.now = 1.0
        self.asked: list[tuple[int, str]] = []
        """(request id, command) of what it sent."""
        self.handles = 0
        self.answered: set[int] = set()
        self.inputs = 0

    def handle(self) -> int:
        """A handle for one more call."""
        self.handles += 1
        return self.handles

    def look(self) -> None:
        """Take what it wants done; count it."""
        session = self.session
        self.inputs += 1
        assert len(session.frames) <= MOST_FRAMES
        for frame in session.frames:
            request = unpack_request(frame)
            assert type(unpack_body(request.body)) is dict
            self.asked.append((request.request_id, request.command))
        for handle, answer in session.answers:
            assert handle not in self.answered, "answered twice"
            assert isinstance(answer, Body | Exception)
            self.answered.add(handle)
        for subscribe, topic in session.subscriptions:
            assert type(subscribe) is bool and type(topic) is bytes
        for each in (
            session.frames,
            session.answers,
            session.subscriptions,
            session.events,
            session.baselines,
        ):
            each.clear()
        assert len(session.timers._heap) <= 100 + 60 * self.inputs
        assert type(session.wake_at()) is float


def step(client: Client, draw: Any, kind: str, who: Any, what: Any) -> None:
    """Do to the client what was drawn."""
    session, now = client.session, client.now
    if kind == "answer":
        if client.asked:
            request_id, command = client.asked[-1 - who % len(client.asked)]
            status, body = draw(st.one_of(replies[command], replies[command], refusals))
            session.reply(now, pack_reply(request_id, status, body))
    elif kind in ("event", "reply"):
        getattr(session, kind)(now, what)
    elif kind == "request":
        session.request(now, client.handle(), *who)
    elif kind == "send":
        session.send(now, client.handle(), who, what, IDS[client.handles % len(IDS)])
    elif kind == "listen":
        session.listen(now, client.handle())
    elif kind == "socket":
        getattr(session, who)(now)
    else:
        client.now += who
        session.wake(client.now)


@FUZZ
@given(st.lists(steps, min_size=5, max_size=50), st.booleans(), st.data())
def test_no_server_can_upset_a_client(
    drawn: list[tuple[str, Any, Any]], logged_in: bool, data: st.DataObject
) -> None:
    session = targets.listening_session() if logged_in else Session(random.Random(1))
    client = Client(session)
    client.handles = 10
    for kind, who, what in drawn:
        client.now += 0.01
        step(client, data.draw, kind, who, what)
        client.look()
    for _ in range(5):
        client.now += 100.0
        session.wake(client.now)
        client.look()
    calls = set(range(11, client.handles + 1))
    waiting = calls - client.answered
    assert len(waiting) <= sum(kind == "listen" for kind, _, _ in drawn), "only listening has no deadline"


wild_texts = texts | st.text(st.characters(), max_size=20)


@FUZZ
@given(st.lists(st.tuples(st.sampled_from(["budi", "#ops", "*"]) | wild_texts, wild_texts), max_size=8))
def test_whatever_a_program_says_leaves_or_is_refused_at_once(said: list[tuple[str, str]]) -> None:
    client = Client(targets.listening_session())
    client.handles = 10
    for to, text in said:
        client.session.send(client.now, client.handle(), to, text, IDS[0])
        client.look()
    fit = [proper(to) and proper(text) for to, text in said]
    assert client.answered == {11 + place for place, each in enumerate(fit) if not each}
    assert len(client.asked) == sum(fit)


def proper(text: str) -> bool:
    """Whether it can be written in UTF-8."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
