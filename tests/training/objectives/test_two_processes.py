"""Every objective over two real processes, its weights whole or divided, in parts: the gradients of one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.objectives.tiny import EVERY, RESNET

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_have_the_gradients_of_one(parallel: str) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    ended = subprocess.run(
        [*command, "tests.training.objectives.two_processes", parallel],
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    found = {row["name"]: row["distance"] for row in map(json.loads, ended.stdout.splitlines())}
    assert found.keys() == {name for name, (config, _) in EVERY.items() if config is not RESNET}
    assert {name: far for name, far in found.items() if far > 1e-5} == {}
