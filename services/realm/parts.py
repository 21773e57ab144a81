"""What we do for every peer by ourselves: one part for each kind of work, each with its turn.

Here: the list alone, in the order in which they have their turns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.realm.fetching import Fetching
from services.realm.groups.following import Following
from services.realm.house import House, Part, Peer
from services.realm.patience import Patience
from services.realm.presence import PresencePart
from services.realm.sending import Sending
from services.realm.typing import TypingPart
from services.realm.visitors import Visitors

PARTS: Final[tuple[Callable[[House, Peer], Part], ...]] = (
    Sending,
    Following,
    TypingPart,
    PresencePart,
    Visitors,
    Fetching,
    Patience,
)
