"""The whole system in one process, on a virtual clock and an imaginary network, from one seed.

Real are the broker's core and its judgement of subscriptions, the workers' loop with every handler on a
SQLite file, and the client's session machine. Imagined are sockets, time, kills and the people.
"""
