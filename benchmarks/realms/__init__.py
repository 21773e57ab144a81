"""Three installations that are paired with each other, while the link is cut and servers are killed.

Belongs here: what runs and breaks several servers, and the judge of what came of it. What happens to one
server is ``benchmarks.crash``'s business, whose clients, ledgers and judge are used.
"""
