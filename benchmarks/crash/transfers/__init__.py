"""The crash matrix of files: kill -9 of client, broker and file worker at many points of a transfer.

``program`` is the client program (the real library), ``stage`` the server with a counting line before it,
``scenarios`` says who is killed when, ``evidence`` what server and disk hold in the end, ``judge`` compares,
and ``run`` makes the table.
"""
