"""What the log says of those who have no session: which name they tried, and from where.

Belongs here: reading the name out of a call that may be nonsense. Passwords, tokens and devices stay in it.
"""

from __future__ import annotations

from config.log import Action
from protocol.addresses import checked_name
from protocol.backend import Call
from protocol.commands import COMMANDS, Login, Register, read
from protocol.errors import Failure


def action(call: Call, outcome: str, since: int) -> Action:
    """The line for a call without a session."""
    return Action(_tried(call), call.command, outcome, since, call.address)


def _tried(call: Call) -> str:
    """The user name in it; '' where there is none, or none that could be one."""
    row = COMMANDS.get(call.command)
    if row is None or row.request not in (Login, Register):
        return ""
    try:
        request = read(row, call.body)
        assert isinstance(request, Login | Register)
        return checked_name(request.username)
    except Failure:
        return ""
