"""The crash matrix: real processes are killed, stopped, starved and cut off while people chat.

``cast`` says who talks with whom, ``client`` is the program they use (the real library), ``crowd``
starts and kills those programs, ``scenarios`` says what goes wrong, ``flow`` how soon messages flow
again, ``evidence`` what the server holds in the end, and ``judge`` compares that with the ledgers.
"""
