"""Who may do what: one table, every door, the real system. ``python -m tests.authorisation`` prints it."""
