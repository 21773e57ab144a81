"""Hearing events so that nothing is missed: subscriptions, fences, catching up.

Belongs here: what a client does about events being lost. What was heard and the filling of holes is
``inbox``'s, requests are ``session``'s.

Catching up goes round until nothing is new:

    fence   subscribe to an invented topic; its ``welcome`` says that every subscription made before
            it is in force (skipped when there is none yet)
    ask     ``conversation.list``, and ``user.whoami`` and ``session.ping`` where their answers are
            not known, or may have changed unheard; subscribe to what the list names, and if that
            was new: fence again
    fill    fetch what lies between each cursor and the conversation's newest message

It begins at the start, after every reconnect, login and resume, when the epoch changes, when topics
change, when pings went unanswered for long, and in any case every minute or so: an event may be
lost without a trace, and then only looking shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from client.inbox import Hint, Inbox, Status
from protocol.addresses import Kind, TopicKind
from protocol.commands import (
    Body,
    ConversationInfo,
    ConversationsReply,
    Empty,
    GroupReply,
    ListConversations,
    PingReply,
    SendReply,
    convert,
)
from protocol.envelope import Event as Envelope
from protocol.envelope import unpack_body
from protocol.errors import Failure, Invalid
from protocol.events import (
    EVENTS,
    MembershipEvent,
    MessageEvent,
    TopicsEvent,
    Welcome,
)
from protocol.limits import TOPIC_BYTES

if TYPE_CHECKING:
    from client.outbox import Entry
    from client.session import Session

FENCE_PATIENCE: Final = 2.0
"""Seconds without a welcome after which another fence is made; doubles up to the next line."""
FENCE_PATIENCE_MOST: Final = 10.0
AUDIT: Final = 60.0
"""Seconds between two looks without a cause, give or take a quarter."""
TOPICS_JITTER: Final = 0.2
"""Seconds over which the members of a group spread their questions after its topic was replaced."""


class Listening:
    """The part of a session that hears events. Off until ``start``, and for good after ``stop``."""

    def __init__(self, session: Session, cursors: dict[int, int] | None) -> None:
        self.on = False
        self.live = False
        """Whether catching up was completed once."""
        self.inbox = Inbox(session, cursors)
        self._session = session
        self._subscribed: set[bytes] = set()
        self._epoch: int | None = None
        self._running = False
        self._again: bool | None = None
        """Another round is wanted after this one; True: with a fence."""
        self._fence = b""
        self._fence_patience = FENCE_PATIENCE
        self._renewing = False
        """The socket has just connected anew."""
        self._asked: set[str] = set()
        self._rows: list[ConversationInfo] = []
        self._identity_stale = False
        self._topics_due = False
        self._status = False

    @property
    def known_epoch(self) -> int | None:
        """The broker's epoch that every subscription from now on is for; None: not known yet."""
        return self._epoch

    @property
    def fence(self) -> bytes:
        """The topic that is awaited a welcome on; b"": none."""
        return self._fence

    def start(self, now: float) -> None:
        """Begin. When nothing can be missed any more, ``live`` is true and the session is told."""
        if not self.on:
            self.on = True
            self._schedule_audit(now)
            self.want(now)

    def stop(self) -> None:
        """Hear nothing more."""
        self.on = False
        self.inbox.conversations.clear()
        for topic in sorted(self._subscribed) + [self._fence] * bool(self._fence):
            self._session.subscriptions.append((False, topic))

    def say(self, connected: bool, reason: str = "") -> None:
        """Tell the program whether events are being heard, if that is news."""
        if self.on and self._status != connected:
            self._status = connected
            self._session.events.append(Status(connected, reason))

    # --- what is heard --------------------------------------------------------------------------

    def heard(self, now: float, envelope: Envelope) -> None:
        """One event. What is malformed or of an unknown kind is nothing to us."""
        kind = EVENTS.get(envelope.kind)
        if kind is None or not self.on:
            return
        try:
            event = convert(unpack_body(envelope.body), kind)
        except Invalid:
            self._session.junk += 1
            return
        self.told(now, envelope.topic, event)

    def told(self, now: float, topic: bytes, event: Body) -> None:
        """One event, read, as it came on this topic."""
        if isinstance(event, MessageEvent):
            if not self.inbox.message(now, event):
                self.want(now, fence=False)
        elif isinstance(event, Welcome):
            if topic == self._fence:
                self._welcomed(now, event)
        elif isinstance(event, TopicsEvent):
            self._topics_changed(now, event)
        elif isinstance(event, Hint):
            self.inbox.hint(event)
            if isinstance(event, MembershipEvent) and event.user == self._session.user:
                self.want(now, fence=False)

    def sent(self, now: float, entry: Entry, reply: SendReply) -> None:
        """A message of ours was stored."""
        if self.on and not self.inbox.sent(now, entry, reply):
            self.want(now, fence=False)

    def posted(self, now: float, conversation: int, seq: int) -> None:
        """A file of ours became a message: this device hears of it from the server alone."""
        if self.on and not (self.inbox.begun and self.inbox.exists(now, conversation, seq)):
            self.want(now, fence=False)

    def joined(self, now: float, reply: GroupReply) -> None:
        """This client created or joined a group; its name comes with the next list."""
        if not self.on or not self.inbox.begun:
            return
        known = self.inbox.conversations.get(reply.conversation)
        if known is None:
            known = self.inbox.add(reply.conversation, Kind.GROUP, "", reply.topic, reply.last_seq)
        known.topic = reply.topic
        self._subscribe()
        self.want(now)

    def _topics_changed(self, now: float, event: TopicsEvent) -> None:
        """Heard on several topics, and by everyone at once: so asked about once, and not at once."""
        if not event.conversation:
            self._identity_stale = True
        if not self._topics_due:
            self._topics_due = True
            moment = now + TOPICS_JITTER * self._session.rng.random()
            self._session.timers.at(max(moment, self._session.turn(now)), self._look_at_topics)

    def _look_at_topics(self, now: float, _: object) -> None:
        self._topics_due = False
        self.want(now, fence=False)

    # --- the connection -------------------------------------------------------------------------

    def events_connected(self, now: float) -> None:
        """The socket renews the subscriptions by itself; a fence tells when they are in force.

        It does so in an order of its own and may put the fence in the middle, so the first welcome only
        says that the renewal has begun to arrive: a second fence, made then, is truly behind it.
        """
        self._renewing = True
        self._identity_stale |= self.live
        if self._fence:
            self._make_fence(now)
        else:
            self.want(now)

    def epoch(self, now: float, epoch: int) -> None:
        """The broker's epoch; a new one means that subscriptions may have been refused."""
        if self.on and self._renewed(epoch):
            self.want(now)

    def _renewed(self, epoch: int) -> bool:
        """Whether the epoch is a new one; everything is then subscribed to anew."""
        known, self._epoch = self._epoch, epoch
        if known is None or known == epoch:
            return False
        for topic in sorted(self._subscribed):
            self._session.subscriptions.append((False, topic))
            self._session.subscriptions.append((True, topic))
        return True

    def _subscribe(self) -> bool:
        """Make the subscriptions what they should be; True: some are new."""
        topics = self.inbox.topics() | {self._session.topic}
        for topic in sorted(self._subscribed - topics):
            self._session.subscriptions.append((False, topic))
        new = sorted(topics - self._subscribed)
        self._session.subscriptions.extend((True, topic) for topic in new)
        self._subscribed = topics
        return bool(new)

    # --- catching up ----------------------------------------------------------------------------

    def want(self, now: float, fence: bool = True) -> None:
        """Catch up, now or after the round that is under way."""
        if not self.on:
            return
        if self._running:
            self._again = fence or bool(self._again)
            return
        self._running = True
        if fence and self._subscribed:
            self._make_fence(now)
        else:
            self._ask(now)

    def _schedule_audit(self, now: float) -> None:
        self._session.timers.at(now + AUDIT * self._session.rng.uniform(0.75, 1.25), self._audit)

    def _audit(self, now: float, _: object) -> None:
        if self.on:
            # Who missed the word that their own topic was replaced would never hear of it on the old one.
            self._identity_stale = True
            self.want(now)
            self._schedule_audit(now)

    def _make_fence(self, now: float) -> None:
        """A second subscription to a topic says nothing to the broker, so every fence is a fresh one."""
        if self._fence:
            self._session.subscriptions.append((False, self._fence))
        else:
            self._fence_patience = FENCE_PATIENCE
        self._fence = TopicKind.USER + self._session.rng.randbytes(TOPIC_BYTES - 1)
        self._session.subscriptions.append((True, self._fence))
        self._session.timers.at(now + self._fence_patience, self._fence_overdue, self._fence)

    def _fence_overdue(self, now: float, fence: bytes) -> None:
        if self.on and fence == self._fence:
            self._fence_patience = min(self._fence_patience * 2, FENCE_PATIENCE_MOST)
            self._make_fence(now)

    def _welcomed(self, now: float, welcome: Welcome) -> None:
        """The fence is up; unless the epoch changed, everything before it is in force."""
        if self._renewed(welcome.events_epoch) or self._renewing:
            self._renewing = False
            self._make_fence(now)
            return
        self._session.subscriptions.append((False, self._fence))
        self._fence = b""
        self._ask(now)

    def _ask(self, now: float) -> None:
        self.inbox.asking()
        self._rows = []
        self._asked = {"conversation.list"}
        if self._identity_stale or not self._session.topic:
            self._identity_stale = False
            self._asked.add("user.whoami")
        if self._epoch is None:
            self._asked.add("session.ping")
        for command in sorted(self._asked):
            self._question(now, command, ListConversations() if command == "conversation.list" else Empty())

    def _question(self, now: float, command: str, body: Body) -> None:
        round = self.inbox.lists

        def answered(now: float, answer: Body | Exception) -> None:
            if self.on and round == self.inbox.lists:
                self._told(now, command, answer)

        self._session.ask(now, command, body, answered)

    def _told(self, now: float, command: str, answer: Body | Exception) -> None:
        if isinstance(answer, Exception):
            self.inbox.lists += 1  # the other answers of this round count no more
            if isinstance(answer, Failure):
                # A fault of the server's. (Any other exception: the session is over.)
                moment = now + self._session.rng.uniform(1.0, 2.0)
                self._session.timers.at(moment, self._ask_again, self.inbox.lists)
            return
        if isinstance(answer, ConversationsReply):
            self._rows.extend(answer.conversations)
            if answer.more and answer.conversations:
                after = answer.conversations[-1].conversation
                self._question(now, command, ListConversations(after))
                return
        elif isinstance(answer, PingReply) and self._epoch is None:
            self._epoch = answer.events_epoch
        self._asked.discard(command)
        if not self._asked:
            self._asked = set()  # a new one: an emptied one keeps its room
            self._listed(now)

    def _ask_again(self, now: float, round: int) -> None:
        if self.on and round == self.inbox.lists:
            self._ask(now)

    def _listed(self, now: float) -> None:
        rows, self._rows = self._rows, []
        self.inbox.listed(rows)
        if self._subscribe():
            self._make_fence(now)
            return
        self._running = False
        self._caught_up(now)
        again, self._again = self._again, None
        if again is not None:
            self.want(now, again)

    def _caught_up(self, now: float) -> None:
        self.live = True
        if self._session.online and self._session.events_online:
            self.say(True)
        self._session.now_live()
        self.inbox.fill(now)
