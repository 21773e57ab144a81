"""Saying something: send, broadcast.

Text comes from the arguments, from stdin as one message, or (``-``) from stdin line by line. Lines
are pipelined: they fly together, and are stored in their order.
"""

from __future__ import annotations

import asyncio
import io
import sys
import threading
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import click

from client.cli import output
from client.cli.context import Context, interactive, shared
from client.cli.exits import USAGE, Mistake, code_of
from client.cli.names import ADDRESS
from client.errors import ClientError, Timeout
from protocol.addresses import BROADCAST
from protocol.commands import SendReply
from protocol.errors import Failure

if TYPE_CHECKING:
    from client.chat import Chat

WINDOW: Final = 128
"""Lines under way at once."""
CHUNK: Final = 65_536
"""Bytes of stdin read at a time."""

MISSING_TO = (
    "to whom? pesan send TO TEXT. "
    "(A group's name needs quotes, for a shell takes # for a comment: pesan send '#ops' TEXT)"
)


@click.command(short_help="Send a message.")
@click.argument("to", required=False, type=ADDRESS)
@click.argument("text", nargs=-1)
@click.option(
    "--id",
    "name",
    metavar="HEX",
    help="The message's id, 32 hex digits: a retry with it sends nothing twice.",
)
@shared
def send(context: Context, to: str | None, text: tuple[str, ...], name: str | None) -> None:
    """Send a message to a person (budi), a group ('#ops', in quotes) or everyone ('*').

    \b
    pesan send budi "see you at noon"
    uptime | pesan send budi           all of stdin is one message
    tail -f log | pesan send '#ops' -  each line is one; empty lines are skipped

    Put -- before a text that begins with a dash.
    """
    if not to:
        raise Mistake(MISSING_TO, USAGE)
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
        context.run(lambda chat: _lines(context, chat, to))
        return
    body = " ".join(text) if text else _stdin()
    try:
        reply = context.run(lambda chat: chat.send(to, body, id=id))
    except Timeout as error:
        again = f"the same command with --id {id.hex()} sends it at most once."
        raise Mistake(f"{error.message} Try again: {again}", code_of(error)) from None
    _stored(context, to, id, reply)


def _stored(context: Context, to: str, id: bytes, reply: SendReply) -> None:
    context.show(output.fields(reply, to=to, id=id.hex()), None)


def _id(text: str | None) -> bytes:
    if text is None:
        from client.cli.names import new_id

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


async def _lines(context: Context, chat: Chat, to: str) -> None:
    """Send each line of stdin; the first failure ends it, once those under way have their answer."""
    from client.cli.names import new_id

    room = asyncio.Semaphore(WINDOW)
    under_way: asyncio.Queue[tuple[int, bytes, asyncio.Task[SendReply]] | None] = asyncio.Queue()
    failed = asyncio.Event()

    async def feed() -> None:
        number = 0
        async for line in _stdin_lines():
            number += 1
            if not line:
                continue
            await room.acquire()
            if failed.is_set():
                break
            id = new_id()
            under_way.put_nowait((number, id, asyncio.ensure_future(chat.send(to, line, id=id))))
        under_way.put_nowait(None)

    feeding = asyncio.ensure_future(feed())
    mistake: Mistake | None = None
    try:
        while (item := await under_way.get()) is not None:
            number, id, task = item
            try:
                _stored(context, to, id, await task)
            except (Failure, ClientError) as error:
                if mistake is None:
                    sentence, code = context.explain(error)
                    mistake = Mistake(f"line {number}: {sentence}", code)
                failed.set()
                feeding.cancel()
                if under_way.empty():
                    break
            room.release()
            if failed.is_set() and under_way.empty():
                break
    finally:
        feeding.cancel()
    if mistake is not None:
        raise mistake


def _read(size: int) -> bytes:
    """What is there, at least a byte unless stdin has ended."""
    stream = sys.stdin.buffer
    return stream.read1(size) if isinstance(stream, io.BufferedReader) else stream.read(size)


async def _stdin_lines() -> AsyncIterator[str]:
    """Lines of stdin as they come. A thread reads, for stdin may be a file, a pipe or a terminal."""
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue(4)

    def read() -> None:
        try:
            while True:
                data = _read(CHUNK)
                asyncio.run_coroutine_threadsafe(chunks.put(data), loop).result()
                if not data:
                    return
        except Exception:  # the loop is gone: so is whoever wanted to know
            return

    threading.Thread(target=read, daemon=True, name="stdin").start()
    rest = b""
    while data := await chunks.get():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
    if rest:
        yield rest.decode("utf-8", "replace")
