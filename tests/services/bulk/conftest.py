"""A yard on either engine, and places for blobs: a folder, and a bucket of a server that speaks S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from config.settings import Settings
from services.file.blobs import BlobStore, open_blobs
from services.storage.engine import Store
from tests.services.bulk.s3 import S3, environment
from tests.services.bulk.yard import Yard


@pytest.fixture
def yard(settings: Settings, store: Store) -> Iterator[Yard]:
    """With files in the data folder."""
    made = Yard(settings, store)
    yield made
    made.close()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """One server for all."""
    server = S3()
    yield server
    server.stop()


@pytest.fixture
def s3_settings(s3: S3, settings: Settings) -> Iterator[Settings]:
    """Settings with a bucket of their own, and the variables that lead to it."""
    with environment(s3.environment):
        yield msgspec.structs.replace(settings, file_storage=f"s3://{s3.bucket()}/pesan/files")


@pytest.fixture
def far_yard(s3_settings: Settings, store: Store) -> Iterator[Yard]:
    """With files in a bucket."""
    made = Yard(s3_settings, store)
    yield made
    made.close()


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    """Both kinds of places, empty."""
    if request.param == "folder":
        yield open_blobs(Settings(home=tmp_path))
        return
    server: S3 = request.getfixturevalue("s3")
    with environment(server.environment):
        yield open_blobs(Settings(home=tmp_path, file_storage=f"s3://{server.bucket()}/some/where"))
