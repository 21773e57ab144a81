"""Files: how fast they move, what that does to messages meanwhile, and what memory it takes.

``bare`` is the yardstick, ``program`` the client program on the real library, ``rates``, ``beside`` and
``memory`` what is measured, and ``scenario`` puts it together and holds it against the bars.
"""
