"""Sentences that the window hears from elsewhere, as templates: they can be told apart, and then translated.

Belongs here: those that somebody who uses the window meets, of the server's and of the library's. A test
holds them to the code that says them. What is in no template is shown as its code's sentence, or as it came,
which is English.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 500
"""Characters of the longest sentence that is looked at: every refusal is shorter."""
_PLACE: Final = re.compile(r"\{(\w+)\}")


def known(text: str) -> str:
    """Marks a sentence for the catalogues."""
    return text


SENTENCES: Final = (
    known("There is already a user {name}; choose another name."),
    known("User name and password do not fit."),
    known("The old password does not fit."),
    known("Too many wrong passwords; try again in {time}."),
    known("A password needs at least {least} characters."),
    known("A password may have at most {most} characters."),
    known("This session has ended; log in again."),
    known("Log in first."),
    known("You have no session {session}."),
    known("There is no user {name}."),
    known("There is no group {name}."),
    known("There is already a group {name}; choose another name, or join it."),
    known("{group} needs a password."),
    known("The password does not fit {group}."),
    known("{group} is full: it may have {most} members."),
    known("You are not a member of {group}."),
    known("You are not a member any more."),
    known("{user} is not a member of {group}."),
    known("You cannot remove yourself; leave {group} instead."),
    known("Only {who} may remove members of {group}."),
    known("A message may have at most {most} bytes."),
    known("A message needs a text."),
    known("A file may have {most} bytes."),
    known("Your files take {used} of {quota} bytes; delete some first."),
    known("The server's disk has no room for this file."),
    known("There is no realm {realm} here; this is {ours}."),
    known("{realm} is blocked here."),
    known("The realm {realm} is blocked here."),
    known("{realm} does not answer."),
    known("This server is no longer paired with {realm}."),
    known("That is too often; wait a little."),
    known("Too many are waiting to have a password checked."),
    known("{name} is not a name: use 1 to {most} letters, digits, dots, dashes or underscores."),
    known("{name} does not name a realm: a-z, 0-9, dots and dashes after the @."),
    known("A connection string looks like pesan://HOST:PORT?key=KEY."),
    known("The connection string's port is not a number from 1 to 65535."),
    known("The connection string names no port: pesan://HOST:PORT?key=KEY."),
    known(
        "The connection string has no key, and only a server on this machine is trusted without one. "
        "Copy all of it, ?key=… included, and put it in quotes: it is what pesan up prints behind ready."
    ),
    known("The key in the connection string is not {bytes} bytes of base64url; copy it once more."),
    known("What came is not the file: its sha256 is another one."),
    known("The server lost what it was sent; it has been dropped there."),
    known("What the server holds is not what was sent; it has been dropped there."),
    known("The server keeps losing what it is sent."),
    known("What was read is not what its sha256 says."),
    known("{name} was changed while it was being sent."),
)
"""Most special first: the first one that fits is taken."""

CODES: Final = {
    "no_answer": known("The server does not answer."),
    "wrong_key": known("What answers there is not the server that you named."),
    "logged_out": known("You have been logged out. Log in again."),
    "unauthenticated": known("You have been logged out. Log in again."),
    "forbidden": known("You may not do this."),
    "rate_limited": known("That is too often. Wait a little, then try again."),
    "busy": known("The server is busy. Try again in a moment."),
    "unavailable": known("The server cannot do this now. Try again in a moment."),
    "internal": known("The server made a mistake. Its log says more."),
    "version": known("This server speaks another version of Pesan."),
}
"""Whatever has one of these codes, when the sentence itself is not known."""


def of_code(code: str) -> str:
    """The sentence of an error code; '' when only the server's own says enough."""
    return CODES.get(code, "")


def read(sentence: str) -> tuple[str, dict[str, str]] | None:
    """The template that a sentence was made of, and what fills it; None when there is none.

    >>> read("There is no user budi.")
    ('There is no user {name}.', {'name': 'budi'})
    """
    for template, pattern in _PATTERNS if len(sentence) <= LONGEST else ():
        found = pattern.fullmatch(sentence)
        if found is not None:
            return template, found.groupdict()
    return None


def _pattern(template: str) -> re.Pattern[str]:
    parts = _PLACE.split(template)
    wild = (f"(?P<{part}>.{{1,200}}?)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return re.compile("".join(wild))


_PATTERNS: Final = tuple((template, _pattern(template)) for template in SENTENCES)
