"""``python -m tests.authorisation``: print the authorisation tables as Markdown. No server is needed."""

from __future__ import annotations

from tests.authorisation.page import markdown

if __name__ == "__main__":
    print(markdown(), end="")
