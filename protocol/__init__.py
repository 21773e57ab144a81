"""The language that client, broker and workers share: pure values, no sockets, no clock.

Belongs here: what travels (envelope, commands, events, errors, addresses, the broker's talk with
its workers) and the limits that both ends of a wire must agree on. Does not belong here: anything
that reads a setting, a file, a socket or the time. This package imports none of our others.
"""

VERSION = 1
"""Protocol version, first element of every frame."""
