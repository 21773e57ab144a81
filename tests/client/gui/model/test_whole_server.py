"""Windows' models at a real server, whose broker dies and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from benchmarks.own_server import OwnServer
from client.gui.model.keeping import Forgetful
from client.gui.model.model import Model, Screen
from client.gui.model.rows import Mark, Said
from tests.client.gui.model.rooms import opened

QUICK = {"password_memory_kib": 8, "password_passes": 1}
PASSWORD = "a long password"
TURNS_MOST = 3_000


async def until(true: Callable[[], object], what: str) -> None:
    """Wait until something is so; half a minute at most."""
    for _ in range(TURNS_MOST):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(what)


async def newcomer(server: OwnServer, user: str) -> Model:
    """A window in which somebody has just registered."""
    model = Model(Forgetful(), server=server.connection, device="browser")
    await model.start()
    assert await model.entry.register(user, PASSWORD, PASSWORD, remember=True), model.entry.problem
    return model


def said(model: Model) -> list[tuple[str, str, Mark]]:
    """(sender, text, mark) of what the open room shows."""
    if model.room is None:
        return []
    rows = [row for page in model.room.pages for row in page.rows or []] + list(model.room.waiting)
    return [(row.sender, row.body, row.mark) for row in rows if isinstance(row, Said)]


async def test_two_people_meet_talk_and_part() -> None:
    server = await asyncio.to_thread(lambda: OwnServer(settings=QUICK).__enter__())
    models: list[Model] = []
    try:
        models += [await newcomer(server, "ani"), await newcomer(server, "budi")]
        await _plays(server, *models)
    finally:
        for model in models:
            await model.close()
        await asyncio.to_thread(server.close)


async def _plays(server: OwnServer, ani: Model, budi: Model) -> None:
    await _talk(ani, budi)
    await _group(ani, budi)
    await _outage(server, ani, budi)
    await _part(server, ani, budi)


async def _talk(ani: Model, budi: Model) -> None:
    assert await ani.open("budi") is None
    assert ani.room is not None and ani.room.say("hello, budi")
    await until(lambda: budi.talks.unread == 1, "budi has heard")
    assert [(row.address, row.message) for row in budi.notices.rows] == [("ani", "hello, budi")]
    await opened(budi, "ANI")
    await until(lambda: budi.talks.unread == 0, "budi has read")
    await until(lambda: said(ani) == [("ani", "hello, budi", Mark.READ)], "ani sees that it was read")
    assert budi.room is not None
    budi.room.typed("hi")
    await until(lambda: ani.room and ani.room.typists == ["budi"], "ani sees budi type")
    assert budi.room.say("hi, ani")
    await until(lambda: len(said(ani)) == 2 and not (ani.room and ani.room.typists), "ani has the answer")
    await until(lambda: ani.people.online("budi"), "ani sees budi online")


async def _group(ani: Model, budi: Model) -> None:
    assert await ani.groups.create("#team", "open sesame")
    await until(lambda: ani.room and ani.room.is_at("#team") and not ani.room.loading, "ani is in the room")
    assert not await budi.groups.join("team")
    assert budi.groups.problem is not None and budi.groups.problem.about == "password"
    assert await budi.groups.join("team", "open sesame")
    await until(lambda: budi.room and budi.room.is_at("#team") and not budi.room.loading, "budi is, too")
    await ani.groups.look("team")
    assert [member.user for member in ani.groups.members] == ["ani", "budi"]


async def _outage(server: OwnServer, ani: Model, budi: Model) -> None:
    await asyncio.to_thread(server.kill, "broker")
    await until(lambda: not ani.line.connected and not budi.line.connected, "both are told")
    assert ani.room is not None and ani.room.say("typed meanwhile")
    assert said(ani)[-1] == ("ani", "typed meanwhile", Mark.WAITING)
    await asyncio.to_thread(server.start_again, ["broker"])
    await until(lambda: ani.line.connected and budi.line.connected, "both are told that it is back")
    await until(lambda: [text for _, text, _ in said(budi)] == ["typed meanwhile"], "budi has it, once")
    # Not that it was read: a hint of that may be lost while lines come back one after the other.
    await until(lambda: [mark >= Mark.SENT for _, _, mark in said(ani)] == [True], "ani sees it stored")
    assert not ani.outbox.parcels


async def _part(server: OwnServer, ani: Model, budi: Model) -> None:
    assert await ani.groups.remove("team", "budi")
    await until(lambda: budi.talks.named("#team") is None and budi.room is None, "budi is shown out")
    await ani.account.load()
    second = Model(Forgetful(), server=server.connection, device="phone")
    await second.start()
    try:
        assert await second.entry.login("ani", PASSWORD, remember=False)
        await ani.account.load()
        phone = next(one for one in ani.account.sessions if not one.current)
        assert phone.device == "phone"
        assert await ani.account.revoke(phone.session)
        await until(lambda: second.screen is Screen.LOGIN, "the phone is logged out")
    finally:
        await second.close()
    keeping = budi.keeping
    await budi.logout()
    assert isinstance(keeping, Forgetful)
    assert not any(keeping.texts.values())
    assert not await budi.entry.login("budi", "wrong", remember=False)
    assert budi.entry.problem is not None and budi.entry.problem.code == "invalid_credentials"
