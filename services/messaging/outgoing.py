"""Outgoing: what a batch of messages has for other realms, and whether their outboxes have room for it.

Here: from drafts to rows of the outbox. A message to a user there is stored here like any other, and its row
says where; a message to a group there is only a row, for its number is given out where the group is at home.
Not here: how it gets there (``services.realm``), and SQL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from config.settings import Settings
from protocol.commands import SendReply
from protocol.errors import Busy, Failure, Forbidden
from services.context import Context
from services.storage import deliveries, outbox, realms
from services.storage.messages import Stored
from services.storage.outbox import Entry, Held
from services.storage.realms import Realm, State

if TYPE_CHECKING:
    from services.messaging.post import Draft, Pair

OVERHEAD: Final = 128
"""Bytes that an entry counts for beside its text."""

NOTHING: Final = Held(0, 0)

RETRY_WHEN_FULL: Final = 5.0
"""Seconds after which somebody may try again whose message had no room."""


class Outgoing:
    """What one try at a batch puts into outboxes. ``pairs``: (sender, id) of all its messages."""

    def __init__(self, ctx: Context, pairs: Sequence[Pair]) -> None:
        self._ctx = ctx
        self._pairs = pairs
        self._posts: dict[Pair, int] | None = None
        """When the batch's posts that wait already began to."""
        self._realms: dict[int, Realm] = {}
        self._taken: dict[int, Held] = defaultdict(lambda: NOTHING)
        """What this batch has for each realm."""
        self._own: dict[tuple[int, int], Held] = defaultdict(lambda: NOTHING)
        """The same by (realm, user)."""
        self._held: dict[tuple[int, int], Held] = {}
        """What waited already by (realm, user), where that had to be looked up."""

    def known(self, pair: Pair, draft: Draft) -> SendReply | None:
        """The answer to a retry of a message to a group whose first try waits, or is on its way."""
        if draft.target.recipient:
            return None
        if self._posts is None:
            self._posts = self._waiting()
        since = self._posts.get(pair)
        return None if since is None else self._post_reply(draft, since, duplicate=True)

    def _waiting(self) -> dict[Pair, int]:
        queued = [(entry.user_id, entry.message_id) for _, entry in self._ctx.queued if entry.message_id]
        posted = outbox.posted(self._ctx.tx, set(self._pairs))
        return dict.fromkeys(queued, self._ctx.now) | {pair: found.since for pair, found in posted.items()}

    def follows(self, pair: Pair) -> bool:
        """Whether this message, to a group there, waits or is on its way."""
        return bool(outbox.posted(self._ctx.tx, {pair}))

    def refusal(self, draft: Draft) -> Failure | None:
        """Why this cannot go there at present; if it can, its place is taken."""
        realm = self._realm(draft)
        if realm.state != State.PAIRED:
            return closed(realm)
        size = OVERHEAD + len(draft.command.body.encode())
        taken, settings = self._taken[realm.id], self._ctx.settings
        all = Held(realm.waiting + taken.entries, realm.waiting_bytes + taken.size)
        if all.entries >= settings.realm_outbox_messages:
            return _full(realm, settings.realm_outbox_messages)
        if all.size + size > settings.realm_outbox_bytes:
            return _full(realm, settings.realm_outbox_bytes)
        place = realm.id, draft.caller.user_id
        if _crowded(settings, all) and (limit := self._beyond_share(place, size)):
            return _share_taken(realm, settings, limit)
        self._taken[realm.id] = _more(taken, size)
        self._own[place] = _more(self._own[place], size)
        return None

    def _beyond_share(self, place: tuple[int, int], size: int) -> int:
        """The limit that one thing more of this user's would break; 0 if none."""
        share = _share(self._ctx.settings)
        if place not in self._held:
            self._held[place] = outbox.held(self._ctx.tx, *place, share.entries)
        return _broken(share, self._held[place], self._own[place], size)

    def message(self, draft: Draft, stored: Stored) -> SendReply:
        """A message to a user there, which is stored here with this number."""
        user, target = draft.caller.user_id, draft.target
        size = OVERHEAD + len(stored.body.encode())
        entry = Entry("message", user, _bare(target.to), stored.conversation, stored.seq, None, "", size)
        self._ctx.queue(target.realm, entry)
        away = self._realm(draft).away_since > 0
        return SendReply(stored.conversation, stored.seq, stored.sent_at, False, True, away)

    def post(self, draft: Draft) -> SendReply:
        """A message to a group there."""
        user, target, command = draft.caller.user_id, draft.target, draft.command
        name = _bare(target.to).removeprefix("#")
        size = OVERHEAD + len(command.body.encode())
        entry = Entry("post", user, name, target.conversation, 0, command.id, command.body, size)
        self._ctx.queue(target.realm, entry)
        return self._post_reply(draft, self._ctx.now, duplicate=False)

    def again(self, draft: Draft, stored: Stored) -> SendReply:
        """The answer to a retry of a message that is stored here."""
        waits = bool(draft.target.recipient)
        if waits:
            waits = deliveries.delivered_seq(self._ctx.tx, stored.conversation) < stored.seq
        away = waits and self._realm(draft).away_since > 0
        return SendReply(stored.conversation, stored.seq, stored.sent_at, True, waits, away)

    def _realm(self, draft: Draft) -> Realm:
        number = draft.target.realm
        if number not in self._realms:
            realm = realms.numbered(self._ctx.tx, number)
            assert realm is not None  # their rows are never deleted
            self._realms[number] = realm
        return self._realms[number]

    def _post_reply(self, draft: Draft, since: int, *, duplicate: bool) -> SendReply:
        away = self._realm(draft).away_since > 0
        return SendReply(draft.target.conversation, 0, since, duplicate, True, away)


