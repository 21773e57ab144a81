"""``pesan admin``: commands of the server's operator. Options, output and exit codes.

Reached from ``pesan`` by the entry point group ``pesan.commands``. It speaks to no broker: whoever may
read the data folder or the database may run it, with the server running or not.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import Any, Final

import click

from config.loading import SettingsError, load
from config.settings import Settings
from services.admin import checks, file_checks, realm_checks, schema, storage_checks
from services.admin.fsck import Group, Result, run
from services.storage import SQLITE_FILE, open_reader
from services.storage.engine import StoreUnavailable

CLEAN: Final = 0
PROBLEMS: Final = 1
COULD_NOT_OPEN: Final = 78
"""EX_CONFIG of sysexits.h, as for every process of ours that cannot start."""


def groups(dialect: str, *, hashes: bool = False) -> list[Group]:
    """Every check, in the order in which they are run; ``hashes``: that of all files' bytes, too."""
    store = (*checks.MESSAGES, *checks.CONVERSATIONS, *checks.MEMBERS, *checks.USERS, *checks.SESSIONS)
    return [
        Group((schema.Version(),), gate=True),
        Group((schema.Objects(), *schema.ENGINE[dialect])),
        Group(store),
        Group(realm_checks.REALMS),
        Group(
            (
                *file_checks.BLOBS,
                *file_checks.FILES,
                *file_checks.FETCHES,
                *file_checks.UPLOADS,
                *file_checks.USAGE,
            )
        ),
        Group(storage_checks.storage(hashes=hashes)),
    ]


@click.group(name="admin", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look after a server: pesan admin fsck."""


@command.command(short_help="Check the server's store.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--bytes", "hashes", is_flag=True, help="Read all files, too, and compare their hashes.")
@click.pass_context
def fsck(ctx: click.Context, as_json: bool, hashes: bool) -> None:
    """Check the store in the data folder ($PESAN_HOME) or in PostgreSQL, and that the bytes of all files are
    where it says: nothing missing, nothing dangling.

    Changes nothing, and may run while the server does. Prints a line for each check, "ok" or the number of
    problems and the first few. Exit codes: 0 all is well, 1 there are problems, 78 there is no store to
    check.
    """
    root = ctx.find_root().obj
    as_json = as_json or bool(getattr(root, "json", False))  # pesan --json admin fsck
    try:
        settings = load()
        with closing(open_reader(settings)) as reader:
            click.echo(f"checking {_named(settings)}", err=True)
            sound = True
            for result in run(reader, settings, groups(reader.dialect, hashes=hashes)):
                click.echo(json.dumps(record(result)) if as_json else line(result))
                sys.stdout.flush()
                sound = sound and result.ok
    except (SettingsError, StoreUnavailable, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        click.echo(f"pesan admin fsck: {error}", err=True)
        ctx.exit(COULD_NOT_OPEN)
    ctx.exit(CLEAN if sound else PROBLEMS)


def _named(settings: Settings) -> str:
    """Which store that is. A connection string may hold a password."""
    return "the PostgreSQL database" if settings.database else str(settings.home / SQLITE_FILE)


def line(result: Result) -> str:
    """A result for a person."""
    if result.ok:
        return f"{result.check.name}: ok"
    count, first = result.found
    if not result.ran:
        return f"{result.check.name}: {first[0]}"
    more = "; …" if count > len(first) else ""
    return f"{result.check.name}: {count} problem{'s' * (count > 1)}: {'; '.join(first)}{more}"


def record(result: Result) -> dict[str, Any]:
    """A result for a program. ``ran`` is false when the check itself could not be done."""
    return {
        "check": result.check.name,
        "rule": result.check.sentence,
        "ok": result.ok,
        "ran": result.ran,
        "problems": result.found.problems,
        "first": result.found.first,
    }
