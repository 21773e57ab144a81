"""The json dialect, over real sockets: every row of its table, with and without a token."""

from __future__ import annotations

from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.json_peer import JsonPeer


def test_who_has_registered_logs_in_and_gets_a_token_under_both_names(town: Town) -> None:
    ani = town.name("ani")
    with JsonPeer(town) as peer:
        assert peer.asks(f"register {ani} {PASSWORD}")["status"] == "OK"
        reply = peer.asks(f"auth {ani} {PASSWORD}")
    assert reply["status"] == "OK"
    assert reply["token_id"] == reply["tokenid"]
    assert reply["realm_id"]