def has_room(ctx: Context, realm: Realm, user: int) -> bool:
    """Whether one thing more of this user's may wait for this realm that is not worth a refusal."""
    settings = ctx.settings
    if realm.state != State.PAIRED or realm.waiting >= settings.realm_outbox_messages:
        return False
    if not _crowded(settings, Held(realm.waiting, realm.waiting_bytes)):
        return True
    share = _share(settings)
    return not _broken(share, outbox.held(ctx.tx, realm.id, user, share.entries), NOTHING, OVERHEAD)


def _crowded(settings: Settings, all: Held) -> bool:
    """Whether so much waits that nobody may take up more than their share."""
    return all.entries * 2 > settings.realm_outbox_messages or all.size * 2 > settings.realm_outbox_bytes


def _share(settings: Settings) -> Held:
    part = settings.realm_outbox_share
    return Held(
        max(1, settings.realm_outbox_messages * part // 100), settings.realm_outbox_bytes * part // 100
    )


def _broken(share: Held, stored: Held, taken: Held, size: int) -> int:
    """Which of the two limits another ``size`` bytes would break, beside what is there; 0 if none."""
    if stored.entries + taken.entries >= share.entries:
        return share.entries
    return share.size if stored.size + taken.size + size > share.size else 0


def _more(held: Held, size: int) -> Held:
    return Held(held.entries + 1, held.size + size)


def closed(realm: Realm) -> Forbidden:
    """Why nothing goes to a realm that is no peer any more."""
    if realm.state == State.BLOCKED:
        return Forbidden(f"The realm {realm.name} is blocked here.")
    return Forbidden(f"This server is no longer paired with {realm.name}.")


def _full(realm: Realm, limit: int) -> Busy:
    message = f"There is no more room for messages to {realm.name}: {_since(realm)}."
    return Busy(message, limit=limit, retry_after=RETRY_WHEN_FULL)


def _share_taken(realm: Realm, settings: Settings, limit: int) -> Busy:
    message = (
        f"More than half of the room for messages to {realm.name} is taken, and nobody may have more than"
        f" {settings.realm_outbox_share} % of it for themselves: {_since(realm)}."
    )
    return Busy(message, limit=limit, retry_after=RETRY_WHEN_FULL)


def _since(realm: Realm) -> str:
    since = "it takes them more slowly than they come"
    if realm.away_since:
        moment = datetime.fromtimestamp(realm.away_since / 1_000_000, UTC)
        since = f"it has been away since {moment:%Y-%m-%d %H:%M} UTC"
    return since


def _bare(address: str) -> str:
    return address.partition("@")[0]
