"""How the interactive client's lines look: messages, notices, days, marks, listings.

Belongs here: text from values, nothing else. Which lines are shown is ``room``'s. Whatever others
wrote goes through ``output.plain``, and further lines of a message are indented, so that a message can
neither drive the terminal nor look like somebody else's line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from client.cli import output
from client.cli.output import fields, local_time, one_line
from protocol.commands import ConversationInfo, GroupInfo, MemberInfo, Message
from protocol.events import MessageEvent

NEW: Final = "-- new --"
"""In front of the first unread message."""
EXCERPT: Final = 40
"""Characters of a message that are enough to recognise it."""


class Told(str):
    """A line with the same for a program: ``record``."""

    record: dict[str, Any]


class Spoken(Told):
    """The line of a message; ``record`` is the message."""

    @classmethod
    def of(cls, line: str, message: Message | MessageEvent, address: str) -> Spoken:
        """``line`` stands for ``message``, which was said in the conversation ``address``."""
        made = cls(line)
        made.record = fields(message, **{"with": address})
        return made


def said(message: Message | MessageEvent, address: str) -> Spoken:
    """A message of the conversation that is open: ``12:03 budi: text``."""
    line = f"{_when(message.sent_at):%H:%M} {one_line(message.sender)}: {output.said(message)}"
    if isinstance(message, Message) and message.undelivered:
        line += f" (refused there: {one_line(message.undelivered)})"
    return Spoken.of(line, message, address)


def elsewhere(message: MessageEvent, address: str) -> Spoken:
    """A message of another conversation: ``[budi] text`` or ``[#ops] budi: text``."""
    who = "" if address == message.sender else f"{one_line(message.sender)}: "
    return Spoken.of(f"[{one_line(address)}] {who}{output.said(message)}", message, address)


def aside(sentence: str) -> str:
    """Something the program itself says."""
    return f"-- {one_line(sentence)} --"


def day(micros: int) -> str:
    """The local day of a moment: what stands above its first message."""
    moment = _when(micros)
    return f"-- {moment:%A}, {moment.day} {moment:%B %Y} --"


def excerpt(text: str) -> str:
    """The beginning of a message on one line."""
    line = one_line(text)
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def page(messages: Iterable[Message], address: str, read_seq: int, user: str) -> tuple[list[str], str]:
    """Stored messages with a line above each new day and ``-- new --`` above the first unread one.

    The second value is the day of the last of them.
    """
    found: list[str] = []
    last_day = ""
    marked = False
    for message in messages:
        heading = day(message.sent_at)
        if heading != last_day:
            found.append(heading)
            last_day = heading
        if message.seq > read_seq and message.sender != user and not marked:
            found.append(NEW)
            marked = True
        found.append(said(message, address))
    return found, last_day


def inbox(rows: Iterable[ConversationInfo], unread_only: bool = False) -> list[str]:
    """Conversations by their newest message, the newest last, so that it stands by the prompt."""
    shown = [row for row in rows if row.unread or not unread_only]
    shown.sort(key=lambda row: row.last_at)
    if not shown:
        return [aside("nothing is unread" if unread_only else "no conversations yet; /to NAME begins one")]
    width = max(len(one_line(row.name)) for row in shown)
    return [f"{one_line(row.name):<{width}}  {_state(row)}" for row in shown]


def _state(row: ConversationInfo) -> str:
    if not row.last_at:
        return "nothing said yet"
    unread = f", {row.unread} unread" if row.unread else ""
    return f"{local_time(row.last_at)}{unread}"


def groups(found: Sequence[GroupInfo]) -> list[str]:
    """Every group with what one needs to know before joining."""
    lines = []
    for group in found:
        count = "1 member" if group.members == 1 else f"{group.members} members"
        marks = [count, *(["password"] if group.password else []), *(["joined"] if group.member else [])]
        lines.append(f"#{one_line(group.group)}  {', '.join(marks)}")
    return lines or [aside("there are no groups yet; /create GROUP makes one")]


def members(found: Sequence[MemberInfo]) -> list[str]:
    """Members, longest-standing first."""
    lines = []
    for member in found:
        marks = [*(["creator"] if member.creator else []), "online" if member.online else "offline"]
        lines.append(f"{one_line(member.user)}  {', '.join(marks)}")
    return lines


def names(found: Sequence[str]) -> list[str]:
    """Who is online."""
    return [aside(f"online: {', '.join(found)}" if found else "nobody is online")]


def _when(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1e6)
