"""Limits that are part of the wire: both ends must agree, so no setting changes them.

Limits that an operator may change live in ``config.settings``.
"""

from typing import Final

TOKEN_BYTES: Final = 16
"""A session's token, in bytes."""

TOPIC_BYTES: Final = 16
"""A topic: one byte for the kind, 15 random ones. The broker refuses any other length."""

MESSAGE_ID_BYTES: Final = 16
"""The id a client gives a message (a UUIDv7), in bytes."""

REQUEST_MAX_BYTES: Final = 128 * 1024
"""A whole request frame. libzmq drops the connection of a peer that sends a larger one."""

SUBSCRIPTION_MAX_BYTES: Final = 1024
"""A frame on the events socket from a client. libzmq drops the connection of a larger one."""

REPLY_MAX_BYTES: Final = 512 * 1024
"""What a client must be ready to receive. History is cut short, and says so, to stay below it."""

COMMAND_MAX_LENGTH: Final = 64
"""A command's name, in characters; and any other str in a request's envelope."""

GATEWAY_SECRET_BYTES: Final = 32
"""What a gateway shows to be believed where its visitors come from."""

NAME_MAX_LENGTH: Final = 32
"""A user's or a group's name, in characters."""

ADDRESS_MAX_LENGTH: Final = 128
"""An address, realm and all, in characters."""

PASSWORD_MAX_LENGTH: Final = 1024
"""A password, in characters. The least length is a setting."""

DEVICE_MAX_LENGTH: Final = 64
"""What a client calls the device it logs in from, in characters."""

HISTORY_MAX_MESSAGES: Final = 1000
"""Most messages that one ``message.history`` answers."""

LIST_MAX_ITEMS: Final = 1000
"""Most rows that one listing answers."""

ONLINE_MAX_NAMES: Final = 10_000
"""Most names that one ``user.online`` answers: names alone are short."""

NESTING_MAX_DEPTH: Final = 8
"""How deep maps and lists inside a body may nest."""

LIST_MAX_LENGTH: Final = 20_000
"""Elements of one list inside a body. msgpack makes room for as many as a header claims, at every depth."""

FILE_CHUNK_BYTES: Final = 512 * 1024
"""A chunk of a file, and the most that one answer brings. libzmq drops whoever sends a larger frame."""

FILE_WINDOW: Final = 8
"""Chunks that a client has under way at once, in either direction. What is beyond it may be dropped."""

SHA256_BYTES: Final = 32
"""A SHA-256, in bytes."""

FILE_NAME_MAX_BYTES: Final = 255
"""A file's or a folder's name, in bytes of UTF-8."""

PATH_MAX_LENGTH: Final = 1024
"""A path in somebody's own space, in characters."""

FOLDERS_MAX_DEPTH: Final = 32
"""Names in a path."""
