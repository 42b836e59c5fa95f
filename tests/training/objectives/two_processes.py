"""What `test_two_processes` starts twice: print, for each objective, how far its gradients are from one process's."""

from __future__ import annotations

import json
import sys
from typing import Literal

import msgspec
import torch

from tests.training.objectives.tiny import EVERY, RESNET, batch_of, gradients, learner_of, run_of
from training.loop.accumulation import backward
from training.loop.processes import Processes, average_undivided, inner, joined, spread, whole


def distance(name: str, parallel: Literal["ddp", "fsdp"], group: Processes) -> float:
    """Return the largest difference of any gradient; infinite if not the same weights have one."""
    config, table = EVERY[name]
    alone, learner, batch = learner_of(config, **table), learner_of(config, **table), batch_of(config)
    backward(alone, batch)
    run = run_of(config, **table)
    spread_out = spread(
        learner, msgspec.structs.replace(run, loop=msgspec.structs.replace(run.loop, parallel=parallel)), group
    )
    backward(spread_out, list(batch.parts(4))[group.rank], 3, processes=group)
    average_undivided(learner, group)
    wanted = gradients(alone)
    found = {name: whole(value) for name, value in gradients(inner(spread_out)).items()}
    inner(spread_out).after_step()
    if found.keys() != wanted.keys():
        return float("inf")
    return max(float((found[name] - wanted[name]).abs().max()) for name in wanted)


def main() -> None:
    torch.set_num_threads(1)
    with joined("cpu") as group:
        for name, (config, _) in EVERY.items():
            if config is not RESNET:  # batch normalisation sees one process's pairs
                far = distance(name, sys.argv[1], group)  # type: ignore[arg-type]
                if group.is_first:
                    sys.stdout.write(json.dumps({"name": name, "distance": far}) + "\n")


if __name__ == "__main__":
    main()
