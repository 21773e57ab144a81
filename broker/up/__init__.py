"""``pesan up``: run every process of the Procfile, and keep it running.

One noun a file: ``procfile`` (what is to run), ``policy`` (what is to be done when something happens; no
process, clock or signal), ``child`` (a process), ``notices`` (who says that it serves or lives), ``changes``
(what a reload of the settings changes), ``supervisor`` (the loop), ``printer`` and ``program``.
Says nothing about what the processes are: the Procfile does.
"""

from __future__ import annotations

from broker.up.program import command

__all__ = ["command"]
