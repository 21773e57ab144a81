"""The auth service: accounts, sessions, who is who, and who is online.

Here: the table of its handlers. ``accounts`` sets and checks passwords, ``sessions`` opens, lists and
ends what passwords gave, ``users`` answers questions about people, ``presence`` takes the brokers' reports.
"""

from __future__ import annotations

from services.auth import accounts, presence, sessions, users
from services.context import Service, Slow, Tick

SERVICE = Service(
    "auth",
    {
        "auth.register": Slow(accounts.before_register, accounts.hash_password, accounts.register),
        "auth.login": Slow(
            accounts.before_login, accounts.check_login, accounts.login, accounts.comes_from_home
        ),
        "auth.password": Slow(
            accounts.before_change, accounts.check_change, accounts.change_password, accounts.with_session
        ),
        "auth.resume": sessions.resume,
        "auth.logout": sessions.logout,
        "auth.sessions": sessions.list_sessions,
        "auth.revoke": sessions.revoke,
        "gateway.user": users.exists,
        "user.whoami": users.whoami,
        "user.online": users.online,
        "user.get": users.get,
        "user.list": users.list_users,
        "presence.report": presence.report,
    },
    Tick(sessions.REPEAT_SECONDS, sessions.repeat_ends),
)
