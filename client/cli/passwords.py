"""Passwords: asked for at the terminal, read from stdin, or taken from the environment. Never argv.

Belongs here: how a secret comes in. The prompt goes to the terminal itself, or to stderr: stdout
belongs to data.
"""

from __future__ import annotations

import os
import sys

import click

from client.cli.context import interactive
from client.cli.exits import USAGE, Mistake

VARIABLE = "PESAN_PASSWORD"

from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from stdin, one line.")


def password(prompt: str, *, stdin: bool, variable: str = VARIABLE, twice: bool = False) -> str:
    """A password from stdin, from ``variable``, or from the person, in this order.

    ``twice`` asks the person again, to be sure.
    """
    if stdin:
        return line_of_stdin()
    return from_environment(variable) or ask(prompt, twice=twice, otherwise=f"--password-stdin or {variable}")


def from_environment(variable: str) -> str:
    """What the environment says; '' for nothing."""
    return os.environ.get(variable, "")


def line_of_stdin() -> str:
    """One line of stdin, without its end."""
    line = sys.stdin.readline()
    if not line.rstrip("\r\n"):
        raise Mistake("no password on stdin.", USAGE)
    return line.rstrip("\r\n")


def ask(prompt: str, *, twice: bool = False, otherwise: str) -> str:
    """Ask the person; ``otherwise`` names the ways for whoever has no terminal."""
    from getpass import getpass

    if not interactive():
        raise Mistake(f"no terminal to ask for the password: use {otherwise}.", USAGE)
    try:
        first = getpass(f"{prompt}: ", stream=sys.stderr if not _has_terminal() else None)
        if twice and getpass("Once more: ", stream=sys.stderr if not _has_terminal() else None) != first:
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
