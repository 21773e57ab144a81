"""The older client of the signup dialect as it speaks: what it compares, waits for and files."""

from __future__ import annotations

import re

from gateway.framing import NUL
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.peer import Peer
from tests.gateway.signup_town import DATE, native, registered


class OldClient:
    """It sends what was typed, and reads exactly the strings that it believes to be the answer."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.screen = ""
        self.history = ""
        """Its own file of what was said."""

    def types(self, line: str, text: str = "") -> None:
        """A command; ``text`` is what is typed at the prompt, if it comes."""
        answer = self._asks(line)
        word = line.split(" ")[0]
        if word == "message" and answer == "Message: ":
            self._files(self._asks(text))
            self.screen += self._hears()
        elif word == "show" and answer.startswith("1"):
            self._shows(answer[1:])
            self.screen += self._hears()
        else:
            self.screen += answer

    def _asks(self, string: str) -> str:
        self._peer.says(string.encode() + NUL)
        return self._hears()

    def _hears(self) -> str:
        return self._peer.until(NUL)[:-1].decode()

    def _files(self, answer: str) -> None:
        if answer.startswith("0"):
            self.history += answer[1:]

    def _shows(self, lines: str) -> None:
        self.screen += lines
        self.history += lines


async def test_an_older_client_stays_in_step_and_files_what_was_said(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    ops = town.name("ops")
    async with native(town, budi) as chat:
        with town.peer("signup") as peer:
            client = OldClient(peer)
            client.types(f"login {ani} {PASSWORD}")
            client.types(f"create {ops}")
            await chat.join_group(ops)
            client.types(f"message {budi}", "halo Budi")
            await chat.send(ani, "halo juga")
            client.types(f"message {ops}", "0 bukan angka")
            await chat.send(f"#{ops}", "1 juga bukan")
            client.types("message siapa", "never asked for")
            client.types(f"message {budi}", "")
            client.types(f"show {budi}")
            client.types(f"show {ops}")
            client.types(f"show {budi}")
            client.types("show siapa")
            client.types("logout")
            peer.hears_nothing()
    shown = re.sub(DATE, "<date>", client.screen)
    news = {name: f"New message(s) from {name}\n" for name in (budi, ops)}
    assert shown == (
        f"Login successGroup {ops} created"
        + news[budi]
        + f"siapa doesn't exist.{both(shown, news[budi], news[ops])}"
        + f"A message needs a text.{both(shown, news[budi], news[ops])}"
        + f"<date> {budi} : halo juga\n{news[ops]}"
        + f"<date> {budi} : 1 juga bukan\n"
        + "siapa doesn't exist.Logout success"
    )
    assert re.sub(DATE, "<date>", client.history) == (
        "<date> me : halo Budi\n<date> me : 0 bukan angka\n"
        f"<date> {budi} : halo juga\n<date> {budi} : 1 juga bukan\n"
    )


def both(shown: str, one: str, other: str) -> str:
    """The two in the order in which the system counts their conversations."""
    return one + other if one + other in shown else other + one
