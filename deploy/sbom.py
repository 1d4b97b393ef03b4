"""A bill of materials of what Bellwether runs with, made from the locks alone: CycloneDX 1.6, the same bytes for the same locks.

`python -m deploy.sbom FILE` (`make sbom`). In it: every Python distribution of `requirements/runtime.lock`, and every jar of the
embedded Kafka by `deploy/kafka/jars.sha256`, each with its hashes.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streams.kafka.jars import read_list

ROOT = Path(__file__).parent.parent
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_JAR = re.compile(r"^(.+?)-(\d[\w.-]*)\.jar$")
_MOST_HASHES = 200


def python_components(lock: str) -> Iterator[dict[str, Any]]:
    """A component for each pin of a lock, in its order."""
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    for entry in entries:
        if pin := _PIN.match(entry):
            name, version = pin[1].lower().replace("_", "-"), pin[2]
            yield _component(name, version, f"pkg:pypi/{name}@{version}", _HASH.findall(entry))


def jar_components(listed: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A component for each jar, by its file name: its group is not in there."""
    for file, digest in sorted(listed.items()):
        found = _JAR.match(file)
        name, version = (found[1], found[2]) if found else (file, "")
        yield _component(name, version, f"pkg:generic/{name}@{version}?file_name={file}", [digest])


def _component(name: str, version: str, purl: str, digests: list[str]) -> dict[str, Any]:
    # A distribution has a hash for each of its files, of which any one may be installed.
    hashes = [{"alg": "SHA-256", "content": digest} for digest in digests[:_MOST_HASHES]]
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, "hashes": hashes}


def bill(lock: str, jars: dict[str, str]) -> dict[str, Any]:
    """The whole document. Its serial number is made from its content, and it carries no time."""
    components = [*python_components(lock), *jar_components(jars)]
    digest = hashlib.sha256(json.dumps(components, sort_keys=True).encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "serialNumber": f"urn:uuid:{uuid.UUID(digest[:32])}",
        "metadata": {"component": {"type": "application", "name": "bellwether", "bom-ref": "bellwether"}},
        "components": components,
    }  # fmt: skip


def main(target: Path) -> None:
    """Writes the file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    found = bill((ROOT / "requirements" / "runtime.lock").read_text(encoding="utf-8"), read_list())
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{target}: {len(found['components'])} components\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
