"""The audience of one act of citra's: an ear for each listener of the table of events, and the acts.

Not here: who is expected to hear what (``hearing``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.authorisation.doors import WireSeat
from tests.authorisation.ear import Ear, Heard
from tests.authorisation.hearing import LISTENERS
from tests.authorisation.shelf import message_id
from tests.authorisation.stage import SESAME, Stage

ROUNDS: Final = 100
"""Looks, each as long as a subscription takes, for an event that a worker tells of in its own time."""


class Audience:
    """Citra's ``phone``, and everyone who might hear what is done there; ``ears`` by listener."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.group = f"ops{stage.number()}"
        self.phone = stage.person("citra")
        self.seats: dict[str, WireSeat] = {"own": stage.login(self.phone.name)}
        for who in LISTENERS[1:-1]:
            self.seats[who] = stage.person(who)
        self.seats["ended"] = stage.login(self.seats["member"].name)
        self._gather()
        self.ears = {who: Ear(seat) for who, seat in self.seats.items()}
        self._part()

    def close(self) -> None:
        """Everyone hangs up."""
        for seat in (self.phone, *self.seats.values()):
            seat.close()

    def _gather(self) -> None:
        """Everyone is in the group who ever was, and says something."""
        creator = self.seats["creator"]
        creator.ask("group.create", group=self.group, password=SESAME)
        for seat in (self.phone, *(self.seats[who] for who in ("member", "removed", "left"))):
            self.number = int(seat.ask("group.join", group=self.group, password=SESAME)["conversation"])
            self.say(seat, f"#{self.group}")
        self.direct = self.say(self.seats["partner"], self.phone.name)
        self.in_group = self.say(self.seats["member"], f"#{self.group}")
        self.to_everyone = self.say(self.seats["member"], "*")

    def _part(self) -> None:
        """Those go who are to be gone. They keep the topics that they knew; the others learn the new ones."""
        self.seats["creator"].ask("group.remove", group=self.group, user=self.seats["removed"].name)
        self.seats["left"].ask("group.leave", group=self.group)
        self.seats["member"].ask("auth.revoke", session=self.seats["ended"].session)
        self.learn()

    def learn(self) -> None:
        """Everyone who has a session subscribes to what they may hear now; what came before is over."""
        for who, ear in self.ears.items():
            if who == "ended":
                ear.listen()
            else:
                ear.learn()

    @staticmethod
    def say(who: WireSeat, to: str) -> dict[str, Any]:
        """Say something; where it was stored."""
        return who.ask("message.send", to=to, body="halo", id=message_id())

    def listen(self, told: Callable[[Heard], bool], expected: frozenset[str]) -> set[str]:
        """Who heard it: looks until all expected ones did, or long enough, and then once more at everyone."""
        heard: set[str] = set()
        for _ in range(ROUNDS):
            heard |= {who for who in LISTENERS if any(map(told, self.ears[who].listen(welcomes=True)))}
            if expected <= heard:
                break
        return heard | {who for who in LISTENERS if any(map(told, self.ears[who].listen(welcomes=True)))}


Told = Callable[[Heard], bool]
"""Whether an event is the one that the act brought about."""


def act(audience: Audience, kind: str, about: str) -> Told:
    """Do what the row is about; how the event is known that must come of it, on whatever topic."""
    return ACTS[kind, about](audience)


def _said(place: Callable[[Audience], str]) -> Callable[[Audience], Told]:
    def do(audience: Audience) -> Told:
        id = message_id()
        audience.phone.ask("message.send", to=place(audience), body="halo", id=id)
        return lambda event: event.kind == "message" and event.body["id"] == id

    return do


def _sent(place: Callable[[Audience], str]) -> Callable[[Audience], Told]:
    def do(audience: Audience) -> Told:
        shelf = audience.stage.shelf
        id = shelf.seal(audience.phone, to=place(audience), name="surat.txt")
        number = audience.phone.ask("file.finish", upload=id)["file"]["file"]
        return lambda event: (
            event.kind == "message" and event.body["id"] == id and event.body["file"]["file"] == number
        )

    return do


def _typing(place: Callable[[Audience], str]) -> Callable[[Audience], Told]:
    def do(audience: Audience) -> Told:
        audience.phone.ask("message.typing", to=place(audience))
        return lambda event: event.kind == "typing" and event.body["user"] == audience.phone.name

    return do


