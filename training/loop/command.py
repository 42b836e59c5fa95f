"""The command `train`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from training import run as runs
from training.loop.folder import with_settings
from training.loop.train import train


def run(config: Path, out: Path, settings: list[str], adjust: bool = False) -> None:
    """Train what a file describes, with some settings changed; the last line on stdout is the result as JSON.

    To `adjust` lets a run that is there go on although its rate or precision, for instance, was another. What is
    allowed but unusual is told on stderr.

    Under torchrun only the first process prints. Raises TrainingError.
    """
    wanted = with_settings(runs.read(config), settings)
    is_first = os.environ.get("RANK", "0") == "0"
    for warning in runs.warnings(wanted) if is_first else []:
        print(f"warning: {warning}", file=sys.stderr, flush=True)
    result = train(wanted, out, adjust)
    if is_first:
        print(json.dumps(result.to_json()), flush=True)
