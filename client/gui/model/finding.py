"""Finding names by what somebody types.

Belongs here: when a name fits a query. What is looked through is each list's.
"""

from __future__ import annotations

from collections.abc import Callable


def finder(query: str) -> Callable[[str], bool]:
    """Tells of a name whether it has every word of the query in it, whatever the case; '' fits all.

    >>> fits = finder("Bud b")
    >>> fits("budi@b"), fits("budi")
    (True, False)
    """
    words = query.lower().split()

    def fits(name: str) -> bool:
        lower = name.lower()
        return all(word in lower for word in words)

    return fits
