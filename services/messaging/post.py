"""Posting: numbering, storing, counting and publishing messages whose targets are known.

Here: what happens inside the savepoint of a batch of sends. Not here: who may send where (``send``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from protocol import backend
from protocol.commands import Body, Broadcast, Deliver, Send, SendReply
from protocol.errors import Conflict, Failure
from protocol.events import MessageEvent
from protocol.files import FileInfo
from services.context import Caller, Context
from services.messaging import arriving, attached
from services.messaging.outgoing import Outgoing
from services.storage import conversations, members, messages, recipients
from services.storage.messages import Stored

Pair = tuple[int, bytes]
"""(sender, message id): what makes a message the same one."""


Command = Send | Broadcast | Deliver
"""What makes a message."""


class Target(NamedTuple):
    """Where a message goes. ``conversation`` 0: a direct one that is yet to be made.

    ``to`` is the address as members write it; ``recipient`` the other user of a direct one, else 0;
    ``realm`` the number of another realm that it is to go to.
    """

    conversation: int
    to: str
    recipient: int
    realm: int = 0


class Arrived(NamedTuple):
    """Of a message from another realm: when it was sent there; the realm's number if a file came with it."""

    sent_at: int
    origin: int = 0


class Draft(NamedTuple):
    """A message that may be sent, if it is not stored yet."""

    caller: Caller
    command: Command
    target: Target
    file: FileInfo | None = None
    arrived: Arrived | None = None


class Moved(Exception):
    """A group was deleted, or someone left it, between our look at it and our lock on it."""


class Heard(NamedTuple):
    """A message to publish."""

    draft: Draft
    message: Stored


