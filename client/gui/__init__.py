"""The window: Pesan in a browser, and on the desktop.

Belongs here: what is drawn and what is done when somebody clicks or types. ``model/`` is all state and every
action, without Flet; ``views/`` draws it with Flet; ``words/`` are its texts in each language; ``serving/``
brings it to browsers. Whatever talks to the server is ``client.Chat``'s.

Flet is the extra ``gui`` of the package, so nothing outside of this folder imports it.
"""

from __future__ import annotations
