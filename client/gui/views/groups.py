"""The groups of our server as rows: ours open, others are joined."""

from __future__ import annotations

from client.gui.model.groups import GroupRow
from client.gui.views.dialogs import JoinGroup
from client.gui.views.rowlist import Item
from client.gui.views.window import Window


def rows(window: Window, query: str) -> list[Item]:
    """Those that ``query`` finds."""
    return [_row(window, group) for group in window.model.groups.found(query)]


def _row(window: Window, group: GroupRow) -> Item:
    address, text, room = f"#{group.name}", _text(window, group), window.model.room

    def press() -> None:
        if group.member:
            window.open(address)
        else:
            JoinGroup(window, group.name, group).show()

    return Item(
        key=f"group {group.name}",
        name=address,
        label=f"{address}, {text}",
        sign=address,
        press=press,
        text=text,
        selected=group.member and room is not None and room.is_at(address),
    )


def _text(window: Window, group: GroupRow) -> str:
    say = window.words.say
    parts = [window.words.count("One member", "{n} members", group.members)]
    if group.member:
        parts.append(say("you are one"))
    elif group.password:
        parts.append(say("needs a password"))
    return " · ".join(parts)
