"""What an operator does to a server's own store and files: commands below ``pesan admin``.

Belongs here: commands that work on what is stored, without the broker. ``fsck`` runs checks; ``checks``,
``file_checks``, ``storage_checks`` and ``schema`` are the checks. Not here: running processes
(``broker.up``), and no service: nothing in this folder answers a client.
"""
