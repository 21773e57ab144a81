"""The window in browsers: an ASGI application, and the process that serves it (``pesan web``).

Belongs here: what is between a browser and the window: who may ask, compression, fonts, files on their way in
and out, tabs that come and go. What is drawn is ``views``'.
"""

from __future__ import annotations