class Post:
    """One try at a batch. ``known`` holds those of its ids that are known to be stored."""

    def __init__(self, ctx: Context, known: dict[Pair, Stored]) -> None:
        self._ctx = ctx
        self._known = known
        self._accepted: dict[Pair, int] = {}
        """Place of the first call with this id that is to be stored."""
        self._counts: Counter[int] = Counter()
        """New messages per conversation."""
        self._made: dict[tuple[int, int], int] = {}
        """Direct conversations that this batch began, by (sender, recipient)."""
        self._earlier: dict[Pair, Stored] = {}
        self._dated: dict[int, int] = {}
        """When the newest message was sent, in conversations where it was not now."""
        self._out: Outgoing | None = None

    def answers(self, pairs: list[Pair], drafts: Sequence[Draft | Failure]) -> list[Body | Failure]:
        """Store what is new; an answer for each. Raises ``Duplicate`` or ``Moved``: undo, look, try again.

        With a message to another realm among them, ``known`` must have been looked up.
        """
        self._look_for_predecessors(pairs, drafts)
        answers: list[Body | Failure | None] = []
        again: list[tuple[int, int]] = []
        new: list[tuple[int, Draft, int, int]] = []
        heard: list[Heard] = []
        for place, (pair, draft) in enumerate(zip(pairs, drafts, strict=True)):
            answers.append(None)
            if pair in self._known:
                answers[place] = self._repeated(pair, draft, heard)
            elif isinstance(draft, Failure):
                answers[place] = draft
            elif (first := self._accepted.get(pair)) is not None:
                again.append((place, first))
            elif self._lacks_predecessor(pair, draft):
                answers[place] = _lacking(draft)
            elif draft.target.realm and (answer := self._abroad(pairs, place, draft)) is not None:
                answers[place] = answer
            else:
                self._accepted[pair] = place
                conversation = draft.target.conversation or self._begun(draft)
                self._counts[conversation] += 1
                new.append((place, draft, conversation, self._counts[conversation]))
                if draft.arrived is not None:
                    self._dated[conversation] = draft.arrived.sent_at
                elif self._dated:
                    self._dated.pop(conversation, None)
        if heard:
            self._attach(heard)
        topics = self._store(new, answers, heard)
        for place, first in again:
            answers[place] = self._same_batch(drafts[first], drafts[place], answers[first])
        self._publish(heard, topics)
        return answers  # type: ignore[return-value]

    # --- what may be stored ---------------------------------------------------------------------

    def _look_for_predecessors(self, pairs: list[Pair], drafts: Sequence[Draft | Failure]) -> None:
        """Look up the ids named by ``after`` that are not in this batch."""
        named = {
            (draft.caller.user_id, draft.command.after)
            for draft in drafts
            if isinstance(draft, Draft) and draft.command.after is not None
        }
        if named and (outside := named.difference(pairs)):
            self._earlier = messages.stored(self._ctx.tx, outside)

    def _lacks_predecessor(self, pair: Pair, draft: Draft) -> bool:
        after = draft.command.after
        if after is None:
            return False
        wanted = (pair[0], after)
        if wanted in self._accepted or wanted in self._known or wanted in self._earlier:
            return False
        post = draft.target.realm and not draft.target.recipient
        return not (post and Outgoing(self._ctx, ()).follows(wanted))

    def _abroad(self, pairs: list[Pair], place: int, draft: Draft) -> Body | Failure | None:
        """The answer to a message to another realm, if it is not to be numbered here."""
        out = self._out = self._out or Outgoing(self._ctx, pairs)
        answer = out.known(pairs[place], draft) or out.refusal(draft)
        if answer is None and not draft.target.recipient:
            self._accepted[pairs[place]] = place
            answer = out.post(draft)
        return answer

    def _begun(self, draft: Draft) -> int:
        """The number of a direct conversation in which this is the first message."""
        one, other = draft.caller.user_id, draft.target.recipient
        key = (min(one, other), max(one, other))
        if key not in self._made:
            self._made[key] = conversations.add_direct(self._ctx.tx, one, other, self._ctx.now)
        return self._made[key]

    # --- what is stored already -----------------------------------------------------------------

    def _repeated(self, pair: Pair, draft: Draft | Failure, heard: list[Heard]) -> Body | Failure:
        """A retry. Published once more, because whoever stored it may have died before it was."""
        stored = self._known[pair]
        if isinstance(draft, Draft):
            if draft.target.conversation != stored.conversation:
                return _elsewhere()
            heard.append(Heard(draft, stored))
            if draft.target.realm:
                return Outgoing(self._ctx, ()).again(draft, stored)
        return SendReply(stored.conversation, stored.seq, stored.sent_at, True)

    def _attach(self, heard: list[Heard]) -> None:
        """Messages heard once more show their files again, whoever asked for it and by which command."""
        found = attached.of(self._ctx.tx, [(each.message.conversation, each.message.seq) for each in heard])
        for place, (draft, message) in enumerate(heard):
            file = found.get((message.conversation, message.seq))
            if file is not None:
                heard[place] = Heard(draft._replace(file=file), message)

    @staticmethod
    def _same_batch(
        first: Draft | Failure, second: Draft | Failure, answer: Body | Failure | None
    ) -> Body | Failure:
        """A retry that arrived together with the first try."""
        assert isinstance(first, Draft) and isinstance(second, Draft) and isinstance(answer, SendReply)
        if first.target != second.target:
            return _elsewhere()
        return msgspec.structs.replace(answer, duplicate=True)

    # --- storing --------------------------------------------------------------------------------

    def _store(
        self,
        new: list[tuple[int, Draft, int, int]],
        answers: list[Body | Failure | None],
        heard: list[Heard],
    ) -> dict[int, bytes]:
        """Number and store what is new, fill in its answers; topics of the conversations by number."""
        if not new:
            return {}
        tx, now = self._ctx.tx, self._ctx.now
        advanced = conversations.advance(tx, self._counts, now, self._dated)
        if len(advanced) < len(self._counts):
            raise Moved
        base = {number: state.last_seq - self._counts[number] for number, state in advanced.items()}
        rows = []
        own: Counter[tuple[int, int]] = Counter()
        for place, draft, conversation, nth in new:
            seq = base[conversation] + nth
            caller, command = draft.caller, draft.command
            arrived = draft.arrived
            sent_at = now if arrived is None else arrived.sent_at
            rows.append((conversation, seq, caller.user_id, command.id, command.body, sent_at))
            own[conversation, caller.user_id] += 1
            stored = Stored(conversation, seq, command.body, sent_at)
            if self._out is not None and draft.target.realm:
                answers[place] = self._out.message(draft, stored)
            else:
                answers[place] = SendReply(conversation, seq, sent_at, False)
            if arrived is not None and arrived.origin:
                heard.append(Heard(self._with_its_file(draft, arrived.origin, stored), stored))
            else:
                heard.append(Heard(draft, stored))
        messages.add(tx, rows)
        if not members.sent(tx, own):
            raise Moved
        if any(state.followed for state in advanced.values()):
            self._ctx.effect(backend.TELL, backend.REALM, b"")
        return {number: state.topic for number, state in advanced.items()}

    def _with_its_file(self, draft: Draft, origin: int, stored: Stored) -> Draft:
        """A message from another realm with its file as it is shown here."""
        assert draft.file is not None
        owner, id = draft.caller.user_id, draft.command.id
        where = stored.conversation, stored.seq
        return draft._replace(file=arriving.attach(self._ctx, origin, *where, owner, id, draft.file))

    # --- publishing -----------------------------------------------------------------------------

    def _publish(self, heard: list[Heard], topics: dict[int, bytes]) -> None:
        """Direct messages on the recipient's own topic (and the sender's), others on the conversation's."""
        ctx = self._ctx
        people = {draft.target.recipient for draft, _ in heard}
        people |= {draft.caller.user_id for draft, _ in heard if draft.caller.devices}
        people.discard(0)
        own = recipients.topics(ctx.tx, people)
        shared = {
            message.conversation
            for draft, message in heard
            if not draft.target.recipient and message.conversation not in topics
        }
        topics = {**topics, **conversations.topics(ctx.tx, shared)} if shared else topics
        for draft, message in heard:
            caller, command, target, file, _ = draft
            event = MessageEvent(
                message.conversation,
                message.seq,
                caller.user,
                target.to,
                message.body,
                message.sent_at,
                command.id,
                file,
            )
            if not target.recipient:
                ctx.publish(topics[message.conversation], event)
            elif caller.devices and target.recipient != caller.user_id and caller.user_id in own:
                ctx.publish_on((own[target.recipient], own[caller.user_id]), event)
            else:
                ctx.publish(own[target.recipient], event)


def _lacking(draft: Draft) -> Failure:
    return Conflict("The message before this one is not stored; send it first.", missing=draft.command.after)


def _elsewhere() -> Failure:
    return Conflict("This id belongs to a message in another conversation; choose a new one.")
