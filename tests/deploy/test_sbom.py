"""The bill of materials: everything that is locked, with its hash, the same every time."""

from __future__ import annotations

import json
import re

from deploy.sbom import ROOT, bill
from streams.kafka.jars import read_list

LOCK = (ROOT / "requirements" / "runtime.lock").read_text(encoding="utf-8")
BILL = bill(LOCK, read_list())


def test_every_pin_and_every_jar_is_in_it_once_with_its_hashes() -> None:
    pins = re.findall(r"^([A-Za-z0-9._-]+)==", LOCK, re.MULTILINE)
    purls = [component["purl"] for component in BILL["components"]]
    assert len(pins) > 40
    assert len(purls) == len(set(purls)) == len(pins) + len(read_list())
    assert all(component["hashes"] and component["version"] for component in BILL["components"])


def test_the_same_locks_make_the_same_bytes_and_others_another_number() -> None:
    assert json.dumps(bill(LOCK, read_list())) == json.dumps(BILL)
    assert bill(LOCK.replace("==", "==9."), read_list())["serialNumber"] != BILL["serialNumber"]


def test_a_pin_gives_a_component_with_all_its_hashes() -> None:
    lock = f"some-thing[extra]==1.2 ; sys_platform == 'linux' \\\n    --hash=sha256:{'a' * 64} \\\n    --hash=sha256:{'b' * 64}\n    # via x\n"
    (component,) = bill(lock, {})["components"]
    assert component["purl"] == "pkg:pypi/some-thing@1.2"
    assert [found["content"] for found in component["hashes"]] == ["a" * 64, "b" * 64]
