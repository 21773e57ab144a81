"""The older chat protocols: netcat, telnet and their own clients come in over TCP.

One noun a file. ``server`` listens and counts, ``stream`` is one TCP connection, ``framing`` cuts its bytes
into requests, ``visitor`` has them carried out one after the other, ``dialect`` is what all dialects have in
common; ``signup``, ``bracket``, ``ftp`` and ``json`` are one dialect each, with what begins with the same
name. ``people`` and ``files`` are what several of them ask of the system, ``digest`` is what of many
conversations one reply has room for, ``room`` what they may hold together, ``text`` makes a message's text
one line.

Holds no data: whatever a dialect does, it does as a client of the broker, with the session of its visitor.
Imports ``client``, ``protocol`` and ``config``.
"""
