"""Wrong logins by the hundred while two people chat: what that does to a message, and to an honest login.

``attack`` is the attacker, a process of its own; ``honest`` someone who logs in once in a while;
``scenario`` puts them beside a pair and compares each kind of attack with the quiet before it.

``logouts`` is what one costs with a ``crowd`` that listens.
"""
