"""Records of another number of partitions are found by where their keys stand."""

from __future__ import annotations

import pytest

from streams.errors import KafkaError
from streams.kafka.places import LOOKED_AT, refuse_added
from streams.kafka.sink import partition_of


@pytest.mark.parametrize(("made_with", "grown_to"), [(4, 12), (4, 8), (1, 2), (12, 16), (64, 128)])
def test_keys_laid_by_fewer_partitions_do_not_all_stand_right(made_with: int, grown_to: int) -> None:
    keys = [f"article-{number}".encode() for number in range(LOOKED_AT * made_with)]
    for partition in range(made_with):
        laid = [key for key in keys if partition_of(key, made_with) == partition][:LOOKED_AT]
        assert any(partition_of(key, grown_to) != partition for key in laid)


def test_a_partition_beyond_the_setting_is_refused_by_its_number() -> None:
    refuse_added("articles", [0, 3], 4)
    with pytest.raises(KafkaError, match="added while this process ran: 4, 11") as caught:
        refuse_added("articles", [11, 0, 4], 4)
    assert "docs/scaling.md" in str(caught.value)
