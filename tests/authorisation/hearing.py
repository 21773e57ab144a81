"""The table of events: for every kind and cause, who hears it. Data, and nothing else.

How an event comes about is ``audience``'s. A kind of the protocol without a row fails the suite. Citra
acts, on her phone; the columns are ears that listen to every topic they ever knew:

    own       another device of hers
    creator   who created the group that she is in
    member    of the group, too; has said something there and to everyone
    partner   one with whom she has a direct conversation, and nothing else
    stranger  one with whom she has nothing in common
    removed   one who was removed from the group, and had said something there
    left      one who left it, and had said something there
    ended     a device of the member whose session was revoked
"""

from __future__ import annotations

from typing import Final, NamedTuple

LISTENERS: Final = ("own", "creator", "member", "partner", "stranger", "removed", "left", "ended")

HEARING: Final = """
event       about                          own  creator member partner stranger removed left ended

welcome     her own topic                  yes  -       -      -       -        -       -    -

message     said to a user                 yes  -       -      yes     -        -       -    -
message     said to a group                yes  yes     yes    -       -        -       -    -
message     said to everyone               yes  yes     yes    yes     yes      yes     yes  -
message     a file to a user               yes  -       -      yes     -        -       -    -
message     a file to a group              yes  yes     yes    -       -        -       -    -
message     a file to everyone             yes  yes     yes    yes     yes      yes     yes  -

read        what the partner said          yes  -       -      yes     -        -       -    -
read        what the group said            yes  -       yes    -       -        -       -    -
read        what everyone was told         yes  -       yes    -       -        -       -    -

typing      to a user                      -    -       -      yes     -        -       -    -
typing      to a group                     yes  yes     yes    -       -        -       -    -
typing      to everyone                    yes  yes     yes    yes     yes      yes     yes  -

presence    she comes online               -    yes     yes    yes     -        -       -    -

membership  someone joined                 yes  yes     yes    -       -        -       -    -
membership  she left                       yes  yes     yes    -       -        -       -    -
membership  the creator removed her        yes  yes     yes    -       -        -       -    -

topics      she made a group               yes  -       -      -       -        -       -    -
topics      she joined another group       yes  -       -      -       -        -       -    -
topics      she left the group             yes  yes     yes    -       -        -       -    -
topics      she logged out on the phone    yes  yes     yes    yes     yes      yes     yes  -
"""


ACROSS: Final = frozenset(("delivered", "undelivered"))
"""Kinds that another realm brings about: who hears those is in ``tests/realms/test_hearing.py``."""


class Hearing(NamedTuple):
    """One event ``about`` something, and which of ``LISTENERS`` hear it."""

    kind: str
    about: str
    heard_by: frozenset[str]

    def __str__(self) -> str:
        return f"{self.kind}, {self.about}"


def hearings(table: str = HEARING) -> list[Hearing]:
    """The table, read: the columns of listeners are the last ones of each line."""
    found = []
    for line in table.splitlines():
        words = line.split()
        if not words or words[0] == "event":
            continue
        cells = words[-len(LISTENERS) :]
        assert set(cells) <= {"yes", "-"}, line
        about = " ".join(words[1 : -len(LISTENERS)])
        heard_by = frozenset(who for who, cell in zip(LISTENERS, cells, strict=True) if cell == "yes")
        found.append(Hearing(words[0], about, heard_by))
    return found
