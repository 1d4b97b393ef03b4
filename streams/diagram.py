"""Pictures and tables made from the topology and the settings: docs can't drift from what runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streams import topology
from streams.metrics_page import metrics_page
from streams.schemas import schemas
from streams.settings import PREFIX, Settings

BEGIN, END = "<!-- generated: {name} -->", "<!-- end of generated: {name} -->"


def mermaid() -> str:
    """The way of the data as a Mermaid flow chart; boxes are processes, cylinders are topics."""
    lines = ["flowchart TD"]
    for topic in topology.TOPICS:
        lines.append(f'    {_node(topic.name)}[("{topic.name}<br/>key: {topic.key}")]')
    for name, written in topology.PRODUCERS.items():
        lines.append(f"    {name}([{name}])")
        lines += [f"    {name} --> {_node(topic.name)}" for topic in written]
    for stage in topology.STAGES:
        box = f"stage_{stage.name}"
        lines.append(f"    {box}[[{stage.name.upper()}]]")
        lines.append(f"    {_node(stage.reads.name)} --> {box}")
        lines += [f"    {_node(topic.name)} --> {box}" for topic in stage.follows]
        lines += [f"    {box} --> {_node(topic.name)}" for topic in stage.writes.values()]
    for name, read in topology.READERS.items():
        lines.append(f"    {name}([{name}])")
        lines += [f"    {_node(topic.name)} --> {name}" for topic in read]
    lines.append("    board --> prometheus([Prometheus])")
    return "\n".join(lines)


def _node(topic: str) -> str:
    return "topic_" + topic.replace("-", "_")


def topics_as_dicts(settings: Settings) -> list[dict[str, Any]]:
    """Each topic with its key, value, partitions and configuration."""
    return [
        {
            "name": topic.name,
            "key": topic.key,
            "value": topic.value,
            "partitions": settings.partitions,
            "replication_factor": settings.replication_factor,
            "config": topic.config(settings.text_days),
        }
        for topic in topology.TOPICS
    ]


def table(settings: Settings) -> str:
    """The topics as a Markdown table."""
    rows = ["| topic | key | value | kept |", "| --- | --- | --- | --- |"]
    for topic in topology.TOPICS:
        kept = "the newest record of each key" if topic.compacted else f"{topic.retention_days} days"
        if topic.reread_days:
            kept += f", and every record for {topic.reread_days} days"
        if topic.holds_text and settings.text_days:
            kept += f"; none for more than {settings.text_days} days"
        rows.append(f"| `{topic.name}` | {topic.key} | `{topic.value}` | {kept} |")
    return "\n".join(rows) + f"\n\n{settings.partitions} partitions each, {settings.replication_factor} copies."


def configuration() -> str:
    """`docs/configuration.md`: every setting."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "(a directory of this user)" if field.default_factory else _shown_default(field.default)
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    head = "# Configuration\n\nEvery setting is an environment variable; `bellwether config` prints what is in force, secrets masked.\n"
    return head + "This page is made by `bellwether docs`.\n\n" + "\n".join(rows) + "\n"


def _shown_default(default: object) -> str:
    if isinstance(default, Path):
        return f"`{'/'.join(default.parts[-2:])}` of the project"
    text = str(default) if default is not None else ""
    return f"`{text}`" if text and "*" not in text else "(empty)"


def write_docs(folder: Path, *, check: bool) -> list[str]:
    """Writes the generated docs, or with `check` only compares; returns the names of those that differed."""
    architecture = folder / "architecture.md"
    wanted = {folder / "configuration.md": configuration(), folder / "metrics.md": metrics_page()}
    text = architecture.read_text(encoding="utf-8")
    wanted |= {folder / "schemas" / name: content for name, content in schemas().items()}
    for name, content in (
        ("diagram", f"```mermaid\n{mermaid()}\n```"),
        ("topics", table(Settings.model_construct(partitions=4, replication_factor=1))),
    ):
        text = _replaced(text, name, content)
    wanted[architecture] = text
    stale = [path for path, content in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != content]
    if not check:
        for path in stale:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
    return [path.name for path in stale]


def _replaced(text: str, name: str, content: str) -> str:
    begin, end = BEGIN.format(name=name), END.format(name=name)
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n{content}\n{end}{tail}"
