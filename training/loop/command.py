"""The command `train`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from training import run as runs
from training.loop.folder import with_settings
from training.loop.train import train


def run(config: Path, out: Path, settings: list[str]) -> None:
    """Train what a file describes, with some settings changed; the last line on stdout is the result as JSON.

    Under torchrun only the first process prints. Raises TrainingError.
    """
    result = train(with_settings(runs.read(config), settings), out)
    if os.environ.get("RANK", "0") == "0":
        print(json.dumps(result.to_json()), flush=True)
