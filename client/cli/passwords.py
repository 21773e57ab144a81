"""Passwords: asked for at the terminal, read from stdin, or taken from the environment. Never argv.

Belongs here: how a secret comes in. The prompt goes to the terminal itself, or to stderr: stdout
belongs to data.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click

from client.cli.context import interactive
from client.cli.exits import USAGE, Mistake

VARIABLE = "PESAN_PASSWORD"

from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from stdin, one line.")


def password(
    prompt: str,
    *,
    stdin: bool,
    variable: str = VARIABLE,
    twice: bool = False,
    least: Callable[[], int] = lambda: 1,
) -> str:
    """A password from stdin, from ``variable``, or from the person, in this order.

    ``twice`` asks the person again, to be sure; ``least`` says how many characters the server wants, so that
    nobody types twice what is too short. It is asked only if the person is.
    """
    if stdin:
        return line_of_stdin()
    otherwise = f"--password-stdin or {variable}"
    return from_environment(variable) or ask(prompt, twice=twice, otherwise=otherwise, least=least)


def from_environment(variable: str) -> str:
    """What the environment says; '' for nothing."""
    return os.environ.get(variable, "")


def line_of_stdin() -> str:
    """One line of stdin, without its end."""
    line = sys.stdin.readline()
    if not line.rstrip("\r\n"):
        raise Mistake("no password on stdin.", USAGE)
    return line.rstrip("\r\n")


def ask(prompt: str, *, twice: bool = False, otherwise: str, least: Callable[[], int] = lambda: 1) -> str:
    """Ask the person; ``otherwise`` names the ways for whoever has no terminal."""
    from getpass import getpass

    if not interactive():
        raise Mistake(f"no terminal to ask for the password: use {otherwise}.", USAGE)
    wanted = least()
    try:
        first = getpass(f"{prompt}: ", stream=sys.stderr if not _has_terminal() else None)
        if 0 < len(first) < wanted:
            raise Mistake(f"a password needs at least {wanted} characters.", USAGE)
        if (
            first
            and twice
            and getpass("Once more: ", stream=sys.stderr if not _has_terminal() else None) != first
        ):
            raise Mistake("the two are not the same.", USAGE)
    except EOFError:
        raise click.Abort from None
    if not first:
        raise Mistake("no password was given.", USAGE)
    return first


def _has_terminal() -> bool:
    """Whether the process has a terminal that is neither stdout nor stderr to write prompts to."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
