"""The version of this release, for the server to tell. The build takes it from here.

Reading it from the installed package instead imports a mail parser: a fifth of the broker's start.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
