"""The benchmark of files: its yardstick moves what it says it moves, and its bars can be missed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from benchmarks.files import bare
from protocol.limits import FILE_CHUNK_BYTES


@pytest.mark.parametrize("curve", [False, True])
@pytest.mark.parametrize("way", [bare.upload, bare.download])
def test_the_yardstick_moves_every_byte_and_hashes_it(tmp_path: Path, way: object, curve: bool) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(10 * FILE_CHUNK_BYTES + 7))
    assert callable(way)
    moved = way(source, target, curve)
    assert target.read_bytes() == source.read_bytes()
    assert moved.sha256 == hashlib.sha256(source.read_bytes()).digest()
    assert 0 < moved.hashed <= moved.synced
