"""A circle of people who talk, one of whom is about to lose access, wholly or to one group.

Not here: how access ends (``endings``), nor what is expected after it.
"""

from __future__ import annotations

import itertools
from typing import Any

from tests.authorisation.ear import Ear
from tests.authorisation.shelf import message_id
from tests.authorisation.stage import SESAME, SESSIONS_PER_USER, Stage


class Circle:
    """Ani has a phone and a laptop. Budi created the ``group``; ani and citra are in it, and talk directly.

    The group has a password. ``phone_ear`` and ``laptop_ear`` listen to all that ani may hear, citra's
    to all that citra may.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.budi, self.citra = stage.person("budi"), stage.person("citra")
        self.phone = stage.person("ani")
        self.laptop = stage.login(self.phone.name)
        self.room_for_sessions = SESSIONS_PER_USER - 1
        """How many devices of ani's can log in before the phone is the one too many."""
        self.group = f"ops{stage.number()}"
        self.budi.ask("group.create", group=self.group, password=SESAME)
        for member in (self.phone, self.citra):
            joined = member.ask("group.join", group=self.group, password=SESAME)
        self.number = int(joined["conversation"])
        self._texts = itertools.count(1)
        self.direct = int(self.say(self.citra, self.phone.name)["conversation"])
        self.in_group = self.say(self.phone, f"#{self.group}", id=message_id())
        self.phone_ear, self.laptop_ear, self.citra_ear = map(Ear, (self.phone, self.laptop, self.citra))

    def close(self) -> None:
        """Everyone hangs up."""
        for seat in (self.budi, self.citra, self.phone, self.laptop):
            seat.close()

    def say(self, who: Any, to: str, **fields: Any) -> dict[str, Any]:
        """Somebody says something of which there is only one; ``text`` is what they said."""
        text = f"{to} {next(self._texts)}"
        sent = who.ask("message.send", **{"to": to, "body": text, "id": message_id(), **fields})
        return {**sent, "text": text}

    def talk(self) -> dict[str, str]:
        """Citra says something to ani, to the group and to everyone; the texts. Typing and reading, too."""
        places = {"direct": self.phone.name, "group": f"#{self.group}", "everyone": "*"}
        said = {place: self.say(self.citra, to) for place, to in places.items()}
        for to in places.values():
            self.citra.ask("message.typing", to=to)
        for sent in said.values():
            self.citra.ask("message.read", conversation=sent["conversation"], seq=sent["seq"])
        self.budi.ask("message.read", conversation=self.number, seq=said["group"]["seq"])
        return {place: sent["text"] for place, sent in said.items()}
