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

from client.cli import output, realms
from client.cli.arrivals import Arrival
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
@click.option("--wait", is_flag=True, help="Of another realm: wait until it is there, or refused there.")
@shared
def send(context: Context, to: str, text: tuple[str, ...], name: str | None, wait: bool) -> None:
    """Send a message to a person (budi), a group ('#ops', in quotes) or everyone ('*').

    To people and groups of another realm by address: budi@b, '#team@b'. What waits because that realm is away
    is said on stderr; it goes there by itself. With --wait it is waited for, as long as --timeout says: exit
    code 5 when it is not there by then, and 1 when it was refused there.

    \b
    pesan send budi "see you at noon"
    uptime | pesan send budi           all of stdin is one message
    tail -f log | pesan send '#ops' -  each line is one; empty lines are skipped

    Put -- before a text that begins with a dash.
    """
    post(context, to, text, name, wait)


@click.command(short_help="Send a message to everyone.")
@click.argument("text", nargs=-1)
@click.option("--id", "name", metavar="HEX", help="The message's id, as for send.")
@shared
def broadcast(context: Context, text: tuple[str, ...], name: str | None) -> None:
    """Send a message to everyone. TEXT, stdin and - as for pesan send."""
    post(context, BROADCAST, text, name)


def post(context: Context, to: str, text: tuple[str, ...], name: str | None, wait: bool = False) -> None:
    """What both commands do."""
    id = _id(name)
    if text == ("-",):
        if wait:
            raise Mistake("--wait is for one message, and - sends one for each line.", USAGE)
        if name:
            raise Mistake("--id names one message, and - sends one for each line.", USAGE)
        context.run(lambda chat: Lines(context, chat, to).run())
        return
    body = " ".join(text) if text else _stdin()

    async def work(chat: Chat) -> SendReply:
        if wait and realms.realm_of(to):
            arrival = Arrival(chat, to, id)
            await arrival.expect()
            return await arrival.awaited(await _sent(chat, to, body, id), context.timeout)
        reply = await _sent(chat, to, body, id)
        if reply.away:
            output.note(output.one_line(await realms.queued(chat, to)))
        return reply

    try:
        reply = context.run(work)
    except Timeout as error:
        again = f"the same command with --id {id.hex()} sends it at most once."
        raise Mistake(f"{error.message} Try again: {again}", code_of(error)) from None
    _show(context, to, id, reply)


async def _sent(chat: Chat, to: str, body: str, id: bytes) -> SendReply:
    """Send; of a text that is too long say how long it is, and how long this server lets one be."""
    try:
        return await chat.send(to, body, id=id)
    except TooLarge:
        most = (await chat.hello()).limits.get("message_bytes", 0)
        size = len(body.encode())
        if size <= most:
            raise
        said = f"This message has {size} bytes, and one may have at most {most}."
        raise TooLarge(said, limit=most) from None


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
    body = _text(sys.stdin.buffer.read().removesuffix(b"\n"))
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
        self._left_out = 0
        """Lines that were named on stderr already, with the exit code of the first of them."""
        self._code = 0
        self._mistake: Mistake | None = None
        """Why no more was read."""
        self._away = False
        """Whether we said that they wait for their realm."""

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
        sent = f"{counted(self._stored)} sent"
        if self._mistake is not None:
            raise Mistake(f"{self._mistake.message}; {sent}.", self._mistake.code)
        if self._left_out:
            raise Mistake(f"{sent}, {self._left_out} left out.", self._code)

    async def _feed(self) -> None:
        try:
            number = 0
            async for line in stdin_lines():
                number += 1
                if line.removesuffix(b"\r"):
                    await self._room.acquire()
                    id = new_id()
                    task = asyncio.ensure_future(self._send(line, id))
                    self._under_way.put_nowait((number, id, task))
        finally:
            self._under_way.put_nowait(None)

    async def _send(self, line: bytes, id: bytes) -> SendReply:
        return await _sent(self._chat, self._to, _text(line), id)

    async def _settle(self, number: int, id: bytes, task: asyncio.Task[SendReply]) -> bool:
        """Wait for one answer; False: there is no point in going on."""
        try:
            reply = await task
            _show(self._context, self._to, id, reply)
            self._stored += 1
            if reply.away and not self._away:
                output.note(output.one_line(await realms.queued(self._chat, self._to)))
            self._away = reply.away
            return True
        except (Failure, ClientError) as error:
            sentence, code = self._context.explain(error)
            if not isinstance(error, (Invalid, TooLarge)):
                self._mistake = self._mistake or Mistake(f"line {number}: {sentence.rstrip('.')}", code)
                return False
            output.note(f"pesan: line {number}: {output.one_line(sentence)}")
            self._left_out += 1
            self._code = self._code or code
            return True


def counted(lines: int) -> str:
    """``1 line was``, ``2 lines were``."""
    return "1 line was" if lines == 1 else f"{lines} lines were"


async def stdin_lines() -> AsyncIterator[bytes]:
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
            yield line
    if rest:
        yield rest


def _text(data: bytes) -> str:
    """What was read, without a carriage return at its end. Raises ``Invalid`` where it is no text in UTF-8.

    Nothing is put in place of what cannot be read: what arrives is what was sent, or nothing is.
    """
    try:
        return data.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1} is {error.object[error.start]:#04x}"
        raise Invalid(f"This is no text in UTF-8 ({byte}), so it was not sent.") from None
