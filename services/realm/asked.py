"""What peers may ask of us: one function for every kind of request of ``protocol.realms``.

Here: the table alone. The functions stand with their nouns; each is given the house, the peer (known by
its key), the typed body, and a reply that it calls once, now or later. It may raise any ``Failure``.
"""

from __future__ import annotations

from typing import Final, cast

from services.realm import behalf, serving, typing, visitors
from services.realm.greeting import hello
from services.realm.groups import copying
from services.realm.house import Asked
from services.realm.pairing import pair
from services.realm.receiving import deliver

ASKED: Final[dict[str, Asked]] = {
    "hello": hello,
    "pair": cast(Asked, pair),  # of who is no peer: it is given their key instead
    "deliver": deliver,
    "call": behalf.call,
    "presence": visitors.asked,
    "typing": typing.asked,
    "push": copying.push,
    "fetch": serving.fetch,
}
"""By kind."""
