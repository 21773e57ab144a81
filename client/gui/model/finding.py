"""Finding names by what somebody types.

Belongs here: when a name fits a query. What is looked through is each list's.
"""

from __future__ import annotations


def fits(query: str, name: str) -> bool:
    """Whether the name has every word of the query in it, whatever the case; '' fits all.

    >>> fits("bud b", "budi@b"), fits("#", "budi")
    (True, False)
    """
    name = name.lower()
    return all(word in name for word in query.lower().split())
