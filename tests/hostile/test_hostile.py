"""Every hostile case has its answer, in bounded time and memory, and keeps nobody else waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

import pytest

from tests.hostile.case import MAX_DELAY_SECONDS, MAX_EXTRA_BYTES, MAX_SECONDS, MEGABYTE, Case, Path
from tests.hostile.catalogue import CASES, PATHS
from tests.hostile.running import CaseProcess

pytestmark = pytest.mark.timeout(120)

#: The bounds are those of a machine that has time. Here other tests run on the same processors: what hangs or grows without a bound is
#: found all the same, and `python -m tests.hostile` measures each case by itself for the table of docs/security-inputs.md.
PATIENCE = 4


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Path, CaseProcess]]:
    folder: FilePath = tmp_path_factory.mktemp("hostile")
    made = {path: CaseProcess(path, folder) for path in PATHS}
    yield made
    for process in made.values():
        process.close()


def test_the_cases_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len(CASES) >= 60
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_hostile_input_has_its_answer_within_bounds(case: Case, processes: dict[Path, CaseProcess]) -> None:
    found = processes[case.path].run(case)
    assert found.answer.startswith(case.answers)
    assert found.seconds <= PATIENCE * MAX_SECONDS
    assert found.extra_bytes <= MAX_EXTRA_BYTES, f"{found.extra_bytes / MEGABYTE:.0f} MB"
    assert found.delay_seconds <= PATIENCE * MAX_DELAY_SECONDS
