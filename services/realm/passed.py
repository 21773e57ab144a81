"""What users of ours asked and another service passed on, because another realm must be asked for it.

Here: the table alone. The functions stand with their nouns; each is given the house, the call as the broker
stamped it, the command's typed request, and a reply that it calls once, now or later.
"""

from __future__ import annotations

from typing import Final

from services.realm import calls
from services.realm.groups import asking, joining
from services.realm.house import Passed

PASSED: Final[dict[str, Passed]] = {
    "user.get": calls.get_user,
    "message.send": calls.send,
    "file.begin": calls.send,
    "group.join": joining.join,
    "group.members": asking.members,
    "group.remove": asking.remove,
}
"""By command."""