def _read(what: Callable[[Audience], dict[str, Any]]) -> Callable[[Audience], Told]:
    def do(audience: Audience) -> Told:
        message = what(audience)
        number, seq = message["conversation"], message["seq"]
        audience.phone.ask("message.read", conversation=number, seq=seq)
        wanted = {"conversation": number, "user": audience.phone.name, "seq": seq}
        return lambda event: event.kind == "read" and event.body == wanted

    return do


def _comes_online(audience: Audience) -> Told:
    """All her devices log out; once that was heard she comes back."""
    name = audience.phone.name
    for seat in (audience.phone, audience.seats["own"]):
        seat.ask("auth.logout")
    gone = audience.listen(_presence(name, False), frozenset(("partner",)))
    assert "partner" in gone
    for who in set(audience.ears) - {"ended", "own"}:
        audience.ears[who].learn()
    audience.phone = audience.stage.login(name)
    return _presence(name, True)


def _presence(name: str, online: bool) -> Told:
    def told(event: Heard) -> bool:
        return event.kind == "presence" and (event.body["user"], event.body["online"]) == (name, online)

    return told


def _membership(user: str, change: str) -> Told:
    return lambda event: (
        event.kind == "membership"
        and (event.body["user"], event.body["change"])
        == (
            user,
            change,
        )
    )


def _someone_joined(audience: Audience) -> Told:
    newcomer = audience.stage.person("dewi")
    newcomer.ask("group.join", group=audience.group, password=SESAME)
    newcomer.close()
    return _membership(newcomer.name, "joined")


def _she_left(audience: Audience) -> Told:
    audience.phone.ask("group.leave", group=audience.group)
    return _membership(audience.phone.name, "left")


def _she_was_removed(audience: Audience) -> Told:
    audience.seats["creator"].ask("group.remove", group=audience.group, user=audience.phone.name)
    return _membership(audience.phone.name, "removed")


def _topics(number: int) -> Told:
    return lambda event: event.kind == "topics" and event.body["conversation"] == number


def _made_a_group(audience: Audience) -> Told:
    made = audience.phone.ask("group.create", group=f"new{audience.group}", password="")
    return _topics(made["conversation"])


def _joined_another(audience: Audience) -> Told:
    other = f"other{audience.group}"
    keeper = audience.stage.person("dewi")
    keeper.ask("group.create", group=other, password="")
    keeper.close()
    return _topics(audience.phone.ask("group.join", group=other)["conversation"])


def _group_replaced(audience: Audience) -> Told:
    audience.phone.ask("group.leave", group=audience.group)
    return _topics(audience.number)


def _logged_out(audience: Audience) -> Told:
    audience.phone.ask("auth.logout")
    return lambda event: event.kind == "topics"


def _welcome(audience: Audience) -> Told:
    """Her other device already listens on the topic to which the phone subscribes."""
    topic = audience.phone.topic
    audience.phone.topic = bytes(audience.phone.ask("user.whoami")["topic"])
    assert audience.phone.topic == topic, "nothing of hers was replaced"
    audience.phone.user.listen(topic)
    return lambda event: event.kind == "welcome" and event.topic == topic


def _partner(audience: Audience) -> str:
    return audience.seats["partner"].name


def _group(audience: Audience) -> str:
    return f"#{audience.group}"


def _everyone(audience: Audience) -> str:
    return "*"


ACTS: Final[dict[tuple[str, str], Callable[[Audience], Told]]] = {
    ("welcome", "her own topic"): _welcome,
    ("message", "said to a user"): _said(_partner),
    ("message", "said to a group"): _said(_group),
    ("message", "said to everyone"): _said(_everyone),
    ("message", "a file to a user"): _sent(_partner),
    ("message", "a file to a group"): _sent(_group),
    ("message", "a file to everyone"): _sent(_everyone),
    ("read", "what the partner said"): _read(lambda audience: audience.direct),
    ("read", "what the group said"): _read(lambda audience: audience.in_group),
    ("read", "what everyone was told"): _read(lambda audience: audience.to_everyone),
    ("typing", "to a user"): _typing(_partner),
    ("typing", "to a group"): _typing(_group),
    ("typing", "to everyone"): _typing(_everyone),
    ("presence", "she comes online"): _comes_online,
    ("membership", "someone joined"): _someone_joined,
    ("membership", "she left"): _she_left,
    ("membership", "the creator removed her"): _she_was_removed,
    ("topics", "she made a group"): _made_a_group,
    ("topics", "she joined another group"): _joined_another,
    ("topics", "she left the group"): _group_replaced,
    ("topics", "she logged out on the phone"): _logged_out,
}
"""By (kind, about) of the table's rows."""
