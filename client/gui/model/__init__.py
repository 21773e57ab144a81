"""The view model: everything that a window shows and everything that can be done in it. Knows no Flet.

Belongs here: state as plain values, and actions on ``client.Chat`` that change it. Whoever draws reads the
state, calls the actions, and repaints what ``changes`` names. Actions never raise for what a person or a
server did: what went wrong is state, too (``Problem``). Does not belong here: how anything looks, in which
language it is said, where a file comes from on this machine.
"""

from __future__ import annotations
