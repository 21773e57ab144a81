"""Hypothesis without deadlines: a machine that is busy with something else is no fault of a decoder."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
