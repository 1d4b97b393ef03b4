"""Virtual environments of the frameworks that only the benchmark needs, by locks of their own in requirements/.

Each has its framework first and the project's own libraries behind it, so that the model runs on the very same scikit-learn everywhere.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.bench.children import BenchError
from tests.helpers.stack import REPOSITORY

FOLDER = REPOSITORY / ".cache" / "bench"


def python_of(name: str) -> Path:
    """The interpreter of the environment `name`, which is made, or made again when its lock has changed.

    Raises:
        BenchError: if it can't be installed here.
    """
    lock = REPOSITORY / "requirements" / f"bench-{name}.lock"
    folder = FOLDER / name
    python, stamp = folder / "bin" / "python", folder / "installed.lock"
    content = lock.read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != content:
        _run("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _run("pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(lock))
        stamp.write_text(content, encoding="utf-8")
    fallback = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "zz-project.pth"
    fallback.write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return python


def _run(*arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("uv")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise BenchError(f"can't be installed: {(done.stderr.strip().splitlines() or ['no reason was given'])[-1].strip()}")


def version_of(name: str) -> str:
    """The version of the framework that the lock `name` pins."""
    for line in (REPOSITORY / "requirements" / f"bench-{name}.lock").read_text(encoding="utf-8").splitlines():
        package, _, rest = line.partition("==")
        if package.partition("[")[0] == name:
            return rest.split()[0]
    return ""
