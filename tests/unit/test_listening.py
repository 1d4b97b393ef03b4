"""A port that can't be had is told with who has it, by every server in the same words."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from streams.errors import ConfigError
from streams.listening import cannot_listen, what_listens
from streams.metrics import PushMetrics
from streams.push.app import PushServer
from streams.settings import load_settings
from tests.helpers.ingesting import FakeProducer, fake_publisher


def test_an_address_that_is_none_of_this_machine_is_told_with_the_settings_to_change() -> None:
    error = cannot_listen("push", "192.0.2.1", 8603, OSError(99, "Cannot assign requested address"), "BELLWETHER_PUSH")
    assert (error.what, error.where) == ("push can't listen: Cannot assign requested address", "192.0.2.1:8603")
    assert "BELLWETHER_PUSH_HOST and BELLWETHER_PUSH_PORT" in error.todo


async def test_push_tells_which_process_has_its_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert what_listens(port).endswith(f"(process {os.getpid()})")
        settings = load_settings(data_dir=tmp_path, push_port=port)
        server = PushServer(
            settings, fake_publisher(FakeProducer()), PushMetrics(CollectorRegistry()), on_death=lambda _error: None
        )
        with pytest.raises(ConfigError, match=rf"push can't listen: .*\(process {os.getpid()}\) listens there already"):
            await server.__aenter__()
