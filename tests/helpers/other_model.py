"""A second model for tests: the one that ships with Bellwether, which decides otherwise. It is made in a moment, and is as sound."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from models.artifact import MANIFEST_FILE, TRAINED

#: Label -> the threshold that it has here. Hedging is seen in more, cooperation in fewer.
THRESHOLDS = {"cooperation": 0.9, "hedging": 0.05}


def write_other_model(folder: Path) -> Path:
    """Writes it into a folder, which is made, and returns the folder."""
    shutil.copytree(TRAINED, folder)
    manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    for label, threshold in THRESHOLDS.items():
        for calibration in (manifest["calibration"][label], manifest["encoded"][label]):
            calibration["threshold"] = threshold
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    return folder
