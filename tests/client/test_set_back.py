"""A server that was restored from an older copy: said aloud, and what is said from then on is heard."""

from __future__ import annotations

from client.inbox import SetBack
from protocol.events import MessageEvent
from tests.client.wire import Client, World


def talk(world: World, ani: Client, first: int, last: int) -> None:
    for number in range(first, last + 1):
        ani.send("budi", str(number))
    world.run(2.0)


def restore(world: World, seq: int) -> None:
    """The server comes back without the messages behind ``seq``."""
    for room in world.server.rooms.values():
        if room.kind == "direct":
            del room.messages[seq:]
    world.restart_server()
    world.run(10.0)


def heard(client: Client) -> list[tuple[int, str]]:
    return [(event.seq, event.body) for event in client.events if isinstance(event, MessageEvent)]


def test_what_is_said_after_the_server_was_set_back_is_heard_and_the_loss_is_told() -> None:
    world = World()
    ani, budi = world.client("ani").login(), world.client("budi").login()
    budi.listen()
    world.run(2.0)
    talk(world, ani, 1, 5)
    restore(world, 2)
    (told,) = [event for event in budi.events if isinstance(event, SetBack)]
    assert (told.name, told.heard, told.last_seq) == ("ani", 5, 2)
    talk(world, ani, 6, 9)
    assert heard(budi)[5:] == [(3, "6"), (4, "7"), (5, "8"), (6, "9")]


def test_a_run_that_begins_with_cursors_of_before_is_told_too() -> None:
    world = World()
    ani, budi = world.client("ani").login(), world.client("budi").login()
    budi.listen()
    world.run(2.0)
    talk(world, ani, 1, 5)
    (conversation,) = {event.conversation for event in budi.events if isinstance(event, MessageEvent)}
    restore(world, 2)
    second = world.client("budi", cursors={conversation: 5}).login()
    second.listen()
    world.run(2.0)
    assert [event.heard for event in second.events if isinstance(event, SetBack)] == [5]
    talk(world, ani, 6, 6)
    assert heard(second) == [(3, "6")]


def test_a_list_that_is_older_than_what_was_heard_meanwhile_sets_nothing_back() -> None:
    world = World()
    ani, budi = world.client("ani").login(), world.client("budi").login()
    budi.listen()
    world.run(2.0)
    for _ in range(30):  # every round of catching up meets messages on their way
        talk(world, ani, 1, 3)
        budi.session.listening.want(world.now)
        budi.carry_out()
        talk(world, ani, 1, 3)
    assert not [event for event in budi.events if isinstance(event, SetBack)]
    assert len(heard(budi)) == 180
