"""A server with some life in it, as a background for pictures and plays: long names, long words, 200 people.

Belongs here: who there is and what was said, made through ``client.Chat`` like everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from client import Chat

PASSWORD: Final = "a password of {name}"
FRIENDS: Final = ("budi", "citra", "dewi", "eko", "fajar", "gita")
LONG: Final = "Wijayakusumaningrum-Hadiprasetyo"
CROWD: Final = 200
AT_ONCE: Final = 20
TEAM: Final = "team"
LONG_GROUP: Final = "planning-of-the-summer-excursion"
TALK: Final = (
    ("budi", "Good morning! Did the backup run last night?"),
    ("ani", "It did. 412 GB, and every hash was the same."),
    ("ani", "Written down at https://wiki.example/operations/backups/2026?kind=full&place=cellar#hashes"),
    ("citra", "Selamat pagi 👋 🎉 สวัสดี مرحبا नमस्ते 你好 שלום"),
    ("citra", "Here is what I run:\n```sh\nfor day in mon tue; do\n    pesan get backup-$day.tar\ndone\n```"),
    ("budi", "And now it is `ok` on all three. Thank you!"),
    (
        "dewi",
        "A longer one, so lines wrap: when the window is narrow this should stay readable, and when it is"
        " wide it should not run from one end of the desk to the other, because nobody likes to read that.",
    ),
    ("dewi", "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2),
    ("ani", "Noted.\nTwo things are left:\n- the label on the old disk\n- lunch"),
)


@asynccontextmanager
async def logged_in(server: str, name: str) -> AsyncIterator[Chat]:
    """A session of somebody, ended afterwards."""
    async with Chat.connect(server, username=name, password=PASSWORD.format(name=name)) as chat:
        yield chat
        await chat.logout()


async def move_in(server: str, names: list[str]) -> None:
    """Register people."""
    async with Chat.connect(server) as chat:
        for name in names:
            await chat.register(name, PASSWORD.format(name=name))


async def furnish(server: str, picture: bytes) -> None:
    """Everything. ``picture`` is a PNG that somebody has sent to the team."""
    crowd = [f"person-{number:03}" for number in range(CROWD - len(FRIENDS) - 2)]
    await move_in(server, ["ani", *FRIENDS, LONG, *crowd])
    async with logged_in(server, "ani") as ani:
        for group in (TEAM, "village", LONG_GROUP):
            await ani.create_group(group, "sesame" if group == LONG_GROUP else "")
        await ani.broadcast("The server moves to the new rack on Sunday at ten.")
        await ani.send(LONG, "Is this you?")
    for first in range(0, len(crowd), AT_ONCE):
        await asyncio.gather(*(_join(server, name, ["village"]) for name in crowd[first : first + AT_ONCE]))
    for name in (*FRIENDS, LONG):
        await _join(server, name, [TEAM, "village"])
    for name, text in TALK:
        async with logged_in(server, name) as chat:
            await chat.send(f"#{TEAM}", text)
    async with logged_in(server, "citra") as citra:
        await citra.files.send(picture, f"#{TEAM}", name="the view from the new office.png")
    async with logged_in(server, "ani") as ani:
        await ani.read(f"#{TEAM}")
    async with logged_in(server, "budi") as budi:
        minutes = b"%PDF-1.7\n" + bytes(700_000)
        await budi.files.send(minutes, f"#{TEAM}", name="Minutes of the meeting.pdf")
        await budi.send(f"#{TEAM}", "These are the minutes.")
        for text in ("Lunch?", "At the usual place", "I am downstairs already"):
            await budi.send("ani", text)
    async with logged_in(server, LONG) as long:
        await long.send("ani", "Yes, and I have a name that no list has room for, and plenty to say as well")
        await long.send("#village", "Hello, everybody")


async def _join(server: str, name: str, groups: list[str]) -> None:
    async with logged_in(server, name) as chat:
        for group in groups:
            await chat.join_group(group)
