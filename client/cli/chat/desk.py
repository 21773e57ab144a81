"""Does what was typed and carries what is heard: between the server (``Chat``), ``Room`` and a front.

Belongs here: what each slash command does, read markers, the loop over events. Does not belong here:
messages on their way (``outgoing``), reading keys or lines (``terminal``, ``plain``), how lines look.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Final

from client.chat import Chat
from client.cli import realms
from client.cli.chat import lines, words
from client.cli.chat.errands import is_file
from client.cli.chat.front import Front
from client.cli.chat.outgoing import Outgoing, hint
from client.cli.chat.room import Room
from client.cli.chat.transfers import Transfers
from client.cli.chat.words import Order, Say, Unclear
from client.cli.exits import USAGE, Mistake, code_of
from client.errors import ClientError, Offline, Timeout
from protocol.addresses import BROADCAST, Kind, parse
from protocol.commands import HistoryReply
from protocol.errors import Busy, Failure, InvalidCredentials, Unavailable

if TYPE_CHECKING:
    from client.cli.files.memory import Memory

OPENING: Final = 20
"""Messages shown when a conversation is opened."""
OPENING_MOST: Final = 200
"""So many when more than that are unread."""
HISTORY: Final = 50
"""What /history shows when not told otherwise."""
DRAIN: Final = 5.0
"""Seconds that a command waits for the messages typed before it."""
SETTLE: Final = 1.0
"""Seconds that read markers get to arrive when we leave."""


class Cancelled(Exception):
    """A question was not answered."""


OPENING_WORDS: Final = ("to", "join", "create")
"""Commands after which another conversation is open."""


class Desk:
    """One person's session. ``front`` is where they sit."""

    def __init__(self, chat: Chat, room: Room, front: Front, memory: Memory | None = None) -> None:
        self.chat = chat
        self.room = room
        self.front = front
        self.outgoing = Outgoing(chat, room, front)
        self.transfers = Transfers(chat, room, front, memory)
        self._tasks: set[asyncio.Task[None]] = set()
        self._realms_wanted = False
        """Whether we have asked which realms there are, for whoever types the name of one."""

    # --- from beginning to end ------------------------------------------------------------------

    async def begin(self, address: str = "") -> None:
        """Listen, learn what there is, and open ``address`` if it is not empty."""
        self.room.hold()
        await self.chat.listen()
        rows = await self.chat.conversations()
        self.room.listed(rows)
        if address:
            await self._open(address)
        else:
            self.front.show(lines.inbox(rows, unread_only=True))
            self._told(self.room.release(_now()))

    async def listen(self) -> None:
        """Show what is heard; ends when the chat is closed. Raises ``LoggedOut``."""
        async for event in self.chat.events():
            self._told(self.room.hear(event, _now()))

    async def close(self) -> None:
        """End what runs in the background; read markers get a moment to arrive."""
        if self._tasks and self.room.connected:
            await asyncio.wait(self._tasks, timeout=SETTLE)
        await self.outgoing.close()
        await self.transfers.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _told(self, shown: Iterable[str]) -> None:
        """Show lines, and see to what the room asks for."""
        self.front.show(shown)
        self.front.changed()
        if self.room.to_read and self.room.connected:
            marks = dict(self.room.to_read)
            self.room.to_read.clear()
            self._spawn(self._mark(marks))
        if self.room.stale and self.room.connected:
            self.room.stale = False
            self._spawn(self._refresh())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that nobody waits for; when it cannot be done, nothing is lost."""

        async def quietly() -> None:
            with contextlib.suppress(Failure, ClientError):
                await work

        task = asyncio.get_running_loop().create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _mark(self, marks: dict[int, int]) -> None:
        for conversation, seq in marks.items():
            try:
                await self.chat.read(conversation, seq)
            except (Timeout, Offline):  # again with the next message, or when the line is back
                newer = self.room.to_read.get(conversation, 0)
                self.room.to_read[conversation] = max(seq, newer)

    async def _refresh(self) -> None:
        self.room.listed(await self.chat.conversations())
        here = self.room.talk
        if here is not None and here.kind == Kind.DIRECT and realms.realm_of(here.name):
            self.room.marked(await self.chat.history(here.name, limit=1))
        self.front.changed()

    async def learn(self) -> None:
        """Names to complete: who is online, every group."""
        self.room.learn(people=await self.chat.online())
        self.room.learn(groups=[group.group for group in await self.chat.groups()])

    async def _learn_realms(self) -> None:
        self.room.learn_realms(realm.realm for realm in await self.chat.realms())

    def learn_soon(self) -> None:
        """``learn``, while other things go on."""
        self._spawn(self.learn())

    def typed(self, text: str) -> None:
        """The line being typed has changed."""
        if not self._realms_wanted and text.startswith("/") and "@" in text:
            self._realms_wanted = True  # Tab may be next
            self._spawn(self._learn_realms())
        address = self.room.typed(text, _now())
        if address:
            self._spawn(self.chat.typing(address))

    # --- what is typed --------------------------------------------------------------------------

    async def obey(self, line: str) -> bool:
        """Do what a line says; False when it says to leave."""
        intent: Say | Order | None = None
        try:
            intent = words.read(line)
            if isinstance(intent, Say):
                await self.outgoing.put(self._here(), intent.text)
            elif intent is not None:
                return await self._order(intent)
        except Unclear as error:
            dropped = " /file PATH sends a file." if intent is None and is_file(line) else ""
            self._not_done(line, intent, error.message + dropped, USAGE)
        except Mistake as error:
            self._not_done(line, intent, error.message, error.code)
        except Cancelled:
            self._nowhere(line, intent)
            self.front.show([lines.aside("nothing was done")])
        except (Failure, ClientError) as error:
            self._not_done(line, intent, error.message + hint(error), code_of(error))
        return True

    def _not_done(self, line: str, intent: Say | Order | None, sentence: str, code: int) -> None:
        self._nowhere(line, intent)
        self.front.complain(sentence, code)

    def _nowhere(self, line: str, intent: Say | Order | None) -> None:
        """What was to open another conversation leaves none open for who does not see that it did not.

        The lines behind it were meant for that one, and for nobody else.
        """
        misread = intent is None and line.startswith("/")
        opening = misread or (isinstance(intent, Order) and intent.name in OPENING_WORDS)
        if opening and not self.front.seen:
            self.room.here = ""

    async def _order(self, order: Order) -> bool:
        if order.name == "quit":
            return False
        if self.room.connected:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN):
                    await self.outgoing.drained()
        await getattr(self, f"_do_{order.name}")(order)
        self.front.changed()
        return True

    def _here(self) -> str:
        if not self.room.here:
            raise Unclear("No conversation is open; /to NAME opens one.")
        return self.room.here

    def _group(self, order: Order) -> str:
        """The group that is named, or the open one: its bare name."""
        address = order.argument or self.room.here
        if not order.argument and not address.startswith("#"):
            raise Unclear(f"No group is open; it is typed {words.WORDS[order.name].usage}.")
        return address.removeprefix("#")

    # --- opening --------------------------------------------------------------------------------

    async def _open(self, address: str) -> None:
        """Show the end of a conversation and stay there. What is heard meanwhile comes after it."""
        self.room.hold()
        shown: list[str] = []
        try:
            target = parse(address)
            if target.kind is Kind.DIRECT:
                address = await self._written(address)
            shown = self.room.opened(address, await self._page(address))
        finally:
            self._told([*shown, *self.room.release(_now())])

    async def _written(self, address: str) -> str:
        """Somebody's address as it is properly written. Raises ``NotFound``.

        Of a realm that is away nobody says who is there; a message to them waits for it all the same.
        """
        known = self.room.named(address)
        if known is not None:
            return known.name
        if not realms.realm_of(address):
            return (await self.chat.get_user(address)).user
        with contextlib.suppress(Busy, Unavailable, TimeoutError):
            async with asyncio.timeout(realms.PATIENCE):
                return (await self.chat.get_user(address)).user
        return address

    async def _page(self, address: str) -> HistoryReply:
        """The latest messages; more of them when more are unread."""
        page = await self.chat.history(address, limit=OPENING)
        if page.messages and page.first > page.read_seq + 1:
            unread = page.last_seq - page.read_seq
            page = await self.chat.history(address, limit=min(unread + 2, OPENING_MOST))
        return page

    # --- slash commands, in the order of the table -----------------------------------------------

    async def _do_to(self, order: Order) -> None:
        await self._open(order.argument)

    async def _do_msg(self, order: Order) -> None:
        to, text = order.arguments
        await self.outgoing.put(to, text)

    async def _do_broadcast(self, order: Order) -> None:
        await self.outgoing.put(BROADCAST, order.argument)

    async def _do_file(self, order: Order) -> None:
        await self.transfers.send(order.argument, self._here())

    async def _do_get(self, order: Order) -> None:
        number, *path = order.arguments
        await self.transfers.fetch(int(number), path[0] if path else "")

    async def _do_cancel(self, order: Order) -> None:
        if not self.transfers.cancel():
            self.front.show([lines.aside("no file is under way")])

    async def _do_inbox(self, order: Order) -> None:
        rows = await self.chat.conversations()
        self.room.listed(rows)
        self.front.show(lines.inbox(rows))

    async def _do_unread(self, order: Order) -> None:
        rows = await self.chat.conversations()
        self.room.listed(rows)
        self.front.show(lines.inbox(rows, unread_only=True))

    async def _do_history(self, order: Order) -> None:
        page = await self.chat.history(self._here(), limit=int(order.argument or HISTORY))
        self.room.learn_files(page.messages)
        shown, _ = lines.page(page.messages, self.room.here, page.last_seq, self.room.user)
        self.front.show(shown or [lines.aside("nothing said yet")])

    async def _do_read(self, order: Order) -> None:
        address = order.argument or self._here()
        reply = await self.chat.read(address)
        talk = self.room.talks.get(reply.conversation)
        if talk is not None:
            talk.unread = reply.unread
        self.front.show([lines.aside(f"everything in {address} is read")])

    async def _do_who(self, order: Order) -> None:
        names = await self.chat.online()
        self.room.learn(people=names)
        self.front.show(lines.names(names))

    async def _do_groups(self, order: Order) -> None:
        groups = await self.chat.groups()
        self.room.learn(groups=[group.group for group in groups])
        names = sorted(talk.name for talk in self.room.talks.values() if talk.kind == Kind.GROUP)
        elsewhere = [f"{name}  joined" for name in names if realms.realm_of(name)]
        self.front.show([*(lines.groups(groups) if groups or not elsewhere else []), *elsewhere])

    async def _do_realms(self, order: Order) -> None:
        found = await self.chat.realms()
        self.room.learn_realms(realm.realm for realm in found)
        self.front.show(realms.lines(found) or [lines.aside("this realm is paired with no other")])

    async def _do_join(self, order: Order) -> None:
        group = order.argument
        try:
            await self.chat.join_group(group)
        except InvalidCredentials:
            await self.chat.join_group(group, await self._ask(f"Password of #{group}: "))
        await self._open(f"#{group}")

    async def _do_create(self, order: Order) -> None:
        group, password = order.argument, ""
        if len(order.arguments) > 1:
            password = await self._ask(f"Password for #{group}: ")
            if await self._ask("Once more: ") != password:
                raise Unclear("The two passwords differ; nothing was done.")
        await self.chat.create_group(group, password)
        await self._open(f"#{group}")

    async def _ask(self, question: str) -> str:
        """Ask for a password; nothing is shown until there is an answer. Raises ``Cancelled``."""
        self.room.hold()
        try:
            answer = await self.front.ask_password(question)
        finally:
            self._told(self.room.release(_now()))
        if not answer:
            raise Cancelled
        return answer

    async def _do_leave(self, order: Order) -> None:
        group = self._group(order)
        await self.chat.leave_group(group)
        if self.room.named(f"#{group}") is not None:  # else the event was faster and has said so
            self.room.left(group)
            self.front.show([lines.aside(f"you left #{group}")])

    async def _do_members(self, order: Order) -> None:
        members = await self.chat.group_members(self._group(order))
        self.room.learn(people=[member.user for member in members])
        self.front.show(lines.members(members))

    async def _do_remove(self, order: Order) -> None:
        if not self.room.here.startswith("#"):
            raise Unclear("Open the group first: /to #GROUP.")
        await self.chat.remove_member(self.room.here.removeprefix("#"), order.argument)

    async def _do_typing(self, order: Order) -> None:
        if order.argument:
            self.room.tell_typing = order.argument == "on"
        told = "are told" if self.room.tell_typing else "are not told"
        self.front.show([lines.aside(f"others {told} when you are typing")])

    async def _do_whoami(self, order: Order) -> None:
        me = await self.chat.whoami()
        device = f" on {me.device}" if me.device else ""
        self.front.show([lines.aside(f"{me.user}{device}, session {me.session}")])

    async def _do_help(self, order: Order) -> None:
        self.front.show(words.help_lines(order.argument))


def _now() -> float:
    return asyncio.get_running_loop().time()
