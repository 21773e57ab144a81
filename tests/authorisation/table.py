"""The authorisation table: for every command, what it is about, and what its caller hears.

Belongs here: the expected outcomes, and nothing else; ``aims`` says how a row is asked for, ``stage``
how the callers come to be what they are. A command of the protocol without a row fails the suite.

How to read a row. ``none`` is a caller without a session, ``ended`` one whose session has ended: by
logging out, revoked, by a change of the password, or because the user had too many. The other columns
are callers who are logged in, by what the thing is to them:

    self      their own, or everybody's
    creator   a group they created
    member    a group, conversation or session of theirs with others in it
    stranger  one that they are not in and never were
    removed   a group that they were removed from
    left      a group that they left
    nothing   there is no such thing

Each of these holds on the device that joined, left and so on, and on another one of the same user.
``.`` means that there is no such case.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.errors import OK

SESSION_ENDED: Final = ("logged out", "revoked", "password changed", "evicted")
"""The ways in which the session of ``ended`` has ended."""

LOGGED_IN: Final = ("logged in", "other device")

RELATIONS: Final = ("self", "creator", "member", "stranger", "removed", "left", "nothing")

CODES: Final = {
    "ok": OK,
    "login": "unauthenticated",
    "creds": "invalid_credentials",
    "no": "forbidden",
    "none": "not_found",
    "clash": "conflict",
}
"""What the cells below stand for."""

TABLE: Final = """
command             about                      none  ended self  creator member stranger removed left  nothing

server.hello        -                          ok    ok    ok    .       .      .        .       .     .
session.ping        -                          login login ok    .       .      .        .       .     .

gateway.introduce   a guessed secret           creds creds creds .       .      .        .       .     .
gateway.user        a user                     no    no    no    .       no     no       .       .     no

auth.register       a free name                ok    ok    ok    .       .      .        .       .     .
auth.register       a name that is taken       clash clash clash .       .      .        .       .     .
auth.login          the right password         ok    ok    ok    .       .      .        .       .     .
auth.login          a wrong password           creds creds creds .       .      .        .       .     .
auth.login          a name of nobody           creds creds creds .       .      .        .       .     .
auth.resume         the caller's token         creds creds ok    .       .      .        .       .     .
auth.resume         a guessed token            creds creds creds .       .      .        .       .     .
auth.logout         -                          login login ok    .       .      .        .       .     .
auth.sessions       -                          login login ok    .       .      .        .       .     .
auth.revoke         a session                  login login ok    .       ok     none     .       .     none
auth.password       the right old one          login login ok    .       .      .        .       .     .
auth.password       a wrong old one            login login creds .       .      .        .       .     .

user.whoami         -                          login login ok    .       .      .        .       .     .
user.online         -                          login login ok    .       .      .        .       .     .
user.get            a user                     login login ok    .       ok     ok       .       .     none
user.get            in another realm           login login .     .       .      .        .       .     none
user.list           -                          login login ok    .       .      .        .       .     .

message.send        to a user                  login login ok    .       ok     ok       .       .     none
message.send        to a group                 login login .     ok      ok     no       no      no    none
message.send        to everyone                login login ok    .       .      .        .       .     .
message.send        to another realm           login login .     .       .      .        .       .     none
message.broadcast   to everyone                login login ok    .       .      .        .       .     .
message.history     with a user                login login ok    .       ok     ok       .       .     none
message.history     with a group               login login .     ok      ok     no       no      no    none
message.history     with everyone              login login ok    .       .      .        .       .     .
message.history     number of a direct one     login login ok    .       ok     none     .       .     none
message.history     number of a group          login login .     ok      ok     none     none    none  none
message.read        with a user                login login ok    .       ok     ok       .       .     none
message.read        with a group               login login .     ok      ok     no       no      no    none
message.read        with everyone              login login ok    .       .      .        .       .     .
message.read        number of a direct one     login login ok    .       ok     none     .       .     none
message.read        number of a group          login login .     ok      ok     none     none    none  none
message.typing      to a user                  login login ok    .       ok     ok       .       .     none
message.typing      to a group                 login login .     ok      ok     no       no      no    none
message.typing      to everyone                login login ok    .       .      .        .       .     .

conversation.list   -                          login login ok    .       .      .        .       .     .
conversation.verify with a user                login login ok    .       ok     ok       .       .     none
conversation.verify with a group               login login .     ok      ok     no       no      no    none
conversation.verify with everyone              login login ok    .       .      .        .       .     .
conversation.verify number of a direct one     login login ok    .       ok     none     .       .     none
conversation.verify number of a group          login login .     ok      ok     none     none    none  none

group.create        a free name                login login ok    .       .      .        .       .     .
group.create        a name that is taken       login login .     clash   clash  clash    clash   clash .
group.join          with its password          login login .     ok      ok     ok       ok      ok    none
group.join          without its password       login login .     ok      ok     creds    creds   creds none
group.join          with a wrong password      login login .     ok      ok     creds    creds   creds none
group.join          one without a password     login login .     ok      ok     ok       ok      ok    .
group.leave         a group                    login login .     ok      ok     no       no      no    none
group.members       a group                    login login .     ok      ok     no       no      no    none
group.list          -                          login login ok    .       .      .        .       .     .
group.remove        a member                   login login .     ok      no     no       no      no    none
group.remove        who is no member           login login .     none    no     no       no      no    none
group.remove        a name of nobody           login login .     none    no     no       no      no    none
group.remove        oneself                    login login .     clash   no     no       no      no    none

