"""Realms: two installations and more, mostly as Houses in one process that talk over an imaginary line."""
