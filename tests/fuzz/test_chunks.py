"""The desk at which chunks are taken and asked for, given any bytes: one answer each, and nothing spoilt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import Settings
from protocol import VERSION
from protocol.body import convert
from protocol.bulk import BULK
from protocol.envelope import (
    NotAnEnvelope,
    pack_body,
    pack_request,
    unpack_body,
    unpack_reply,
    unpack_request,
)
from protocol.errors import FAILURES, OK
from protocol.limits import FILE_CHUNK_BYTES
from services.admin.fsck import Group, run
from services.admin.program import groups, line
from services.file.bulk.desk import Reading, Sealing
from services.storage import open_reader, open_store
from services.storage.migrate import migrate
from tests.fuzz.profile import FEW
from tests.fuzz.strategies import IDS, bodies_of, enveloped, integers, junk, packed, spoilt
from tests.services.bulk.yard import CHUNK, Yard, some_bytes
from tests.services.world import NOW

Taken = dict[tuple[bytes, int], bytes]
"""The bytes that were taken for each (upload, offset): the first that came, whatever they were."""

PEOPLE = ("ani", "budi", "nobody")
SIZE = 2 * CHUNK + 5
"""Bytes of every upload and file here."""
DATA = some_bytes(SIZE)

tokens = st.sampled_from([Yard.token(who) for who in PEOPLE]) | st.binary(max_size=20)
payloads = st.none() | st.sampled_from([DATA[:CHUNK], DATA[-5:], b"", b"x"]) | st.binary(max_size=40)
offsets = st.sampled_from([0, CHUNK, 2 * CHUNK, 3 * CHUNK, CHUNK - 1, FILE_CHUNK_BYTES]) | integers


def bodies(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies of one command, about uploads and files that exist more often than not."""
    known = {"upload": st.sampled_from(IDS), "file": st.integers(0, 4), "offset": offsets, "length": offsets}
    likely = st.fixed_dictionaries({field: known[field] for field in _fields(name)})
    return likely | bodies_of(BULK[name].request)


def _fields(name: str) -> tuple[str, ...]:
    return BULK[name].request.__struct_fields__


requests = st.sampled_from(sorted(BULK)).flatmap(
    lambda name: enveloped(
        st.just(VERSION), integers, tokens, st.just(name), bodies(name).map(pack_body) | packed(bodies(name))
    )
)
well = st.tuples(st.sampled_from(sorted(BULK)), st.sampled_from(PEOPLE)).flatmap(
    lambda drawn: bodies(drawn[0]).map(
        lambda body: pack_request(1, Yard.token(drawn[1]), drawn[0], bytes(msgpack.packb(body)))
    )
)
frames = st.one_of(well, well, requests, spoilt(well), junk)


@pytest.fixture
def yard(database: str, tmp_path: Path) -> Iterator[Yard]:
    """Ani and budi with two uploads each, one of them half full, and a file, on either engine."""
    store = open_store(config := Settings(home=tmp_path, realm="here", database=database))
    migrate(store, NOW)
    yard = Yard(config, store)
    for who, ids in (("ani", IDS[:2]), ("budi", IDS[2:])):
        for id in ids:
            yard.begin(who, SIZE, id=id)
        yard.put(who, ids[0], 0, DATA[:CHUNK])
        yard.file(who, DATA)
    yield yard
    yard.close()
    store.close()


def test_any_frame_gets_one_answer_and_spoils_no_upload(yard: Yard) -> None:
    taken = {(ids[0], 0): DATA[:CHUNK] for ids in (IDS[:2], IDS[2:])}

    @settings(FEW, max_examples=FEW.max_examples * 8, suppress_health_check=list(HealthCheck))
    @given(frames, payloads)
    def holds(frame: bytes, payload: bytes | None) -> None:
        answered(yard, taken, frame, payload)

    holds()
    whole_in_the_end(yard, taken)


def answered(yard: Yard, taken: Taken, frame: bytes, payload: bytes | None) -> None:
    """What the desk says is a reply that can be read, or something that can be done."""
    answer = yard.desk.answer(frame, None if payload is None else memoryview(payload))
    if answer is None:
        with pytest.raises(NotAnEnvelope):
            unpack_request(frame)
    elif isinstance(answer, Reading):
        assert answer.offset >= 0 and 0 <= answer.length <= FILE_CHUNK_BYTES
        part = yard.storage.read(answer.sha256, answer.offset, answer.length) if answer.length else b""
        assert part == DATA[answer.offset : answer.offset + answer.length]
    elif isinstance(answer, Sealing):
        assert answer.upload in IDS
    else:
        reply = unpack_reply(answer)
        assert reply.status == OK or reply.status in FAILURES
        assert reply.status not in ("internal", "unavailable", "busy"), unpack_body(reply.body)
        if reply.status == OK:
            assert type(convert(unpack_body(reply.body), BULK["chunk.put"].reply)) is BULK["chunk.put"].reply
            put = unpack_body(unpack_request(frame).body)
            taken.setdefault((put["upload"], put["offset"]), payload or b"")
        else:
            assert unpack_body(reply.body)["message"].endswith(".")


def whole_in_the_end(yard: Yard, taken: Taken) -> None:
    """Whatever came before, the missing chunks make every upload the file of what was taken first."""
    for who, ids in (("ani", IDS[:2]), ("budi", IDS[2:])):
        for id in ids:
            yard.put_all(who, id, DATA)
            chunks = [taken.get((id, at), DATA[at : at + CHUNK]) for at in range(0, SIZE, CHUNK)]
            assert yard.seal(who, id).sha256 == hashlib.sha256(b"".join(chunks)).digest()
    reader = open_reader(yard.settings)
    every = [check for group in groups(reader.dialect, hashes=True) for check in group.checks]
    checks = [check for check in every if check.name.startswith(("blobs.", "uploads.", "storage."))]
    assert [line(result) for result in run(reader, yard.settings, [Group(checks)]) if not result.ok] == []
    assert len(checks) > 8
    reader.close()
