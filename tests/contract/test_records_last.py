"""Records that were written once stay readable, and say what they said; every topic's schema is published and true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from streams import records, topology
from streams.kafka.topics import TopicSpec
from streams.records import CURRENT_VERSION, decode, encode
from streams.schemas import schema_of

FROZEN = Path(__file__).parent / "frozen"
LINES = [json.loads(line) for file in sorted(FROZEN.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
BY_RECORD = {topic.value: topic for topic in topology.TOPICS}


def _contains(new: Any, old: Any) -> bool:
    """Whether everything that the old value says stands in the new one."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and _contains(new[key], value) for key, value in old.items())
    if isinstance(old, list):
        return isinstance(new, list) and len(new) >= len(old) and all(map(_contains, new, old))
    return bool(new == old)


@pytest.mark.parametrize("line", LINES, ids=[f"{line['record']} of {line['written_by']}" for line in LINES])
def test_frozen_bytes_are_read_and_say_what_they_said(line: dict[str, str]) -> None:
    value = line["value"].encode()
    record = decode(getattr(records, line["record"]), value)
    assert _contains(json.loads(encode(record)), json.loads(value))
    jsonschema.validate(json.loads(value), schema_of(BY_RECORD[line["record"]]))


def test_every_record_of_every_version_has_frozen_bytes() -> None:
    for topic in topology.TOPICS:
        frozen = [json.loads(line["value"]) for line in LINES if line["record"] == topic.value]
        versions = {value[0] if isinstance(value, list) else value["v"] for value in frozen}
        assert versions == set(range(1, CURRENT_VERSION + 1)), topic.name


@pytest.mark.parametrize("topic", topology.TOPICS, ids=[topic.name for topic in topology.TOPICS])
def test_a_schema_refuses_what_the_reader_refuses(topic: TopicSpec) -> None:
    kind = getattr(records, topic.value)
    schema = schema_of(topic)
    jsonschema.Draft202012Validator.check_schema(schema)
    good = next(json.loads(line["value"]) for line in LINES if line["record"] == topic.value)
    bad: list[object] = [{}, [], "text", None]
    bad.append(good[1:] if isinstance(good, list) else {**good, next(iter(good)): {"no": "such"}})
    for value in bad:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(value, schema)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(value, kind)
