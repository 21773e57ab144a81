"""``pesan realm``: pairing with other servers. Options, output and exit codes.

Reached from ``pesan`` by the entry point group ``pesan.commands``. It works on the store of the data folder
or of ``PESAN_DATABASE``, with the server running or not; a server that runs takes notice within a second.
Only ``join`` speaks to anybody, and that is the other server. Rules: ``pairing``.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import click
from zmq.utils import z85

from config import whereabouts
from config.hosts import is_loopback
from config.keys import KeyPair, server_keys
from config.loading import SettingsError, load
from config.settings import Settings
from config.whereabouts import EVERYWHERE
from protocol.errors import Failure, Forbidden, Invalid, NotFound
from services.realm import invitation as invitations
from services.realm import joining, pairing
from services.realm.invitation import Invitation, checked_address
from services.realm.opening import running_as
from services.realm.pairing import Ourselves
from services.storage import open_store, realms
from services.storage.engine import Store, StoreUnavailable
from services.storage.migrate import migrate
from services.storage.realms import Realm, State

OTHER: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
NOT_FOUND: Final = 4
TIMEOUT: Final = 5
OFFLINE: Final = 6
COULD_NOT_OPEN: Final = 78
"""EX_CONFIG of sysexits.h, as for every process of ours that cannot start."""

PATIENCE: Final = 10.0
"""Seconds that the other server has for its answer."""
CONTACT: Final = 6.0
"""Seconds that ``join`` waits for the two servers to reach each other, to say so."""
ANYWHERE: Final = "192.0.2.1:9"
"""An address for documentation, far away: which of our own would we use towards it?"""
VALID_MOST: Final = 30 * 86_400
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_CODES: Final[dict[type[Exception], int]] = {
    Invalid: USAGE,
    Forbidden: REFUSED,
    NotFound: NOT_FOUND,
    joining.Unreachable: OFFLINE,
    joining.NoAnswer: TIMEOUT,
    joining.Untrusted: REFUSED,
}


@click.group(name="realm", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Pair with other servers: realm invite, join, list, remove, block.

    On one server `pesan realm invite` prints an invitation, on the other `pesan realm join` takes it. Exit
    codes: 0 ok, 2 usage, 3 refused, 4 no such realm, 5 no answer, 6 not reached, 78 a setting is wrong or the
    store cannot be opened, 1 else.
    """


class Ours(NamedTuple):
    """This installation."""

    settings: Settings
    keys: KeyPair
    store: Store

    @property
    def selves(self) -> Ourselves:
        """Name and key."""
        return Ourselves(self.settings.realm, z85.decode(self.keys.public))


@contextmanager
def _ours() -> Iterator[Ours]:
    """This installation, its tables made if need be. Ends the command with a sentence on a failure."""
    try:
        settings = load()
        keys = server_keys(settings.home)
        with closing(open_store(settings)) as store:
            migrate(store, _now())
            yield Ours(settings, keys, store)
    except (SettingsError, StoreUnavailable) as error:
        _end(str(error), COULD_NOT_OPEN)
    except joining.Refused as error:
        _end(str(error), REFUSED if error.code == Forbidden.code else OTHER)
    except (Failure, joining.NotJoined) as error:
        _end(str(error), _CODES.get(type(error), OTHER))
    except BrokenPipeError:
        raise
    except OSError as error:
        _end(str(error), COULD_NOT_OPEN)


def _end(sentence: str, code: int) -> None:
    click.echo(f"pesan realm: {sentence}", err=True)
    sys.exit(code)


# --- pairing ------------------------------------------------------------------------------------


