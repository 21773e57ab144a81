"""``pesan chat`` on a terminal: the prompt, lines above it, the bar below it, passwords unseen.

Belongs here: prompt_toolkit and signals. What a line does is ``desk``'s, what to show ``room``'s.
Lines are written above the prompt, which is then drawn again with whatever is being typed; while a
password is asked for they wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import termios
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app_or_none, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import is_searching
from prompt_toolkit.history import DummyHistory, History
from prompt_toolkit.input import Input
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout

from client.chat import Chat
from client.cli.chat import lines
from client.cli.chat.completion import Names
from client.cli.chat.desk import Desk
from client.cli.chat.keeping import typed_lines
from client.cli.chat.room import TYPING_SHOWN, Room, Talk
from client.cli.exits import OK, TIMEOUT
from client.cli.output import plain
from client.cli.realms import realm_of
from protocol.addresses import Kind

if TYPE_CHECKING:
    from client.cli.files.memory import Memory

UNREAD_NAMED: Final = 4
"""Conversations with unread messages that the bar names."""
FILES_NAMED: Final = 2
"""Files under way that it names."""
LEAVING: Final = 5.0
"""Seconds that messages on their way get when we leave."""


class Terminal:
    """A front on a terminal; ``input``, ``output`` and ``history`` are prompt_toolkit's own unless given."""

    seen = True

    def __init__(
        self,
        room: Room,
        profile: str,
        *,
        memory: Memory | None = None,
        input: Input | None = None,
        output: Output | None = None,
        history: History | None = None,
    ) -> None:
        self.room = room
        self.code = OK
        self._memory = memory
        self._desk: Desk | None = None
        self._over = False
        """No further line is wanted."""
        self._asking = False
        self._waiting: list[str] = []
        self._writing: asyncio.Task[None] | None = None
        self._work: asyncio.Task[bool] | None = None
        if input is None and sys.stdin is not None and sys.stdin.isatty():
            input = _Keys(sys.stdin)
        self._prompt: PromptSession[str] = PromptSession(
            self._where,
            history=history if history is not None else typed_lines(profile),
            completer=Names(room),
            complete_while_typing=False,  # it and a quick Tab get into each other's way
            reserve_space_for_menu=4,
            key_bindings=_keys(),
            bottom_toolbar=self._bar,
            input=input,
            output=output,
        )
        self._question: PromptSession[str] = PromptSession(
            is_password=True, history=DummyHistory(), input=input, output=output
        )
        self._prompt.default_buffer.on_text_changed += self._typed

    # --- a front --------------------------------------------------------------------------------

    def show(self, lines: Iterable[str]) -> None:
        """Lines above the prompt, once no question is open."""
        self._waiting.extend(lines)
        self._write_soon()

    def complain(self, sentence: str, code: int) -> None:
        """A sentence above the prompt. What went wrong on the way is no exit code of a conversation."""
        self.show([lines.aside(sentence)])

    async def ask_password(self, question: str) -> str | None:
        """What is typed without being shown; None after Ctrl-C, Ctrl-D, or when we are to leave."""
        self._asking = True
        try:
            if self._over:
                return None
            return await self._question.prompt_async(question, handle_sigint=False)
        except (EOFError, KeyboardInterrupt):
            return None
        finally:
            self._asking = False
            self._write_soon()

    def changed(self) -> None:
        """Draw the bar and the prompt again."""
        self._prompt.app.invalidate()
        loop = asyncio.get_running_loop()
        if self.room.typists(loop.time()):
            loop.call_later(TYPING_SHOWN, self._prompt.app.invalidate)  # they may have stopped by then

    # --- from beginning to end ------------------------------------------------------------------

    async def run(self, chat: Chat, address: str) -> int:
        """Chat until Ctrl-D, /quit or the end of the session; the exit code."""
        self.room.user = (await chat.whoami()).user
        self._desk = desk = Desk(chat, self.room, self, self._memory)
        with _unseen_keys(), patch_stdout(), contextlib.ExitStack() as exits:
            await desk.begin(address)
            exits.enter_context(self._signals())
            desk.learn_soon()
            listening = asyncio.ensure_future(desk.listen())
            listening.add_done_callback(lambda _: self.hang_up())
            try:
                while (line := await self._line()) is not None and await self._do(desk.obey(line)):
                    pass
                if not listening.done():
                    await self._do(self._leave(desk))
            finally:
                await self._end(desk, listening)
        if not listening.cancelled():
            listening.result()
        return self.code

    def hang_up(self) -> None:
        """Ask for no further line, and give up the one being asked for."""
        self._over = True
        for session in (self._prompt, self._question):
            if session.app.is_running and not session.app.is_done:
                session.app.exit(exception=EOFError)

    async def _line(self) -> str | None:
        """The next line; None when we are to leave."""
        if self._over:
            return None
        try:
            return await self._prompt.prompt_async(handle_sigint=False)
        except EOFError:
            return None

    async def _do(self, work: Coroutine[Any, Any, bool]) -> bool:
        """Do something that Ctrl-C interrupts."""
        self._work = asyncio.ensure_future(work)
        try:
            return await self._work
        except asyncio.CancelledError:
            if not self._work.cancelled() or _cancelled():
                raise
            self.show([lines.aside("interrupted")])
            return True
        finally:
            self._work = None

    async def _leave(self, desk: Desk) -> bool:
        """Give messages on their way a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVING if self.room.connected else 0):
                await desk.outgoing.drained()
        return True

    async def _end(self, desk: Desk, listening: asyncio.Future[None]) -> None:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        if desk.outgoing:
            count = "1 message was" if len(desk.outgoing) == 1 else f"{len(desk.outgoing)} messages were"
            self.complain(f"{count} not sent", TIMEOUT)
            self.code = TIMEOUT
        if desk.transfers:
            count = "1 file is" if len(desk.transfers) == 1 else f"{len(desk.transfers)} files are"
            self.complain(f"{count} not through", TIMEOUT)
            self.code = TIMEOUT
        await desk.close()
        if self._writing is not None:
            await self._writing

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C ends what is being done (at the prompt it is a key), SIGTERM leaves."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_signal_handler(signal.SIGTERM, self.hang_up)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            loop.remove_signal_handler(signal.SIGTERM)

    def _interrupt(self) -> None:
        if self._work is not None:
            self._work.cancel()

    # --- writing --------------------------------------------------------------------------------

    def _write_soon(self) -> None:
        """In this moment where no prompt stands in the way, else as soon as it has stepped aside."""
        if not self._waiting or self._asking or (self._writing is not None and not self._writing.done()):
            return
        if get_app_or_none() is None:
            self._write()
        else:
            self._writing = asyncio.ensure_future(self._write_above())

    async def _write_above(self) -> None:
        while self._waiting and not self._asking:
            await run_in_terminal(self._write)

    def _write(self) -> None:
        """prompt_toolkit's output writes an ESC as a question mark: nothing can drive the terminal."""
        waiting, self._waiting = self._waiting, []
        output = self._prompt.app.output
        for line in waiting:
            output.write(plain(line).replace("\n", "\r\n") + "\r\n")
        output.flush()

    # --- what is around the line ----------------------------------------------------------------

    def _where(self) -> str:
        return f"{self.room.here or 'pesan'}> "

    def _bar(self) -> str:
        now = asyncio.get_running_loop().time()
        desk = self._desk
        return bar(self.room, now, len(desk.outgoing), desk.transfers.state) if desk else bar(self.room, now)

    def _typed(self, buffer: Buffer) -> None:
        if self._desk is not None and buffer.text:
            self._desk.typed(buffer.text)


