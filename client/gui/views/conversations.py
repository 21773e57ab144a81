"""The conversations as rows: newest first, with what is unread and what was said last."""

from __future__ import annotations

from client.gui.model.talks import Talk
from client.gui.views.rowlist import Item
from client.gui.views.window import Window
from protocol.addresses import BROADCAST, Kind


def rows(window: Window, query: str) -> list[Item]:
    """Those that ``query`` finds, newest first."""
    return [_row(window, talk) for talk in window.model.talks.found(query)]


def called(window: Window, address: str) -> str:
    """An address as it is shown: ``*`` has a name in each language."""
    return window.words.say("Everyone") if address == BROADCAST else address


def _row(window: Window, talk: Talk) -> Item:
    name, room = called(window, talk.name), window.model.room
    online = talk.kind == Kind.DIRECT and bool(window.model.people.online(talk.name))
    text, lively = _text(window, talk)
    when = window.words.when(talk.last_at) if talk.last_at else ""

    def press() -> None:
        window.open(talk.name)

    return Item(
        key=f"talk {talk.id} {talk.name}",
        name=name,
        label=_label(window, name, talk.unread, online, text, when),
        sign=talk.name,
        press=press,
        text=text,
        when=when,
        unread=talk.unread,
        online=online,
        selected=room is not None and room.is_at(talk.name),
        lively=lively,
    )


def _text(window: Window, talk: Talk) -> tuple[str, bool]:
    """The second line, and whether it is about what happens right now."""
    typists, say = window.model.talks.typists(talk.name), window.words.say
    if typists and talk.kind == Kind.DIRECT:
        return say("typing…"), True
    if len(typists) > 1:
        return say("{name} and others are typing…", name=typists[0]), True
    if typists:
        return say("{name} is typing…", name=typists[0]), True
    last = talk.excerpt or (say("a file") if talk.with_file else "")
    if last and talk.said_by == window.model.user:
        return say("You: {message}", message=last), False
    if last and talk.kind != Kind.DIRECT:
        return say("{name}: {message}", name=talk.said_by, message=last), False
    return last, False


def _label(window: Window, name: str, unread: int, online: bool, text: str, when: str) -> str:
    parts = [name]
    if unread:
        parts.append(window.words.say("{n} unread", n=unread))
    if online:
        parts.append(window.words.say("online"))
    return ", ".join([*parts, *filter(None, (text, when))])
