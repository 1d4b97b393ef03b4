"""The JSON Schema of every topic's records, made from the types in `streams/records.py`: for those who read or write them elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from streams import records, topology
from streams.kafka.topics import TopicSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(topic: TopicSpec) -> dict[str, Any]:
    """The schema of a topic's values. Unknown fields are allowed: a newer writer may add some under the same version."""
    kind = getattr(records, topic.value)
    schema = msgspec.json.schema(kind, ref_template="#/$defs/{name}")
    key = topic.key if topic.compacted else f"{topic.key}; kept for {topic.retention_days} days"
    return {"$schema": DIALECT, "title": f"{topic.name}: {topic.value}", "$comment": f"key: {key}", **schema}


def schemas() -> Mapping[str, str]:
    """File name -> content, for every topic."""
    return {f"{topic.name}.json": json.dumps(schema_of(topic), indent=2, ensure_ascii=False) + "\n" for topic in topology.TOPICS}
