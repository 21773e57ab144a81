"""What is found while somebody types: conversations, then people and groups that are none yet.

Belongs here: which rows there are for a query. Finding by name is the model's, the field ``sidebar``'s.
"""

from __future__ import annotations

from client.gui.views import conversations, groups, people
from client.gui.views.dialogs import JoinGroup
from client.gui.views.rowlist import Entry, Heading, Item, Press
from client.gui.views.window import Window
from protocol import addresses
from protocol.addresses import Kind


def entries(window: Window, query: str) -> list[Entry]:
    """Every row for a query that is not empty, under headings."""
    say = window.words.say
    talks = conversations.rows(window, query)
    known = {item.name.lower() for item in talks}
    others = [item for item in people.rows(window, query) if item.name.lower() not in known]
    joinable = [item for item in groups.rows(window, query) if item.name.lower() not in known]
    known.update(item.name.lower() for item in (*others, *joinable))
    elsewhere = _elsewhere(window, query, known)
    found: list[Entry] = []
    for key, text, items in (
        ("conversations", say("Conversations"), talks),
        ("people", say("People"), others),
        ("groups", say("Groups"), joinable),
        ("elsewhere", say("On another server"), elsewhere),
    ):
        if items:
            found += [Heading(key, text), *items]
    return found


def _elsewhere(window: Window, query: str, known: set[str]) -> list[Item]:
    """The address of another realm that was typed in full, if it is one."""
    name, say = window.model.address(query), window.words.say
    if "@" not in name or name.lower() in known:
        return []
    kind = addresses.parse(name).kind
    if kind is Kind.GROUP:
        bare = name.removeprefix("#")
        text = say("Join this group")
        return [_item(name, text, lambda: JoinGroup(window, bare, None).show())]
    if kind is Kind.DIRECT:
        return [_item(name, say("Write to this person"), lambda: window.open(name))]
    return []


def _item(name: str, text: str, press: Press) -> Item:
    return Item(
        key=f"elsewhere {name}",
        name=name,
        label=f"{name}, {text}",
        sign=name.split("@")[0],
        press=press,
        text=text,
    )
