"""What Tab offers in a line that begins with a slash: commands, people, groups, files.

A completer of our own: those that prompt_toolkit brings take no slash and no ``#`` for part of a word.
"""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from client.cli.chat.room import Room
from client.cli.chat.words import WORDS, Takes
from client.cli.output import one_line
from protocol.addresses import BROADCAST


class Names(Completer):
    """Completes from the table of commands and from the names that ``room`` has learned."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Whatever may stand where the cursor is and begins like the word before it, without case."""
        text = document.text_before_cursor
        if not text.startswith("/") or text.startswith("//"):
            return
        before, _, typed = text.rpartition(" ")
        if not before:
            for word in WORDS.values():
                if word.name.startswith(text[1:].lower()):
                    yield Completion(f"/{word.name}", -len(text), display_meta=word.help)
            return
        begun = _path(text)
        if begun is not None:
            yield from self._paths.get_completions(Document(begun), complete_event)
            return
        for name in self._names(before, typed):
            if name.lower().startswith(typed.lower()):
                yield Completion(name, -len(typed), display_meta=self._meta(before, name))

    def _meta(self, before: str, name: str) -> str:
        return one_line(self._room.files[int(name)]) if before == "/get" else ""

    def _names(self, before: str, typed: str) -> list[str]:
        """Everything that the argument after ``before`` may be."""
        name, *arguments = before.split()
        word = WORDS.get(name[1:].lower())
        if word is None or len(arguments) >= len(word.takes):
            return []
        kind = word.takes[len(arguments)]
        people, groups = sorted(self._room.people), sorted(self._room.groups)
        begun, at, _ = typed.removeprefix("#").partition("@")
        if at and begun:  # nobody lists who is there, but the realms are known
            beyond = [f"{begun}@{realm}" for realm in sorted(self._room.realms)]
            people += [name for name in beyond if name not in people]
            groups += [name for name in beyond if name not in groups]
        mark = "#" if kind is Takes.WHO or typed.startswith("#") else ""
        groups = [f"{mark}{group}" for group in groups]
        return {
            Takes.WHO: [*people, *groups, BROADCAST],
            Takes.PERSON: people,
            Takes.GROUP: groups,
            Takes.COMMAND: list(WORDS),
            Takes.FILE: [str(number) for number in reversed(self._room.files)],
            Takes.SWITCH: ["on", "off"],
            Takes.LOCK: [str(Takes.LOCK)],
        }.get(kind, [])


def _path(text: str) -> str | None:
    """What is typed of a path of this machine, spaces and all; None where something else stands."""
    name, _, rest = text[1:].partition(" ")
    word = WORDS.get(name.lower())
    for kind in word.takes if word is not None else ():
        if kind is Takes.PATH:
            return rest
        _, space, rest = rest.partition(" ")
        if not space:
            return None
    return None
