"""Who lives in which realm and writes to whom. The same names live everywhere: the realm tells them apart."""

from __future__ import annotations

from msgspec import Struct

REALMS = ("a", "b", "c")
HOME = "a"
"""The home of the group."""
GROUP = "ops"


class RealmCast(Struct, frozen=True):
    """Everyone in all three realms. Direct pairs bear the same name on both sides."""

    pairs: int = 8
    """Between ``a`` and ``b``."""
    others: int = 2
    """Between ``b`` and ``c``, and between ``c`` and ``a``."""
    members: int = 2
    """Of the group, in each realm; the first of each posts."""
    rate: float = 25.0
    """Messages a second of each who writes."""
    programs: int = 2
    """Client programs of each realm."""
    module: str = "benchmarks.crash.client"
    """What is run as client program."""

    def people(self, realm: str) -> list[str]:
        """Every user of a realm."""
        return [*self._writers(realm), *self.group]

    @property
    def group(self) -> list[str]:
        """Its members, in every realm."""
        return [f"dewi{number}" for number in range(self.members)]

    def _writers(self, realm: str) -> dict[str, str]:
        """Name → the address that they write to."""
        found: dict[str, str] = {}
        for name, one, other, count in (
            ("ani", "a", "b", self.pairs),
            ("budi", "b", "c", self.others),
            ("citra", "c", "a", self.others),
        ):
            if realm in (one, other):
                peer = other if realm == one else one
                found |= {f"{name}{number}": f"{name}{number}@{peer}" for number in range(count)}
        return found

    def writes_to(self, realm: str, user: str) -> str:
        """The one address that a user writes to; '' when they only listen."""
        if user in self.group:
            group = f"#{GROUP}" if realm == HOME else f"#{GROUP}@{HOME}"
            return group if user == self.group[0] else ""
        return self._writers(realm)[user]

    def program(self, realm: str, number: int) -> list[str]:
        """The users of a realm who live in its client program ``number``."""
        return self.people(realm)[number :: self.programs]
