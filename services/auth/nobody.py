"""How long the password of a name that nobody has takes to check: as long as somebody's would.

Belongs here: which parameters that check is made with. Not here: the check (``services.passwords``).

Once the parameters have been changed, accounts that have not logged in since still have a hash made with
those before, and a wrong password for one of them takes another time than for the rest. So a name that
nobody has is given one of the parameters that there are, each as often as accounts have them. Which one
depends on the name and a secret of the server, so that a name is answered in the same time each time, by
every worker; and like an account that logs in, it goes over to today's parameters once and for good.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Final

from config.keys import server_keys
from protocol.addresses import name_key
from services.context import Context
from services.passwords import passwords
from services.storage import users

LOOK_EVERY: Final = 300 * 1_000_000
"""Microseconds between two looks of one process at which parameters there are: that reads every account."""

FIT: Final = re.compile(r"\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+")


def parameters(ctx: Context, name: str) -> str:
    """The parameters to check a password of ``name`` with, if nobody has that name.

    To be asked whether somebody has it or not: it takes as long.
    """
    today = passwords(ctx.settings).parameters
    looked_at, found = ctx.cache.get("hash parameters", (-LOOK_EVERY, []))
    if abs(ctx.now - looked_at) >= LOOK_EVERY:
        found = [each for each in users.hash_parameters(ctx.tx) if FIT.fullmatch(each[0])]
        ctx.cache["hash parameters"] = ctx.now, found
    if all(each == today for each, _ in found):
        return today
    return _drawn(found, today, _place(_secret(ctx.settings.home), name))


def _drawn(found: list[tuple[str, int]], today: str, place: float) -> str:
    """The parameters at ``place``, from 0 to 1, where all have a stretch as long as their share.

    Today's are last: while accounts go over to them, their stretch only grows.
    """
    left = place * sum(count for _, count in found)
    for each, count in sorted(found):
        if each != today:
            left -= count
            if left < 0:
                return each
    return today


def _place(secret: bytes, name: str) -> float:
    digest = hashlib.blake2b(name_key(name).encode(), digest_size=8, key=secret, person=b"nobody").digest()
    return int.from_bytes(digest, "big") / 2**64


@lru_cache(maxsize=8)
def _secret(home: Path) -> bytes:
    """The same for all workers of a server. Where its key cannot be read it is this process's alone."""
    try:
        return server_keys(home).secret
    except OSError:
        return secrets.token_bytes(32)
