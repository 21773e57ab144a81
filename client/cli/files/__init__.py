"""``pesan file``: files sent and fetched, and one's own space.

    arguments  what a word names: an address, a path in one's own space, a file's number
    sources    local files and stdin, looked at before anything moves
    sending    send            getting   get
    space      ls, mv, rm, mkdir, usage
    unfinished uploads, cancel
    several    what goes wrong with one of several
    memory     which upload a repeated command goes on with
    progress   what is seen of a transfer under way

Only the group is here. tqdm is loaded when there is a terminal to draw on.
"""

from __future__ import annotations

import click

from client.cli.context import options


@click.group(short_help="Files: send, get, ls, mv, rm, mkdir, usage, uploads, cancel.")
@options
def command() -> None:
    """Files: sent to people and groups, or kept in your own space.

    In a conversation a file is a message, and is fetched by the number shown there: [file 17]. In your own
    space it has a path that begins with a slash: /docs/report.pdf. What is cut short (Ctrl-C, a lost line)
    goes on where it stopped when the same command is given again.
    """


def _fill() -> None:
    from client.cli.files import getting, sending, space, unfinished

    for one in (
        sending.send,
        getting.get,
        space.ls,
        space.mv,
        space.rm,
        space.mkdir,
        space.usage,
        unfinished.uploads,
        unfinished.cancel,
    ):
        command.add_command(one)


_fill()
