"""The embedded Kafka's logs: where they are, and the lines in them that say why a broker ended."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

LOG_TAIL_BYTES = 64 * 1024
LOG_LINES = 8


def server_log(home: Path) -> Path:
    """Kafka's own log."""
    return home / "logs" / "server.log"


def jvm_log(home: Path) -> Path:
    """What the JVM of the last start printed."""
    return home / "logs" / "jvm.log"


def evidence(home: Path) -> str:
    """What the logs of the last start say went wrong: their errors, then their last lines; at most a screenful."""
    lines = _tail(jvm_log(home))
    # Kafka begins a new file at each start; an older one is of a start before, and would mislead.
    with contextlib.suppress(OSError):
        if server_log(home).stat().st_mtime >= (home / "server.properties").stat().st_mtime:
            lines += _tail(server_log(home))
    telling = [line for line in lines if re.search(r"\b(ERROR|FATAL|Error|Exception)\b|Exception:|Error:", line)]
    shown = dict.fromkeys([*telling[:LOG_LINES], *lines[-LOG_LINES:]])
    return "\n    ".join(shown) or "its logs are empty"


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line.rstrip()[:300] for line in text.splitlines() if line.strip() and not line.startswith("\tat ")]
