"""The file worker's other half: chunks in and out, sealing, and what is cleared away, beside the commands.

``line`` is the thread with the socket, ``desk`` answers one request, ``staged`` are the files that an
upload is gathered in, ``sealing`` makes a blob of them, ``janitor`` clears away. Commands are the folder
above's.
"""
