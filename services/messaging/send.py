"""``message.send`` and its like: a whole batch of messages in a handful of statements.

Here: the only place where a message comes into being, but for those that a group's home numbered
(``services.realm.groups``). ``message.broadcast`` says it to everyone; by ``message.deliver`` the realm
process hands over what came from other realms. Theory of operation:

1. Every address is resolved; what cannot be sent is refused (``_draft``).
2. The rest is numbered, stored and counted, as if no id had been seen before (``post``). That is nearly
   always so, and asking first would cost as much as storing.
3. If the index of ids objects, or a group changed in between, all of it is undone, the ids that are
   stored are looked up, and it is done once more with that knowledge, now in a savepoint. A batch with
   anything for another realm in it begins with that knowledge: its outbox may be full, for what is new.

What is stored is never denied: a retry is answered with the first try's number even if its sender
may not send there any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from protocol import addresses
from protocol.addresses import Address, Kind
from protocol.commands import Body, Broadcast, Deliver, Send, SendReply
from protocol.errors import Failure, Forbidden, Invalid, NotFound, TooLarge
from services.context import Caller, Context, TooHasty
from services.elsewhere import Elsewhere
from services.messaging import abroad
from services.messaging.locate import address_of
from services.messaging.post import Arrived, Command, Draft, Moved, Pair, Post, Target
from services.storage import conversations, members, messages, outbox, realms, users
from services.storage.engine import Duplicate, StoreBusy
from services.storage.messages import Stored
from services.storage.realms import Realm

TRIES: Final = 4
"""How often a batch is tried while others change what it looks at."""

CACHED_MOST: Final = 200_000
"""Addresses remembered; then all are forgotten."""

Seen = dict[tuple[int, str], Target | Failure]
"""Targets by (caller, address as written)."""


def send(ctx: Context, calls: list[tuple[Caller, Command]]) -> list[Body | Failure]:
    """Store messages and publish them; an answer for each, in the same order."""
    pairs = [(caller.user_id, command.id) for caller, command in calls]
    if ctx.hasty:
        try:
            return _attempt(ctx, calls, pairs, {})
        except (Duplicate, Moved):
            raise TooHasty from None
    for _ in range(TRIES):
        mark = ctx.mark()
        known = messages.stored(ctx.tx, set(pairs))
        try:
            with ctx.tx.savepoint():
                return _attempt(ctx, calls, pairs, known)
        except (Duplicate, Moved):
            ctx.undo(mark)
    raise StoreBusy("others keep changing what this batch is about")


def _attempt(
    ctx: Context, calls: list[tuple[Caller, Command]], pairs: list[Pair], known: dict[Pair, Stored]
) -> list[Body | Failure]:
    seen: Seen = {}
    drafts = [_draft(ctx, seen, caller, command) for caller, command in calls]
    refusals = any(isinstance(draft, Failure) for draft in drafts)
    if not known and (refusals or _abroad(seen)):
        known = messages.stored(ctx.tx, set(pairs))
    answers = Post(ctx, known).answers(pairs, drafts)
    if refusals:
        _queued_before(ctx, calls, drafts, answers)
    return answers


def _queued_before(
    ctx: Context,
    calls: list[tuple[Caller, Command]],
    drafts: Sequence[Draft | Failure],
    answers: list[Body | Failure],
) -> None:
    """Who has left a group of another realm since is not told that a post is refused which is on its way."""
    denied = {
        (caller.user_id, command.id): place
        for place, (caller, command) in enumerate(calls)
        if answers[place] is drafts[place] and isinstance(command, Send) and "@" in command.to
    }
    if not denied:
        return
    for pair, post in outbox.posted(ctx.tx, denied).items():
        answers[denied[pair]] = SendReply(post.conversation, 0, post.since, True, queued=True)


def _abroad(seen: Seen) -> bool:
    """Whether anything goes to another realm, which may have no room for what is not stored yet."""
    return any(isinstance(found, Target) and found.realm for found in seen.values())


# --- where to -----------------------------------------------------------------------------------


def _draft(ctx: Context, seen: Seen, caller: Caller, command: Command) -> Draft | Failure:
    """The message with its target, or why it cannot be sent."""
    body = command.body
    # A character takes at most 4 bytes; only long texts need to be counted.
    if not body or "\0" in body or len(body) * 4 > ctx.settings.message_max_bytes:
        refusal = refused(body, ctx.settings.message_max_bytes)
        if refusal is not None:
            return refusal
    to = addresses.BROADCAST if isinstance(command, Broadcast) else command.to
    key = (caller.user_id, to)
    found = seen.get(key)
    if found is None:
        try:
            found = target(ctx, caller, to)
        except Failure as failure:
            found = failure
        seen[key] = found
    if isinstance(found, Failure):
        return found
    if isinstance(command, Deliver):
        return _delivered(ctx, caller, command, found)
    return Draft(caller, command, found)


def _delivered(ctx: Context, caller: Caller, command: Deliver, found: Target) -> Draft | Failure:
    """A message from another realm: to a user of ours, never of a time to come; or a file to a group."""
    if not found.recipient and command.file is None:
        return Invalid("Only a message to a user is delivered so.")
    sent_at = min(command.sent_at, ctx.now) or ctx.now
    if command.file is not None:
        origin = realms.named(ctx.tx, caller.user.partition("@")[2])
        if origin is not None:
            return Draft(caller, command, found, command.file, Arrived(sent_at, origin.id))
    return Draft(caller, command, found, None, Arrived(sent_at))


def refused(body: str, most: int) -> Failure | None:
    """Why a message may not have this text; ``most`` is in bytes."""
    if not body:
        return Invalid("A message needs a text.")
    if "\0" in body:
        return Invalid("A message's text may not hold the character NUL.")
    if len(body.encode()) > most:
        return TooLarge(f"A message may have at most {most} bytes.", limit=most)
    return None


def target(ctx: Context, caller: Caller, to: str) -> Target:
    """Where a message to this address goes. Refuses who may not send there."""
    known: Target | None = _lasting(ctx).get((caller.user_id, to))
    if known is not None:
        return known
    address = address_of(ctx.settings, to)
    realm = abroad.realm(ctx, caller, address)
    if address.kind is Kind.DIRECT:
        return _direct(ctx, caller, to, address, realm)
    group = conversations.keyed(ctx.tx, abroad.key(address))
    if group is None:
        raise abroad.no_group(address)
    if members.marker(ctx.tx, group.id, caller.user_id) is None:
        raise Forbidden(f"You are not a member of #{group.name}.")
    shown = f"#{group.name}" if address.name else addresses.BROADCAST
    return Target(group.id, shown, 0, realm.id if realm else 0)


def _direct(ctx: Context, caller: Caller, to: str, address: Address, realm: Realm | None) -> Target:
    user = users.named(ctx.tx, abroad.key(address))
    if user is None and realm is not None:
        raise Elsewhere
    if user is None:
        raise NotFound(f"There is no user {address.name}.")
    found = conversations.between(ctx.tx, caller.user_id, user.id)
    number = realm.id if realm else 0
    if found is None:
        return Target(0, user.name, user.id, number)
    target = Target(found.id, user.name, user.id, number)
    # Users and direct conversations are never renamed and never deleted, so this stays true.
    lasting = _lasting(ctx)
    if len(lasting) >= CACHED_MOST:
        lasting.clear()
    lasting[caller.user_id, to] = target
    return target


def _lasting(ctx: Context) -> dict[tuple[int, str], Target]:
    """Targets of direct messages that earlier batches found, by (caller, address as written)."""
    targets: dict[tuple[int, str], Target] = ctx.cache.setdefault("targets", {})
    return targets
