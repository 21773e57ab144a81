"""Broken ZMTP 3.1 for the live ports, while two people chat: they must not notice.

``wire`` makes the bytes, ``line`` is a connection that counts; ``handshakes``, ``frames``, ``floods`` and
``ciphered`` are what is done with it, ``attackers`` does it at random in a process of its own; ``pair`` are
the two people, ``run`` puts everything together and judges.
"""