def _seconds(context: click.Context, parameter: click.Parameter, text: str) -> int:
    found = re.fullmatch(r"(\d{1,9})([smhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= VALID_MOST:
        raise click.BadParameter("a time such as 30m, 24h or 7d, 30d at the most.")
    return seconds


_HOST = click.option(
    "--host",
    default="",
    metavar="HOST[:PORT]",
    help="How the other server reaches this one, where that is not the address it listens on.",
)


@command.command(short_help="Print an invitation for another server.")
@_HOST
@click.option(
    "--valid", "seconds", default="24h", callback=_seconds, help="How long: 30m, 24h (default), 7d."
)
@click.option("--replace", default="", metavar="NAME", help="For a realm of this name that has a new key.")
def invite(host: str, seconds: int, replace: str) -> None:
    """Print an invitation: one string, which the other server takes once with `pesan realm join`.

    Whoever has it can pair with this server as any realm that is not known here yet, so hand it over as you
    would a password. It is over when it was used, and after a day.
    """
    with _ours() as ours:
        _check_ourselves(ours.settings)
        address = _own_address(ours.settings, host, ANYWHERE)
        with ours.store.write() as tx:
            made = pairing.invite(tx, ours.selves, address, _now(), seconds, replace)
        click.echo(str(made))
        until = datetime.fromtimestamp(made.until, UTC).strftime("%Y-%m-%d %H:%M UTC")
        click.echo(f"On the other server, once, before {until}:  pesan realm join THIS", err=True)
        _warn(ours.settings, address)


@command.command(short_help="Pair with the server that made an invitation.")
@click.argument("string", metavar="INVITATION")
@_HOST
@click.option("--replace", is_flag=True, help="Also if a realm of this name was known here with another key.")
def join(string: str, host: str, replace: bool) -> None:
    """Pair with the server that made an INVITATION. From then on people here and there write to each other.

    Taking the same one again does no harm. Says whether the two servers reach each other.
    """
    try:
        invitation = invitations.parse(string)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    with _ours() as ours:
        _check_ourselves(ours.settings)
        with ours.store.read() as tx:
            pairing.may_join(tx, ours.selves, invitation, replace)
        address = _own_address(ours.settings, host, invitation.address)
        _ask(ours, invitation, address)
        now = _now()
        with ours.store.write() as tx:
            pairing.adopt(tx, ours.selves, invitation, now, replace)
        click.echo(f"paired with {invitation.realm}")
        _warn(ours.settings, address, invitation.address)
        _tell_contact(ours, invitation, address, now)


def _check_ourselves(settings: Settings) -> None:
    """What the other realm is told must be what the server goes by. Raises ``SettingsError``.

    Else a name or port that is set for the server alone would pair the other one with nobody.
    """
    runs, said = whereabouts.left(settings.home, whereabouts.REALM), running_as(settings)
    if runs and runs != said:
        (name, _, port), (our_name, _, our_port) = runs.partition(" "), said.partition(" ")
        raise SettingsError(
            f"The server of {settings.home} is realm {name} on port {port}, but here the settings say "
            f"{our_name} on port {our_port}. Set PESAN_REALM and PESAN_PORT_BASE as the server has them, "
            "or both in pesan.toml; if it is the server that is to change, start it anew first."
        )


def _ask(ours: Ours, invitation: Invitation, address: str) -> bool:
    return joining.ask(invitation, ours.keys, ours.settings.realm, address, PATIENCE).reached


def _tell_contact(ours: Ours, invitation: Invitation, address: str, since: int) -> None:
    """Wait a little for the servers to reach each other; say on stderr if either does not."""
    name = invitation.realm
    if not _until(lambda: _contact(ours.store, name) > since, CONTACT):
        click.echo(f"This server has not reached {name} yet. Does it run (pesan up)?", err=True)
    elif not _until(lambda: _ask(ours, invitation, address), CONTACT):
        click.echo(
            f"{name} has not reached this server at {address} yet. Is that port open to it? If it is another "
            "address: pesan realm join --host HOST:PORT, with the same invitation.",
            err=True,
        )


def _contact(store: Store, name: str) -> int:
    with store.read() as tx:
        found = realms.named(tx, name)
    return found.contact_at if found else 0


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _own_address(settings: Settings, host: str, towards: str) -> str:
    """Where the other server reaches us: as told, as set, as bound, or as this machine would go there."""
    if host:
        return _said(host, settings)
    bound = settings.realm_host or settings.host
    named = settings.realm_address or settings.advertise
    if not named and bound.strip("[]") in EVERYWHERE:
        named = joining.own_host_towards(towards) or EVERYWHERE[bound.strip("[]")]
    return _said(named or bound, settings)


def _said(host: str, settings: Settings) -> str:
    try:
        return checked_address(host, settings.realm_port)
    except ValueError as error:
        raise Invalid(str(error)) from None


def _warn(settings: Settings, address: str, other: str = "") -> None:
    """Where we listen to this machine alone, and the other one is not on it, say so."""
    bound = settings.realm_host or settings.host
    host = address.rpartition(":")[0].strip("[]")
    if (
        is_loopback(bound)
        and is_loopback(host)
        and not (other and is_loopback(other.rpartition(":")[0].strip("[]")))
    ):
        click.echo(
            f"This server listens to this machine alone ({bound}). For servers elsewhere: realm_host or host "
            "in pesan.toml, and a restart.",
            err=True,
        )


# --- what there is ------------------------------------------------------------------------------


@command.command("list", short_help="Show the realms we know: state, backlog, last contact.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Show every realm that was ever paired with this one: state, what waits for it, last contact."""
    as_json = as_json or bool(getattr(ctx.find_root().obj, "json", False))  # pesan --json realm list
    with _ours() as ours:
        with ours.store.read() as tx:
            found = realms.every(tx)
        for realm in found:
            click.echo(json.dumps(record(realm)) if as_json else line(realm, _now()))
        if not found and not as_json:
            click.echo(f"{ours.settings.realm} is paired with no other realm.", err=True)


def state_of(realm: Realm) -> str:
    """``here``, ``away``, ``new`` (never reached yet), ``blocked`` or ``removed``."""
    if realm.state != State.PAIRED:
        return realm.state
    if realm.away_since:
        return "away"
    return "here" if realm.contact_at >= realm.paired_at else "new"


def line(realm: Realm, now: int) -> str:
    """A realm for a person."""
    contact = f"{_since(now - realm.contact_at)} ago" if realm.contact_at else "never"
    waits = f"{realm.waiting} waiting ({realm.waiting_bytes} bytes)" if realm.waiting else "nothing waiting"
    said = f"{realm.name}: {state_of(realm)}, {waits}, last contact {contact}, at {realm.address}"
    return f"{said} ({realm.trouble.rstrip('.')})" if realm.trouble and realm.state == State.PAIRED else said


def record(realm: Realm) -> dict[str, Any]:
    """A realm for a program; times in microseconds, 0 for never."""
    return {
        "realm": realm.name,
        "state": state_of(realm),
        "address": realm.address,
        "key": realm.key.hex(),
        "waiting": realm.waiting,
        "waiting_bytes": realm.waiting_bytes,
        "contact_at": realm.contact_at,
        "away_since": realm.away_since,
        "paired_at": realm.paired_at,
        "trouble": realm.trouble,
    }


def _since(microseconds: int) -> str:
    seconds = max(0, microseconds // 1_000_000)
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


# --- ending -------------------------------------------------------------------------------------


def _change(name: str, state: State, said: str) -> None:
    with _ours() as ours:
        with ours.store.write() as tx:
            given_up = pairing.end(tx, name, state).waiting
        click.echo(said)
        if state == State.REMOVED and given_up:
            click.echo(
                f"{given_up} that waited to go there were given up; who wrote a message finds it in their"
                " history, marked as refused (of posts to groups there the newest of each user).",
                err=True,
            )


@command.command(short_help="End it with a realm.")
@click.argument("name")
def remove(name: str) -> None:
    """End it with a realm: nothing goes there or comes from there any more, and what waits for it is given
    up.

    Its name stays bound to its key. An invitation pairs again.
    """
    _change(name, State.REMOVED, f"removed {name}")


@command.command(short_help="Refuse a realm, for now or for good.")
@click.argument("name")
def block(name: str) -> None:
    """Refuse a realm: nothing goes there or comes from there until it is unblocked. What waits stays."""
    _change(name, State.BLOCKED, f"blocked {name}")


@command.command(short_help="Have a blocked realm as a peer again.")
@click.argument("name")
def unblock(name: str) -> None:
    """Have a blocked realm as a peer again."""
    _change(name, State.PAIRED, f"unblocked {name}")


def _now() -> int:
    return time.time_ns() // 1000
