"""Realms: several servers that know each other."""
