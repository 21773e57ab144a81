"""What a reload of the settings changes: what new workers go by, and what only a restart brings into force.

A worker reads all settings when it starts, and a reload starts every worker. The broker and ``pesan up``
are not replaced, so whatever they read stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from config.settings import Settings

READ_ONCE: Final = frozenset(
    {
        "advertise",
        "batch_size",
        "broker_memory_mib",
        "connections",
        "curve",
        "drain_timeout",
        "events_queue",
        "host",
        "log_keep",
        "log_max_bytes",
        "message_max_bytes",
        "password_min_length",
        "port_base",
        "rate_limits",
        "rates",
        "realm",
        "replies_queue",
        "replies_queue_bytes",
        "replies_queue_bytes_of_all",
        "request_timeout",
        "session_open_requests",
        "session_timeout",
        "sessions",
        "topics_per_connection",
        "transfer_nice",
        "watchdog_timeout",
        "worker_capacity_bytes",
        "worker_timeout",
    }
)
"""Settings that the broker or ``pesan up`` reads, once. Workers may read them, too."""


def told(started: Settings, before: Settings, now: Settings) -> list[str]:
    """What to tell about a reload: ``started`` is what the server began with, ``before`` what it had last."""
    fresh = [name for name in _changed(before, now) if name.partition(".")[0] not in READ_ONCE]
    waiting = [name for name in _changed(started, now) if name.partition(".")[0] in READ_ONCE]
    said = []
    if fresh:
        said.append(f"changed settings, for workers started from now on: {', '.join(fresh)}")
    if waiting:
        said.append(f"changed settings that need a restart of the server: {', '.join(waiting)}")
    return said


def _changed(one: Settings, other: Settings) -> list[str]:
    left, right = _flat(one), _flat(other)
    return [name for name in left if left[name] != right[name]]


def _flat(settings: msgspec.Struct) -> Mapping[str, Any]:
    """Every setting by its name; those of a section as ``section.name``."""
    flat: dict[str, Any] = {}
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, msgspec.Struct):
            flat.update({f"{name}.{inner}": found for inner, found in _flat(value).items()})
        else:
            flat[name] = value
    return flat
