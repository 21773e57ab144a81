"""The broker: takes requests from clients, hands them to workers, publishes what workers announce.

``core`` decides and has no I/O; ``server`` owns the sockets and decides nothing. Imports
``protocol`` and ``config`` only: broker and services share nothing but the protocol.
"""
