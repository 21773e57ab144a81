"""Every command there is: the typed shape of its request and reply, and the table of preconditions.

The broker reads only the table ``COMMANDS``; a service turns a body into the request struct with
``read``; a client builds the same struct. To add a command: write its two structs in the file of its
noun, name them here, give it a row in ``table``, write its handler in the service the row names, and
describe it in docs/PROTOCOL.md (a test compares the two). Structs about files are in ``protocol.files``.

Field conventions: names of people and groups are str, ids of messages and topics are bin 16, times
are microseconds since the epoch in UTC (uint), ``conversation`` is a uint, ``seq`` counts from 1.
"""

from __future__ import annotations

from typing import Any

from protocol.body import Body as Body
from protocol.body import Empty as Empty
from protocol.body import body_of as body_of
from protocol.body import convert as convert
from protocol.commands.accounts import ChangePassword as ChangePassword
from protocol.commands.accounts import FindUser as FindUser
from protocol.commands.accounts import FoundReply as FoundReply
from protocol.commands.accounts import Login as Login
from protocol.commands.accounts import LoginReply as LoginReply
from protocol.commands.accounts import Register as Register
from protocol.commands.accounts import RegisterReply as RegisterReply
from protocol.commands.accounts import Resume as Resume
from protocol.commands.accounts import Revoke as Revoke
from protocol.commands.accounts import SessionInfo as SessionInfo
from protocol.commands.accounts import SessionsReply as SessionsReply
from protocol.commands.groups import CreateGroup as CreateGroup
from protocol.commands.groups import GroupInfo as GroupInfo
from protocol.commands.groups import GroupReply as GroupReply
from protocol.commands.groups import GroupsReply as GroupsReply
from protocol.commands.groups import JoinGroup as JoinGroup
from protocol.commands.groups import ListGroups as ListGroups
from protocol.commands.groups import ListMembers as ListMembers
from protocol.commands.groups import MemberInfo as MemberInfo
from protocol.commands.groups import MembersReply as MembersReply
from protocol.commands.groups import NameGroup as NameGroup
from protocol.commands.groups import RemoveMember as RemoveMember
from protocol.commands.messages import Broadcast as Broadcast
from protocol.commands.messages import ConversationInfo as ConversationInfo
from protocol.commands.messages import ConversationsReply as ConversationsReply
from protocol.commands.messages import Deliver as Deliver
from protocol.commands.messages import History as History
from protocol.commands.messages import HistoryReply as HistoryReply
from protocol.commands.messages import ListConversations as ListConversations
from protocol.commands.messages import Message as Message
from protocol.commands.messages import Read as Read
from protocol.commands.messages import ReadReply as ReadReply
from protocol.commands.messages import RefusedPost as RefusedPost
from protocol.commands.messages import Send as Send
from protocol.commands.messages import SendReply as SendReply
from protocol.commands.messages import Typing as Typing
from protocol.commands.messages import Verify as Verify
from protocol.commands.messages import VerifyReply as VerifyReply
from protocol.commands.realms import RealmInfo as RealmInfo
from protocol.commands.realms import RealmsReply as RealmsReply
from protocol.commands.server import HelloReply as HelloReply
from protocol.commands.server import IntroduceGateway as IntroduceGateway
from protocol.commands.server import PingReply as PingReply
from protocol.commands.server import PresenceReport as PresenceReport
from protocol.commands.table import BY_ADDRESS as BY_ADDRESS
from protocol.commands.table import COMMANDS as COMMANDS
from protocol.commands.table import SERVICES as SERVICES
from protocol.commands.table import Command as Command
from protocol.commands.table import Rate as Rate
from protocol.commands.users import GetUser as GetUser
from protocol.commands.users import ListOnline as ListOnline
from protocol.commands.users import ListUsers as ListUsers
from protocol.commands.users import OnlineReply as OnlineReply
from protocol.commands.users import UserInfo as UserInfo
from protocol.commands.users import UsersReply as UsersReply
from protocol.commands.users import WhoamiReply as WhoamiReply
from protocol.envelope import unpack_body


def read(command: Command, body: bytes) -> Any:
    """The typed request of ``command`` from packed ``body``.

    Raises ``Invalid`` with a sentence that names the field.
    """
    return convert(unpack_body(body), command.request)
