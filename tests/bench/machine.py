"""What a figure depends on beside the code: the machine and the versions. No name, no path, no address."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

from streams.kafka.jars import kafka_version, read_list
from tests.bench import environments

LIBRARIES = ("confluent-kafka", "faust-streaming", "scikit-learn", "numpy", "msgspec")


def facts() -> dict[str, str]:
    """Name -> value, for the head of the table."""
    found = {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": _processor(),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Kafka": kafka_version(read_list()) or "",
    }
    found |= {library: version(library) for library in LIBRARIES}
    found |= {name: environments.version_of(name) for name in ("quixstreams", "bytewax")}
    found["load before the run"] = f"{os.getloadavg()[0]:.1f}"
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
