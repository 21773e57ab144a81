"""Files, as a client moves them: ``chat.files`` and what is beneath it.

``api`` is what people program against. A transfer is ``uploading`` or ``downloading``; what of it flies when
is ``window``'s, a machine without sockets; ``bulk`` has the socket. ``sources`` and ``parts`` are the disk's
side. Loaded when it is first used: most programs move no files.
"""
