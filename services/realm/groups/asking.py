"""Questions and orders about a group of another realm, which its home answers and carries out.

Belongs here: ``group.members`` and ``group.remove`` as they are passed on. Not here: becoming a member
(``joining``), and what the home says by itself (``copying``, ``membership``).
"""

from __future__ import annotations

from protocol.backend import Call
from protocol.commands import Empty, ListMembers, MemberInfo, MembersReply, RemoveMember
from protocol.errors import Failure, Internal, NotFound
from services.group import homes
from services.group.homes import Named
from services.realm import calls
from services.realm.groups import names
from services.realm.house import House, Reply, grant


def home_of(house: House, text: str) -> Named:
    """A group of another realm. Raises ``NotFound`` when it is none."""
    named = homes.read(house.settings, text)
    if not named.realm:
        raise NotFound(f"There is no group #{named.name}.")
    return named


def members(house: House, call: Call, request: ListMembers, reply: Reply) -> None:
    """Who is in it, from all realms, as its home says."""
    named = home_of(house, request.group)
    ours = house.settings.realm
    after = names.there(request.after, ours) if request.after else ""
    asked = ListMembers(named.name, after, request.limit)

    def granted(body: bytes) -> None:
        said = calls.read(named.realm, MembersReply, body)
        try:
            shown = [_shown(each, ours, named.realm) for each in said.members[: request.limit]]
        except Failure:
            raise Internal(f"{named.realm} does not answer as it should; its log may say more.") from None
        grant(reply, MembersReply(shown, said.more))

    calls.ask(house, call, named.realm, "group.members", asked, granted, reply)


def _shown(member: MemberInfo, ours: str, theirs: str) -> MemberInfo:
    name = names.here(member.user, ours, theirs)
    return MemberInfo(name, member.creator, member.online, max(member.joined_at, 0))


def remove(house: House, call: Call, request: RemoveMember, reply: Reply) -> None:
    """Removal by the creator, who may be one of us. Our copy hears of it as of any other (``membership``)."""
    named = home_of(house, request.group)
    asked = RemoveMember(named.name, names.there(request.user, house.settings.realm))
    calls.ask(house, call, named.realm, "group.remove", asked, lambda body: grant(reply, Empty()), reply)
