"""The bracket dialect, over real sockets."""

from __future__ import annotations

from tests.gateway.conftest import PASSWORD, Town


def test_who_has_registered_logs_in_and_is_who_they_are(town: Town) -> None:
    ani = town.name("ani")
    with town.peer("bracket") as peer:
        peer.says(f"REGISTER {ani} {PASSWORD}\n".encode())
        peer.hears(b"[OK] sign up berhasil\n")
        peer.says(f"login {ani} {PASSWORD}\nWHOAMI\n".encode())
        peer.hears(f"[OK] login berhasil\n{ani}\n".encode())
