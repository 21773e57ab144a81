"""Saying something: send, broadcast.

Text comes from the arguments, from stdin as one message, or (``-``) from stdin line by line. Lines
are pipelined: they fly together, and are stored in their order.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import sys
import threading
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from client.cli import output
from client.cli.context import Context, interactive, shared
from client.cli.exits import USAGE, Mistake, code_of
from client.cli.names import ADDRESS, new_id
from client.errors import ClientError, Timeout
from protocol.addresses import BROADCAST
from protocol.commands import SendReply
from protocol.errors import Failure, Invalid, TooLarge

if TYPE_CHECKING:
    from client.chat import Chat

WINDOW: Final = 128
"""Lines under way at once."""
CHUNK: Final = 65_536
"""Bytes of stdin read at a time."""


@click.command(short_help="Send a message.")
@click.argument("to", type=ADDRESS)
@click.argument("text", nargs=-1)
@click.option(
    "--id",
    "name",
    metavar="HEX",
    help="The message's id, 32 hex digits: a retry with it sends nothing twice.",
)
@shared
def send(context: Context, to: str, text: tuple[str, ...], name: str | None) -> None:
    """Send a message to a person (budi), a group ('#ops', in quotes) or everyone ('*').

    \b
    pesan send budi "see you at noon"
    uptime | pesan send budi           all of stdin is one message
    tail -f log | pesan send '#ops' -  each line is one; empty lines are skipped

    Put -- before a text that begins with a dash.
    """
    post(context, to, text, name)


@click.command(short_help="Send a message to everyone.")
@click.argument("text", nargs=-1)
@click.option("--id", "name", metavar="HEX", help="The message's id, as for send.")
@shared
def broadcast(context: Context, text: tuple[str, ...], name: str | None) -> None:
    """Send a message to everyone. TEXT, stdin and - as for pesan send."""
    post(context, BROADCAST, text, name)


def post(context: Context, to: str, text: tuple[str, ...], name: str | None) -> None:
    """What both commands do."""
    id = _id(name)
    if text == ("-",):
        if name:
            raise Mistake("--id names one message, and - sends one for each line.", USAGE)
        context.run(lambda chat: Lines(context, chat, to).run())
        return
    body = " ".join(text) if text else _stdin()
    try:
        reply = context.run(lambda chat: chat.send(to, body, id=id))
    except Timeout as error:
        again = f"the same command with --id {id.hex()} sends it at most once."
        raise Mistake(f"{error.message} Try again: {again}", code_of(error)) from None
    _show(context, to, id, reply)


def _show(context: Context, to: str, id: bytes, reply: SendReply) -> None:
    context.show(output.fields(reply, to=to, id=id.hex()), None)


def _id(text: str | None) -> bytes:
    if text is None:
        return new_id()
    try:
        return uuid.UUID(text).bytes
    except ValueError:
        raise Mistake(f"--id: {text!r} is not 32 hex digits.", USAGE) from None


def _stdin() -> str:
    """All of stdin as one message, without the line end that every tool adds."""
    if interactive():
        output.note("(type the message; Ctrl-D ends it)")
    data = sys.stdin.buffer.read()
    body = data.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    if not body:
        raise Mistake("nothing to send.", USAGE)
    return body


# --- line by line -------------------------------------------------------------------------------

UnderWay = tuple[int, bytes, "asyncio.Task[SendReply]"]


class Lines:
    """Sends each line of stdin, in order and pipelined.

    A line that the server can never take is named on stderr and left out. After anything else that
    goes wrong no more is read, and those under way get their answers.
    """

    def __init__(self, context: Context, chat: Chat, to: str) -> None:
        self._context = context
        self._chat = chat
        self._to = to
        self._room = asyncio.Semaphore(WINDOW)
        self._under_way: asyncio.Queue[UnderWay | None] = asyncio.Queue()
        self._stored = 0
        self._mistake: Mistake | None = None

    async def run(self) -> None:
        """Until stdin ends. Raises ``Mistake`` that names the first line that was not stored."""
        feeding = asyncio.ensure_future(self._feed())
        try:
            while (item := await self._under_way.get()) is not None:
                if not await self._settle(*item):
                    feeding.cancel()
                self._room.release()
                if self._under_way.empty():
                    sys.stdout.flush()
        finally:
            feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=self._mistake is not None)
        if self._mistake is not None:
            said = f"{self._mistake.message.rstrip('.')}; {self._stored} lines were sent."
            raise Mistake(said, self._mistake.code)

    async def _feed(self) -> None:
        try:
            number = 0
            async for line in stdin_lines():
                number += 1
                if line:
                    await self._room.acquire()
                    id = new_id()
                    task = asyncio.ensure_future(self._chat.send(self._to, line, id=id))
                    self._under_way.put_nowait((number, id, task))
        finally:
            self._under_way.put_nowait(None)

    async def _settle(self, number: int, id: bytes, task: asyncio.Task[SendReply]) -> bool:
        """Wait for one answer; False: there is no point in going on."""
        try:
            _show(self._context, self._to, id, await task)
            self._stored += 1
            return True
        except (Failure, ClientError) as error:
            sentence, code = self._context.explain(error)
            if self._mistake is None:
                self._mistake = Mistake(f"line {number}: {sentence}", code)
            if isinstance(error, (Invalid, TooLarge)):
                output.note(f"pesan: line {number}: {output.one_line(sentence)}")
                return True
            return False


async def stdin_lines() -> AsyncIterator[str]:
    """Lines of stdin as they come. A thread reads, for stdin may be a file, a pipe or a terminal."""
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue(4)
    # Not through sys.stdin: its lock, held by a thread that still waits, would break our exit.
    descriptor = sys.stdin.fileno()

    def read() -> None:
        data = b"-"
        with suppress(RuntimeError, concurrent.futures.CancelledError):  # nobody wants to know any more
            while data:
                try:
                    data = os.read(descriptor, CHUNK)
                except OSError:
                    data = b""
                asyncio.run_coroutine_threadsafe(chunks.put(data), loop).result()

    threading.Thread(target=read, daemon=True, name="stdin").start()
    rest = b""
    while data := await chunks.get():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield _text(line)
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
