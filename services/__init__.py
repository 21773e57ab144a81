"""The services: worker processes that do what users ask, one process per service or many.

``worker`` is the loop they share, ``batch`` the engine inside it, ``context`` what a handler sees,
``storage`` what is kept, ``log`` what is written down; each service's folder holds its handlers.
"""
