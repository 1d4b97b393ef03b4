"""Nothing lost and nothing doubled between a feed and the topic. `python -m tests.faults.feeds --points 200` is the long form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.feed_scene import FeedScene, broker_away, disk_full, feed_scene, kills
from tests.helpers.stack import running_stack

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]
POINTS = 20


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[FeedScene]:
    with running_stack(tmp_path) as stack, feed_scene(stack, seed=7) as found:
        yield found


def test_a_reader_that_is_killed_at_twenty_points_between_fetch_and_memory_loses_and_doubles_nothing(scene: FeedScene) -> None:
    findings = kills(scene, POINTS)
    assert scene.killed >= POINTS
    assert findings.items > POINTS * 12
    assert findings.repeated > 0, "no kill fell between the broker's acknowledgement and the memory of it: it proves little"
    assert findings.wrong == 0, findings


def test_a_broker_that_goes_away_ends_the_reader_with_a_reason_and_nothing_is_lost(scene: FeedScene) -> None:
    findings = broker_away(scene, 5.0)
    assert findings.wrong == 0, findings


def test_a_full_disk_ends_the_reader_with_a_reason_and_nothing_is_lost(scene: FeedScene) -> None:
    findings = disk_full(scene)
    assert findings.wrong == 0, findings
    assert "can't be read or written" in (scene.stack.folder / "feeds.log").read_text()