def bar(room: Room, now: float, unsent: int = 0, files: Sequence[str] = ()) -> str:
    """The line below the prompt: where we are, who types, what is unread, files, the connection."""
    parts = [room.here or "no conversation: /to NAME opens one"]
    typists = room.typists(now)
    if typists:
        parts.append(f"{', '.join(typists[:3])} {'is' if len(typists) == 1 else 'are'} typing")
    unread = room.unread
    if unread:
        named = ", ".join(f"{talk.name} {talk.unread}" for talk in unread[:UNREAD_NAMED])
        parts.append(f"unread: {named}" + (", …" if len(unread) > UNREAD_NAMED else ""))
    talk = room.talk
    if talk is not None:
        parts.extend(_mark(room, talk))
    if unsent:
        parts.append(f"{unsent} not sent yet")
    parts.extend(files[:FILES_NAMED])
    parts.append("connected" if room.connected else "not connected")
    return f" {' | '.join(parts)} "


def _mark(room: Room, talk: Talk) -> list[str]:
    """How far what we said last has come."""
    realm = realm_of(talk.name)
    if talk.kind == Kind.GROUP:
        waiting = room.journeys.waiting(talk.name)
        return [f"{waiting} waiting for realm {realm}"] if waiting else []
    if talk.kind != Kind.DIRECT or not talk.ours:
        return []
    if talk.ours <= talk.seen:
        return ["read"]
    if not realm:
        return []
    if talk.ours == talk.refused:
        return ["refused there"]
    return ["delivered"] if talk.ours <= talk.delivered else [f"sent, waiting for realm {realm}"]


class _Keys(Vt100Input):
    """The keyboard. Also while lines are written above the prompt, no key is shown by the terminal itself."""

    def cooked_mode(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def _keys() -> KeyBindings:
    """What differs from the usual keys of a line."""
    keys = KeyBindings()

    @keys.add("c-c", filter=~is_searching)
    def clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    @keys.add("escape", "enter")
    def break_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


@contextlib.contextmanager
def _unseen_keys() -> Iterator[None]:
    """Between two prompts what is typed is kept for the next one, and not shown meanwhile."""
    descriptor = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else -1
    if descriptor < 0:
        yield
        return
    before = termios.tcgetattr(descriptor)
    unseen = termios.tcgetattr(descriptor)
    unseen[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(descriptor, termios.TCSADRAIN, unseen)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _cancelled() -> bool:
    """Whether it is our own task that was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
