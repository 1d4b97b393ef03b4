"""Known vulnerabilities of what the locks name, asked of the advisories by pip-audit.

`python -m deploy.audit` (`make audit`) ends with 1 when something is vulnerable, and when the advisories could not be asked about
everything: silence is no answer. `--lenient` is for machines without the network, such as many that run checks: it only says what nobody
could be asked about, and still fails for a vulnerability that is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements/runtime.lock", "requirements/build.lock")
#: Installing pip-audit, and all of its questions.
TIMEOUT_SECONDS = 180.0


@dataclass(slots=True)
class Audit:
    """What was found: `vulnerable` as sentences, names of distributions that were asked about, and of those that could not be, with why."""

    vulnerable: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)

    def exit_code(self, *, lenient: bool) -> int:
        """0: nothing is known against anything (of what could be asked about, where that is enough)."""
        return 1 if self.vulnerable or (self.unknown and not lenient) else 0

    def lines(self) -> list[str]:
        """What a person reads."""
        told = [f"audit: {len(self.asked)} distributions asked about, {len(self.vulnerable)} vulnerabilities"]
        if self.unknown:
            name, why = next(iter(self.unknown.items()))
            told.append(f"audit: NOBODY COULD BE ASKED about {len(self.unknown)}, such as {name}: {why}")
        return [*self.vulnerable, *told]


def read_report(report: dict[str, Any]) -> Audit:
    """The findings of pip-audit's JSON (`--format json`)."""
    audit = Audit()
    for found in report["dependencies"]:
        if "skip_reason" in found:
            audit.unknown[found["name"]] = found["skip_reason"]
            continue
        audit.asked.append(found["name"])
        for known in found["vulns"]:
            mended = ", ".join(known.get("fix_versions") or ["no version yet"])
            audit.vulnerable.append(f"{found['name']} {found['version']}: {known['id']}; mended in {mended}")
    return audit


def ask(uv: Path) -> Audit:
    """Asks about every lock; what hinders the asking is told as such. Blocks on the network."""
    requirements = [option for lock in LOCKS for option in ("--requirement", str(ROOT / lock))]
    command = [str(uv), "tool", "run", "pip-audit", "--disable-pip", "--require-hashes", "--format", "json", *requirements]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
        return read_report(json.loads(done.stdout))
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        return Audit(unknown={"all of them": f"{type(error).__name__}: pip-audit could not be run to its end"})


def main(arguments: list[str]) -> int:
    """Asks, tells, and returns the exit code."""
    audit = ask(Path(sys.executable).with_name("uv"))
    sys.stdout.writelines(f"{line}\n" for line in audit.lines())
    return audit.exit_code(lenient="--lenient" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
