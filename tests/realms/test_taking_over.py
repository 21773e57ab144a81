"""Two realm processes of one installation: one listens, the other one waits for its turn."""

from __future__ import annotations

from contextlib import closing

from benchmarks.own_server import OwnServer
from tests.realms.outpost import Peer, outpost, until


def test_a_second_process_waits_and_takes_over_when_the_first_one_ends() -> None:
    server = OwnServer(environment={"PESAN_REALM": "b"})
    try:
        with outpost(server) as post, closing(post.paired()) as peer:
            server.start_worker("realm", 2)
            until(lambda: len(post.logged("started")) == 2)
            assert peer.is_served()
            server.kill("realm.1")
            until(post.listens)
            with closing(Peer(post, peer.name, peer.keys)) as again:
                assert again.is_served()
            assert server.processes["realm.2"].poll() is None
            assert not post.logged("not listening yet")
    finally:
        server.close()
