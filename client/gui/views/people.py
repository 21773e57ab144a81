"""The people of our server as rows: who is online first."""

from __future__ import annotations

from client.gui.model.people import Person
from client.gui.views.rowlist import Item
from client.gui.views.window import Window


def rows(window: Window, query: str) -> list[Item]:
    """Those that ``query`` finds; a row opens the conversation with somebody."""
    return [_row(window, person) for person in window.model.people.found(query)]


def presence(window: Window, person: Person) -> str:
    """Whether somebody is online, and if not, since when."""
    say = window.words.say
    if person.online:
        return say("Online")
    if not person.last_seen:
        return say("Never seen")
    return say("Last seen {when}", when=window.words.ago(person.last_seen))


def _row(window: Window, person: Person) -> Item:
    text, room = presence(window, person), window.model.room

    def press() -> None:
        window.open(person.user)

    return Item(
        key=f"person {person.user}",
        name=person.user,
        label=f"{person.user}, {text}",
        sign=person.user,
        press=press,
        text=text,
        online=person.online,
        selected=room is not None and room.is_at(person.user),
    )
