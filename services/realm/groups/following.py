"""Following: groups of ours with members in another realm, which is told what is said and who is a member.

Belongs here: what one peer lacks, asked as ``push``. Not here: what it does with it (``copying``).

Theory of operation. For each group one push is under way, and the next begins behind what the answer says
the peer has; so whatever is lost or doubled, what arrives begins where the peer's copy ends, or changes
nothing. A few groups have theirs at the same time, in turn, so that a long history keeps no other group
waiting. A list of members goes along when they have changed, and with the first push after the line came up,
for who knows what the other side still has. A realm without members is told so, and then nothing any more.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from protocol import realms as language
from protocol.envelope import unpack_body
from protocol.errors import OK, Failure, Retry, failure
from protocol.realms import ITEMS_MAX, GroupMessage, Push, PushReply
from services.messaging import attached
from services.realm.house import House, Peer
from services.realm.line import LOST, Answer
from services.storage import followers, messages
from services.storage.engine import Transaction
from services.storage.followers import Follower
from services.storage.messages import Said

OPEN_MOST: Final = 4
"""Groups with a push under way, of one peer."""

PAGE: Final = 128
"""Messages read at once, so that a push cut short by its bytes has not read a thousand long ones."""

MESSAGE_BYTES: Final = 256
"""What a message counts for beside its text."""

FIRST_PAUSE: Final = 1.0
"""Seconds of peace for a group after an answer that brought nothing; doubled while that goes on."""
LONGEST_PAUSE: Final = 60.0

NEVER: Final = 1 << 62


class Pause:
    """How long one group is left in peace, and how often that was so."""

    __slots__ = ("count", "until")

    def __init__(self) -> None:
        self.count = 0
        self.until = 0.0


class Following:
    """The part of a house that keeps one peer's copies of our groups."""

    def __init__(self, house: House, peer: Peer) -> None:
        self._house = house
        self._peer = peer
        self._open: set[int] = set()
        self._pauses: dict[int, Pause] = {}
        self._doubt = True
        """Whether the peer is to be told of all members anew."""
        self._last = 0
        """The group that had its turn last."""

    def changed(self, up: bool) -> None:
        """The line went up or down."""
        self._open.clear()
        self._pauses.clear()
        self._doubt = True

    def turn(self) -> None:
        """Push what the peer lacks, of each group in its turn."""
        if not self._peer.line.up or len(self._open) >= OPEN_MOST:
            return
        if self._doubt:
            with self._house.store.write() as tx:
                followers.doubt(tx, self._peer.realm.id)
            self._doubt = False
        with self._house.store.read() as tx:
            behind = [each for each in followers.behind(tx, self._peer.realm.id) if self._may(each)]
            behind.sort(key=lambda each: (each.conversation <= self._last, each.conversation))
            pushes = [(each, self._push(tx, each)) for each in behind[: max(0, OPEN_MOST - len(self._open))]]
        for follower, push in pushes:
            if not self._peer.ask("push", push, partial(self._answered, follower, push, self._house.now)):
                return
            self._open.add(follower.conversation)
            self._last = follower.conversation

    def _may(self, follower: Follower) -> bool:
        pause = self._pauses.get(follower.conversation)
        return follower.conversation not in self._open and (pause is None or self._house.now >= pause.until)

    # --- what is said ---------------------------------------------------------------------------

    def _push(self, tx: Transaction, follower: Follower) -> Push:
        names: list[str] | None = None
        if follower.members_changed:
            names = followers.members(tx, follower.conversation, self._peer.name)
        # Where nobody of theirs is a member any more, what was said since is none of their business.
        found = [] if names == [] else self._messages(tx, follower)
        after, last = follower.sent_seq, max(follower.last_seq, found[-1].seq if found else 0)
        return Push(follower.name, after, found, max(after, last), self._house.wall, names)

    def _messages(self, tx: Transaction, follower: Follower) -> list[GroupMessage]:
        """What lies behind what the peer has, up to so many messages and bytes."""
        found: list[GroupMessage] = []
        size, after, most = 0, follower.sent_seq, self._peer.pace.bytes
        while len(found) < ITEMS_MAX and size < most:
            limit = min(PAGE, ITEMS_MAX - len(found))
            page = messages.earliest(tx, follower.conversation, after, NEVER, limit)
            if not page:
                break
            after = page[-1].seq
            for message in self._shown(tx, follower.conversation, page):
                found.append(message)
                size += MESSAGE_BYTES + len(message.body.encode())
                if size >= most:
                    break
        return found

    @staticmethod
    def _shown(tx: Transaction, conversation: int, page: list[Said]) -> list[GroupMessage]:
        files = attached.in_range(tx, conversation, page[0].seq, page[-1].seq)
        return [GroupMessage(*said[:5], file=files.get(said.seq)) for said in page]

    # --- what was answered ----------------------------------------------------------------------

    def _answered(self, follower: Follower, push: Push, asked_at: float, answer: Answer) -> None:
        """The peer has answered, or never will."""
        self._open.discard(follower.conversation)
        if answer is LOST:
            return
        if answer.status != OK:
            self._refused(follower, answer)
            return
        try:
            reply = language.read_reply(PushReply, answer.body)
        except ValueError:
            self._house.log.warning("not an answer", realm=self._peer.name, kind="push")
            self._wait(follower.conversation)
            return
        size = sum(MESSAGE_BYTES + len(message.body) for message in push.messages)
        self._peer.pace.answered(size, self._house.now - asked_at)
        self._told(follower, push, reply)

    def _refused(self, follower: Follower, answer: Answer) -> None:
        try:
            refusal = failure(answer.status, unpack_body(answer.body))
        except Failure as fault:
            refusal = fault
        self._house.log.info("push put off", realm=self._peer.name, code=refusal.code)
        self._wait(follower.conversation, refusal.retry_after if refusal.retry is Retry.LATER else 0.0)

    def _told(self, follower: Follower, push: Push, reply: PushReply) -> None:
        """Go on where the peer is. One that took nothing is left in peace, and told of members once more."""
        conversation, realm = follower.conversation, self._peer.realm
        if reply.have > push.last_seq:
            # Our store came out of an older backup than theirs: those numbers are theirs until we get there.
            self._house.log.warning("copy is ahead", realm=realm.name, have=reply.have, last=push.last_seq)
        have = min(reply.have, push.last_seq)
        stuck = bool(push.messages) and have <= push.after and have < push.messages[-1].seq
        with self._house.store.write() as tx:
            listed = 0 if push.members is None or reply.again else follower.members_changed
            followers.told(tx, conversation, realm.id, have, listed)
            if push.members == [] and listed:
                followers.remove_idle(tx, conversation, realm.id, realm.name)
            elif stuck and push.members is None:
                followers.changed(tx, conversation, realm.id)
        if stuck or reply.again:
            self._wait(conversation)
        else:
            self._pauses.pop(conversation, None)
        self._house.stir()

    def _wait(self, conversation: int, seconds: float = 0.0) -> None:
        """Leave this group in peace, for so long, or for ever longer when the peer did not say."""
        pause = self._pauses.setdefault(conversation, Pause())
        if not seconds:
            seconds = FIRST_PAUSE * 2 ** min(pause.count, 10)
            pause.count += 1
        pause.until = self._house.now + min(max(seconds, 0.05), LONGEST_PAUSE) * self._house.rng.uniform(
            1.0, 1.2
        )
