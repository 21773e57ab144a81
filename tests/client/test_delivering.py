"""A message is sent until there is an answer, under one id, and no longer."""

from __future__ import annotations

from typing import cast

import pytest

from client.chat import Chat
from client.delivering import AGAIN, deliver
from client.errors import Closed, LoggedOut, Offline, Timeout, WrongServerKey
from protocol.commands import SendReply
from protocol.errors import Busy, Forbidden, Internal, RateLimited, TooLarge, Unavailable

STORED = SendReply(7, 1, 0, False)
ID = bytes(16)


class Server:
    """Answers what it was told to, one after the other; then it stores."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str, bytes]] = []
        self.pauses: list[float] = []
        self.unanswered = 0

    async def send(self, to: str, body: str, *, id: bytes) -> SendReply:
        self.sent.append((to, body, id))
        if self.answers:
            raise self.answers.pop(0)
        return STORED

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def count(self) -> None:
        self.unanswered += 1

    async def take(self) -> SendReply:
        chat = cast(Chat, self)
        return await deliver(chat, "budi", "hello", ID, unanswered=self.count, pause=self.pause)


async def test_one_without_an_answer_is_sent_again_and_somebody_is_told() -> None:
    server = Server(Timeout("No answer."), Offline("Not there."))
    assert await server.take() is STORED
    assert server.sent == [("budi", "hello", ID)] * 3
    assert (server.unanswered, server.pauses) == (2, [AGAIN, AGAIN])


async def test_the_server_says_when_it_wants_to_be_asked_again() -> None:
    server = Server(Busy("", retry_after=0.3), RateLimited("", retry_after=2), Unavailable(""))
    assert await server.take() is STORED
    assert (server.unanswered, server.pauses) == (0, [0.3, 2, 0.1])


@pytest.mark.parametrize("no", [Forbidden("No."), TooLarge("No."), Internal("No.")])
async def test_what_is_refused_for_good_is_not_sent_again(no: Exception) -> None:
    server = Server(no)
    with pytest.raises(type(no)):
        await server.take()
    assert len(server.sent) == 1


@pytest.mark.parametrize("never", [LoggedOut("Over."), Closed("Closed."), WrongServerKey()])
async def test_where_no_answer_will_ever_come_none_is_waited_for(never: Exception) -> None:
    server = Server(Timeout("No answer."), never)
    with pytest.raises(type(never)):
        await server.take()
    assert server.unanswered == 1