file.begin          to a user                  login login ok    .       ok     ok       .       .     none
file.begin          to a group                 login login .     ok      ok     no       no      no    none
file.begin          to everyone                login login ok    .       .      .        .       .     .
file.begin          to another realm           login login .     .       .      .        .       .     none
file.begin          in one's own space         login login ok    .       .      .        .       .     none
file.resume         an upload                  login login ok    .       none   none     .       .     none
file.resume         an upload to a group       login login .     ok      ok     .        ok      ok    none
file.finish         an upload                  login login ok    .       none   none     .       .     none
file.finish         an upload to a group       login login .     ok      ok     .        no      no    none
file.cancel         an upload                  login login ok    .       none   none     .       .     none
file.cancel         an upload to a group       login login .     ok      ok     .        ok      ok    none
file.uploads        -                          login login ok    .       .      .        .       .     .
file.list           one's own folder           login login ok    .       .      .        .       .     none
file.list           with a user                login login ok    .       ok     ok       .       .     none
file.list           with a group               login login .     ok      ok     no       no      no    none
file.list           with everyone              login login ok    .       .      .        .       .     .
file.list           number of a direct one     login login ok    .       ok     none     .       .     none
file.list           number of a group          login login .     ok      ok     none     none    none  none
file.stat           a path                     login login ok    .       .      .        .       .     none
file.stat           a file in someone's space  login login ok    .       none   none     .       .     none
file.stat           a file between two         login login ok    .       ok     none     .       .     none
file.stat           someone's file in a group  login login .     ok      ok     none     none    none  none
file.stat           one's own file in a group  login login .     ok      ok     .        none    none  .
file.stat           a file to everyone         login login ok    .       ok     ok       .       .     none
file.usage          -                          login login ok    .       .      .        .       .     .
file.move           a path                     login login ok    .       .      .        .       .     none
file.delete         a path                     login login ok    .       .      .        .       .     none
file.delete         a file in someone's space  login login ok    .       none   none     .       .     none
file.delete         a file between two         login login ok    .       no     none     .       .     none
file.delete         someone's file in a group  login login .     no      no     none     none    none  none
file.delete         one's own file in a group  login login .     ok      ok     .        ok      ok    .
file.delete         a file to everyone         login login ok    .       no     no       .       .     none
file.mkdir          a path                     login login ok    .       .      .        .       .     none

realm.list          -                          login login ok    .       .      .        .       .     .

chunk.put           an upload                  login login ok    .       none   none     .       .     none
chunk.put           an upload to a group       login login .     ok      ok     .        ok      ok    none
chunk.get           a file in someone's space  login login ok    .       none   none     .       .     none
chunk.get           a file between two         login login ok    .       ok     none     .       .     none
chunk.get           someone's file in a group  login login .     ok      ok     none     none    none  none
chunk.get           one's own file in a group  login login .     ok      ok     .        none    none  .
chunk.get           a file to everyone         login login ok    .       ok     ok       .       .     none
chunk.seal          an upload                  login login ok    .       none   none     .       .     none
chunk.seal          an upload to a group       login login .     ok      ok     .        ok      ok    none
"""


class Row(NamedTuple):
    """One command about one kind of thing. Codes as on the wire; ``relations`` holds the cases there are."""

    command: str
    about: str
    none: str
    ended: str
    relations: dict[str, str]


class Case(NamedTuple):
    """One outcome: ``command`` ``about`` something, by a caller in ``state`` to whom it is ``relation``."""

    command: str
    about: str
    state: str
    relation: str
    code: str

    def __str__(self) -> str:
        return f"{self.command}, {self.about}, {self.relation}, {self.state}: {self.code}"


def rows(table: str = TABLE) -> list[Row]:
    """The table, read. Columns are cut where the heading's words begin."""
    heading, *lines = [line for line in table.splitlines() if line]
    names = heading.split()
    starts = [heading.index(f" {name}") + 1 if name != names[0] else 0 for name in names]
    found = []
    for line in lines:
        cut = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        cells = dict(zip(names, cut, strict=True))
        relations = {each: CODES[cells[each]] for each in RELATIONS if cells[each] != "."}
        found.append(
            Row(cells["command"], cells["about"], CODES[cells["none"]], CODES[cells["ended"]], relations)
        )
    return found


def cases() -> list[Case]:
    """Every outcome that the table promises."""
    found = []
    for row in rows():
        for relation, code in row.relations.items():
            codes = {
                "none": row.none,
                **dict.fromkeys(SESSION_ENDED, row.ended),
                **dict.fromkeys(LOGGED_IN, code),
            }
            found += [Case(row.command, row.about, state, relation, codes[state]) for state in codes]
    return found
