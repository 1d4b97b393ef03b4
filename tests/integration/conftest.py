"""What tests of ingestion over HTTP share; a module with other needs has fixtures of its own under these names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import Settings, load_settings
from tests.helpers.ingesting import FeedServer, feed_server


@pytest.fixture
def server() -> Iterator[FeedServer]:
    """Feeds and pages served from memory."""
    with feed_server() as served:
        yield served


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a data directory of the test's own, and a broker that is not there."""
    return load_settings(data_dir=tmp_path / "data", kafka_servers="127.0.0.1:1")
