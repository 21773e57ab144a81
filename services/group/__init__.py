"""The group service: create, join, leave, members, list, remove.

Here: the table of its handlers. ``entry`` is how one becomes a member, ``guessing`` what wrong passwords
cost, ``exit`` how one stops being a member, ``listing`` answers questions. Messages of groups are the
messaging service's.
"""

from __future__ import annotations

from services.context import Apart, Service, Slow
from services.group import entry, exit, listing

SERVICE = Service(
    "group",
    {
        "group.create": Slow(entry.before_create, entry.hash_password, entry.create),
        "group.join": Slow(entry.before_join, entry.check_join, entry.join),
        "group.leave": Apart(exit.leave),
        "group.remove": Apart(exit.remove),
        "group.members": listing.members,
        "group.list": listing.list_groups,
    },
)
