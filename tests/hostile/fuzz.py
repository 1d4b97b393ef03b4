"""The long fuzz: `python -m tests.hostile.fuzz --seconds 600`. Each part runs in processes of its own, one after the other.

    hypothesis    the properties of test_fuzz.py with many examples
    feeds, json, lines, text    atheris, guided by coverage
    openapi       schemathesis against a push server, by its own OpenAPI document

Needs atheris and schemathesis (`make fuzz` installs them). What breaks is printed by the tool that found it; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helpers.pushing import pushing

EXAMPLES_PER_SECOND = 4
TARGETS = ("feeds", "json", "lines", "text")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"
)
MOST_MEGABYTES = 2_048


def main() -> int:
    """The number of parts that found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="For each part.")
    parser.add_argument("--only", choices=("hypothesis", *TARGETS, "openapi"))
    chosen = parser.parse_args()
    failed = 0
    for part in ("hypothesis", *TARGETS, "openapi"):
        if chosen.only in (None, part):
            code = _run(part, chosen.seconds)
            print(f"{part}: {'nothing found' if code == 0 else f'exit code {code}'}", flush=True)
            failed += code != 0
    return failed


def _run(part: str, seconds: int) -> int:
    if part == "openapi":
        return asyncio.run(_openapi(seconds))
    if part == "hypothesis":
        environment = {**os.environ, "FUZZ_EXAMPLES": str(EXAMPLES_PER_SECOND * seconds)}
        command = [sys.executable, "-m", "pytest", "-q", "tests/hostile/test_fuzz.py", "--timeout", "0"]
        return subprocess.run(command, env=environment, check=False).returncode
    with tempfile.TemporaryDirectory() as corpus:
        bounds = [f"-max_total_time={seconds}", "-timeout=20", f"-rss_limit_mb={MOST_MEGABYTES}", "-max_len=8192", "-verbosity=0"]
        command = [sys.executable, "-m", "tests.hostile.fuzz_target", part, corpus, *bounds, f"-artifact_prefix={corpus}/"]
        return subprocess.run(command, check=False).returncode


async def _openapi(seconds: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with pushing(Path(folder), push_articles_per_second=1_000_000) as pusher:
            address = f"{pusher.server.address}/v1/openapi.json"
            header = f"Authorization: Bearer {pusher.token}"
            command = ["run", address, "-H", header, "--checks", CHECKS, "--max-examples", str(EXAMPLES_PER_SECOND * seconds)]
            process = await asyncio.create_subprocess_exec(sys.executable, "-m", "schemathesis.cli", *command)
            return await process.wait()


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
