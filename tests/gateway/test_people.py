"""Who bears a name, asked by a gateway that the server believes, and by one that it does not."""

from __future__ import annotations

from typing import cast

from client import Chat
from gateway import people
from protocol.commands import FoundReply
from protocol.errors import Forbidden


class Asked:
    """A chat that is told this, or nothing."""

    def __init__(self, reply: FoundReply | None) -> None:
        self._reply = reply

    async def find(self, name: str) -> FoundReply:
        if self._reply is None:
            raise Forbidden("Only gateways may ask this.")
        return self._reply


def chat(reply: FoundReply | None) -> Chat:
    return cast(Chat, Asked(reply))


async def test_a_gateway_that_is_believed_is_told_who_exists() -> None:
    nobody = chat(FoundReply(found=False, group=True))
    assert not await people.exists(nobody, "ani")
    assert await people.group_exists(nobody, "ani")


async def test_to_one_that_is_not_every_name_is_somebodys_and_no_groups() -> None:
    silent = chat(None)
    assert await people.exists(silent, "ani")
    assert not await people.group_exists(silent, "ani")


async def test_what_can_be_no_name_is_nobodys() -> None:
    assert not await people.exists(chat(None), "a ni")
    assert not await people.group_exists(chat(None), "#ops")
