"""What is known to be true: a look into the database file that no process of the simulation shares.

Here: reading the store between transactions, and who was a member when a message was stored. What was
seen is kept in ``ledger``; the other rules that must hold are ``rules``'.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw

from tests.simulation.ledger import Ledger, Row


class Book:
    """Follows the database of one run."""

    def __init__(self, file: Path) -> None:
        self._connection: Any = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
        self.ledger = Ledger()
        self.fresh: list[Row] = []
        """Messages stored since whoever reads this emptied it."""
        self.audience: dict[int, list[set[str]]] = {}
        """Group → for each message, by number from 1, everyone who was a member since it was stored."""
        self._abroad: set[str] = set()
        self._copies: set[int] = set()
        """Every copy of another realm's group that there ever was."""
        self.ever_out: set[str] = set()
        """Bare names of people of the other realm who were at some time no members of our group any more."""
        self._version = self._compared = -1

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def look(self) -> list[str]:
        """Note what the last transaction changed; sentences about what it may not have done."""
        version = self.version()
        if version == self._version:
            return []
        self._version = version
        self._audiences()
        said: list[str] = []
        conversations = self.conversations()
        self._copies |= {row[0] for row in self._connection.execute("select conversation_id from copies")}
        gone = self._copies - conversations.keys()
        for conversation, counter in conversations.items():
            newest = self.ledger.newest(conversation)
            if counter > newest:
                rows = self._behind(conversation, newest)
                said += self.ledger.enter(conversation, counter, rows, gone)
                self.fresh += rows
            elif counter < newest:
                said.append(f"conversation {conversation} counts {counter} after {newest}")
        return said

    def look_at_all(self) -> list[str]:
        """Compare the whole store with everything that was ever seen in it, unless it is as it was."""
        said = self.look()
        if self._version != self._compared:
            self._compared = self._version
            said += self.ledger.compare(self.conversations(), self.messages())
        return said

    def version(self) -> int:
        """Another number after every transaction of others that changed anything."""
        return int(self._connection.execute("pragma data_version").fetchall()[0][0])

    def _audiences(self) -> None:
        groups: dict[int, tuple[int, set[str]]] = {}
        for conversation, last_seq, name in self._connection.execute(
            "select conversations.id, last_seq, users.name from conversations"
            " join members on conversation_id = conversations.id join users on users.id = user_id"
            " where kind = 'group'"
        ):
            groups.setdefault(conversation, (last_seq, set()))[1].add(name)
        abroad = {name for _, members in groups.values() for name in members if "@" in name}
        self.ever_out |= {name.partition("@")[0] for name in self._abroad - abroad}
        self._abroad = abroad
        for conversation, (last_seq, members) in groups.items():
            audience = self.audience.setdefault(conversation, [])
            for earlier in audience:
                earlier |= members
            audience.extend(set(members) for _ in range(last_seq - len(audience)))

    def _behind(self, conversation: int, seq: int) -> list[Row]:
        return [
            Row(*row)
            for row in self._connection.execute(
                "select conversation_id, seq, users.name, messages.id, body from messages"
                " join users on users.id = sender_id where conversation_id = ? and seq > ? order by seq",
                (conversation, seq),
            )
        ]

    def may_hear(self, user: str, conversation: int, seq: int) -> bool:
        """Whether ``user`` was a member of a group at some time since this message was stored."""
        audience = self.audience.get(conversation)
        if audience is None:
            return True
        return seq <= len(audience) and user in audience[seq - 1]

    def messages(self) -> list[Row]:
        """Every stored message, by conversation and number."""
        return [
            Row(*row)
            for row in self._connection.execute(
                "select conversation_id, seq, users.name, messages.id, body from messages"
                " join users on users.id = sender_id order by conversation_id, seq"
            )
        ]

    def message(self, sender: str, id: bytes) -> list[tuple[int, int]]:
        """(conversation, seq) of every message with this id: one, if all is well."""
        return [
            (row[0], row[1])
            for row in self._connection.execute(
                "select conversation_id, seq from messages join users on users.id = sender_id"
                " where messages.id = ? and users.name = ?",
                (id, sender),
            )
        ]

    def conversations(self) -> dict[int, int]:
        """Conversation → its counter, the newest number given out."""
        return dict(self._connection.execute("select id, last_seq from conversations").fetchall())

    def of(self, user: str) -> dict[int, int]:
        """Conversations of a user → newest number."""
        return dict(
            self._connection.execute(
                "select conversations.id, last_seq from conversations"
                " join members on conversation_id = conversations.id"
                " join users on users.id = user_id where users.name = ?",
                (user,),
            ).fetchall()
        )

    def topics(self, user: str) -> set[bytes]:
        """What a device of this user is to hear: the user's own topic and those of groups."""
        rows = self._connection.execute(
            "select topic from users where name = ?1 union all"
            " select conversations.topic from conversations"
            " join members on conversation_id = conversations.id join users on users.id = user_id"
            " where users.name = ?1 and kind <> 'direct'",
            (user,),
        )
        return {row[0] for row in rows}

    def password(self, user: str) -> str:
        """The hash of a user's password."""
        (found,) = self._connection.execute("select password from users where name = ?", (user,)).fetchall()
        return str(found[0])

    def unread(self) -> list[tuple[int, str, int, int]]:
        """(conversation, user, the server's count, the true count) of every member."""
        return [
            (row[0], row[1], row[2], row[3])
            for row in self._connection.execute(
                "select conversation_id, users.name, last_seq - read_seq - own_unread,"
                " (select count(*) from messages where messages.conversation_id = members.conversation_id"
                "  and seq > read_seq and sender_id <> user_id)"
                " from members join conversations on conversations.id = conversation_id"
                " join users on users.id = user_id where realm = ''"
            )
        ]

    # --- with other realms ----------------------------------------------------------------------

    def abroad(self) -> dict[int, tuple[str, str]]:
        """Direct conversations with another realm → who of ours, and ``name@realm`` of the other."""
        return {
            row[0]: (row[1], row[2])
            for row in self._connection.execute(
                "select conversations.id, ours.name, theirs.name from conversations"
                " join users ours on ours.id in (user_low, user_high) and ours.realm = ''"
                " join users theirs on theirs.id in (user_low, user_high) and theirs.realm <> ''"
            )
        }

    def groups(self) -> dict[str, int]:
        """Name → conversation, of ours and of copies."""
        query = "select name, id from conversations where kind = 'group'"
        return dict(self._connection.execute(query).fetchall())

    def of_group(self, name: str) -> set[str]:
        """Members of the group of this name, as far as we know them."""
        rows = self._connection.execute(
            "select users.name from conversations join members on conversation_id = conversations.id"
            " join users on users.id = user_id where conversations.name = ?",
            (name,),
        )
        return {row[0] for row in rows}

    def waiting(self) -> list[str]:
        """What other realms are still to be told, or have not sent back, in words."""
        query = "select kind || ' ' || n || ' is ' || state from outbox order by n"
        return [row[0] for row in self._connection.execute(query)]

    def delivered(self) -> dict[int, int]:
        """Conversation with another realm → number up to which senders were told that it arrived."""
        query = "select conversation_id, delivered_seq from deliveries"
        return dict(self._connection.execute(query).fetchall())

    def outgoing(self) -> set[tuple[int, int]]:
        """(conversation, number) of the messages that wait for another realm."""
        query = "select conversation_id, seq from outbox where kind = 'message' and state = 'waiting'"
        return {(row[0], row[1]) for row in self._connection.execute(query)}

    def posts_told(self) -> list[tuple[str, bytes]]:
        """(who of ours, id) of the posts that another realm has, and that have not come back."""
        query = "select name, message_id from outbox join users on users.id = user_id"
        rows = self._connection.execute(f"{query} where kind = 'post' and state = 'told'")
        return [(row[0], row[1]) for row in rows]

    def undelivered(self) -> list[tuple[int, int, str]]:
        """(conversation, number, code) of what another realm refused."""
        query = "select conversation_id, seq, code from undelivered"
        return [(row[0], row[1], row[2]) for row in self._connection.execute(query)]
