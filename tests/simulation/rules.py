"""The rules: what must hold whenever one looks, and what must hold once all is quiet.

Each rule yields a sentence for every breach of it. What can be seen the moment it happens is ``witness``'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.simulation.memory import excesses

if TYPE_CHECKING:
    from tests.simulation.device import Device
    from tests.simulation.world import World


def breaches(world: World) -> list[str]:
    """What is wrong, be it for a moment: these rules hold at any time, whatever is going on."""
    rules = (_history, _stored_once, _order, excesses)
    return [sentence for rule in rules for sentence in rule(world)]


def unfinished(world: World) -> list[str]:
    """What is still missing: these rules hold some time after the last mishap."""
    rules = (_heard_everything, _topics, _markers, _answered, _nothing_kept)
    return [sentence for rule in rules for sentence in rule(world)]


def _history(world: World) -> Iterator[str]:
    """Numbers are 1..N without holes, N is the conversation's counter, and no message ever changes."""
    yield from world.book.look_at_all()


def _stored_once(world: World) -> Iterator[str]:
    """What was acknowledged is stored, where it was said to be; nothing twice; nothing that was refused."""
    present = world.book.conversations()
    # A refusal speaks of one try. Another may be under way still, and succeed after a group was joined.
    doubling = bool(world.plan.weather.double or world.plan.indoors.double)
    for device in world.devices:
        for letter in device.letters:
            row = world.book.ledger.place.get((device.user, letter.id))
            if letter.state == "acked" and letter.conversation in present and letter.seq:
                if row is None or row[:2] != (letter.conversation, letter.seq):
                    yield f"{device.name}'s {letter.body!r} was acknowledged and is stored as {row}"
            elif letter.state == "refused" and row and letter.tries == 1 and not doubling:
                if row.conversation not in present:
                    continue  # with its group; and who asked again was told that there is none
                yield f"{device.name}'s {letter.body!r} was refused and is stored"


def _order(world: World) -> Iterator[str]:
    """One device's messages to one conversation are stored in the order in which it sent them."""
    for device in world.devices:
        last: dict[int, int] = {}
        for letter in device.letters:
            if letter.state == "acked" and letter.seq:
                if letter.seq <= last.get(letter.conversation, 0):
                    yield f"{device.name}'s {letter.body!r} is number {letter.seq}, behind one sent later"
                last[letter.conversation] = letter.seq


def _heard_everything(world: World) -> Iterator[str]:
    """Whoever listens has heard every conversation to its end, and none that is not theirs."""
    for device in world.devices:
        if device.heard is not None and device.heard != world.book.of(device.user):
            yield f"{device.name} has heard {device.heard}, of {world.book.of(device.user)}"


def _topics(world: World) -> Iterator[str]:
    """Whoever listens is subscribed to what they may hear, and to nothing else."""
    for device in world.devices:
        if device.heard is not None and device.topics != (topics := world.book.topics(device.user)):
            missing, more = len(topics - device.topics), len(device.topics - topics)
            yield f"{device.name} lacks {missing} topics and has {more} too many"


def _markers(world: World) -> Iterator[str]:
    """Unread counts are exactly the messages of others behind the marker."""
    for conversation, user, counted, true in world.book.unread():
        if counted != true:
            yield f"{user} has {true} unread in {conversation}, the server counts {counted}"


def _answered(world: World) -> Iterator[str]:
    """Nobody waits."""
    for device in world.devices:
        if waiting := device.waiting:
            yield f"{device.name} still waits for {waiting} answers"
        pending = [letter.body for letter in device.letters if letter.state == "pending"]
        if pending:
            yield f"{device.name} has no answer to {pending}"


def _nothing_kept(world: World) -> Iterator[str]:
    """What is over is forgotten: by the broker, the workers and the clients."""
    core = world.broker.core
    if core.in_flight:
        yield f"the broker keeps {core.in_flight} requests"
    for worker in core.workers:
        if worker.open or worker.bytes or worker.batch:
            yield f"the broker thinks that {worker.name} has {worker.open} calls in hand"
    for each in world.workers:
        if each.engine.waiting:
            yield f"{each.name} keeps {each.engine.waiting} calls"
    for device in world.devices:
        yield from _session_kept(device)


def _session_kept(device: Device) -> Iterator[str]:
    session = device.session
    if len(session._outbox) or session._outbox._flights or session._outbox._chains:
        yield f"{device.name} keeps messages in its outbox"
    if session._requests._flying or session._requests._open:
        yield f"{device.name} keeps requests in flight"
    for known in session.listening.inbox.conversations.values():
        if known.cursor._pending:
            yield f"{device.name} keeps messages behind a hole"
