"""The command ``pesan``: one-shot commands made for scripts, and the interactive ``pesan chat``.

Belongs here: what a person or a script types, and what they see. Whatever needs no terminal is the
library's. A command is a module loaded when its word is first typed, so that ``pesan send`` costs
only what sending needs: keep imports at the top of these modules to what each of them always uses.

To add a command: write it in a module (see ``people`` for the smallest), give it a row in
``program.COMMANDS``, and a line in tests/system/cli/test_scripts.py.
"""

from __future__ import annotations


def main() -> int:
    """Run the command line of this process; the exit code."""
    from client.cli.program import run

    return run()
