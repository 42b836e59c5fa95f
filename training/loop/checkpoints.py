"""Checkpoints: all that a run needs to go on as if it had never stopped, in folders that appear whole or not at all.

`step-00000500/` holds, after 500 steps:

- `config.json`, `model.safetensors`: the model, as `clipsearch.model.load` reads it
- `objective.safetensors`: weights that belong to the objective
- `average/`: the average of both, if any, in files of the same names
- `optimiser.safetensors`: its statistics, named after the parameters
- `random.safetensors`: the states of all random numbers, a row a process
- `state.json`: counts, best values, the scaler, and the size of each file

Safetensors and JSON only, so nothing in a checkpoint can run. A folder is written under another name, brought to the
disk and then renamed. The data's position is the step itself.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from clipsearch.errors import ClipsearchError
from clipsearch.model.checkpoint.own import OWN, write
from training.errors import TrainingError
from training.loop import random_states
from training.loop.averaging import Average
from training.loop.processes import Processes, like, whole
from training.objectives.objective import Learner

NAME = re.compile(r"step-(\d{8,})")
FORMAT = 1
MODEL, OBJECTIVE, OPTIMISER, RANDOM = (f"{name}.safetensors" for name in ("model", "objective", "optimiser", "random"))
AVERAGE, STATE = "average", "state.json"
CLIP, HEADS = "clip", "objective"  # the parts of a learner


class Counts(msgspec.Struct, kw_only=True):
    """What a run has done so far. `step`: the number of steps made, which is also the next one's number."""

    step: int = 0
    pairs: int = 0
    bad_pairs: int = 0
    skipped: int = 0  # steps that fp16's scaler has left out
    seconds: float = 0.0
    best: dict[str, float] = {}
    best_step: dict[str, int] = {}


class Record(msgspec.Struct, kw_only=True):
    """The content of state.json."""

    format: int = FORMAT
    counts: Counts
    scaler: dict[str, int | float] = {}
    average_steps: int = 0
    sizes: dict[str, int] = {}


@dataclass
class Training:
    """Everything that changes while training."""

    learner: Learner
    optimiser: Optimizer
    scaler: torch.amp.GradScaler
    average: Average | None = None
    counts: Counts = field(default_factory=Counts)


def save(folder: Path, training: Training, processes: Processes, keep: int) -> Path:
    """Write a checkpoint into `folder` and remove all but the last `keep`; return its path, which all processes know.

    All processes must call it. Raises TrainingError where it cannot be written; nothing of it stays,
    those before it do.
    """
    path = folder / f"step-{training.counts.step:08d}"
    tensors = _tensors(training, processes)
    if processes.is_first and not path.exists():
        try:
            _write(path, tensors, training)
            _remove_old(folder, keep)
        except (OSError, SafetensorError, ClipsearchError) as error:
            shutil.rmtree(_part(path), ignore_errors=True)
            raise TrainingError(f"The checkpoint {path} cannot be written ({error}).") from error
    processes.wait()
    return path


def _tensors(training: Training, processes: Processes) -> dict[str, dict[str, Tensor]]:
    """Collect the tensors of each file, whole and on the CPU, in the process that writes."""
    learner, average = training.learner, training.average
    found = {
        MODEL: learner.clip.state_dict(),
        OBJECTIVE: learner.objective.state_dict(),
        OPTIMISER: statistics(training.optimiser),
        RANDOM: {name: processes.stack(state) for name, state in random_states.states().items()},
    }
    if average is not None:
        found[f"{AVERAGE}/{MODEL}"] = belonging(average.state, CLIP)
        found[f"{AVERAGE}/{OBJECTIVE}"] = belonging(average.state, HEADS)
    return {
        file: {name: _stored(value, processes.is_first) for name, value in state.items()}
        for file, state in found.items()
    }


def _stored(value: Tensor, is_writing: bool) -> Tensor:
    """Return a whole tensor on the CPU, or nothing of it where only the others need this process's part."""
    complete = whole(value.detach())
    return complete.cpu().contiguous() if is_writing else torch.empty(0)


def _write(path: Path, tensors: dict[str, dict[str, Tensor]], training: Training) -> None:
    part = _part(path)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    description = {"config.json": {OWN: training.learner.clip.config.to_json()}}
    write(part, description, tensors[MODEL])
    if training.average is not None:
        write(part / AVERAGE, description, tensors[f"{AVERAGE}/{MODEL}"])
        save_file(tensors[f"{AVERAGE}/{OBJECTIVE}"], part / AVERAGE / OBJECTIVE)
    for name in (OBJECTIVE, OPTIMISER, RANDOM):
        save_file(tensors[name], part / name)
    record = Record(
        counts=training.counts,
        scaler=training.scaler.state_dict(),
        average_steps=training.average.steps if training.average else 0,
        sizes={file.relative_to(part).as_posix(): file.stat().st_size for file in _files(part)},
    )
    (part / STATE).write_text(json.dumps(msgspec.to_builtins(record), indent=2) + "\n", "utf-8")
    for written in [*_files(part), *(folder for folder in (part / AVERAGE, part) if folder.exists())]:
        _to_disk(written)
    part.rename(path)
    _to_disk(path.parent)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _to_disk(path: Path) -> None:
    """Wait until a file or folder is on the disk; Windows has no such thing for folders."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_old(folder: Path, keep: int) -> None:
    for path in found(folder)[max(1, keep) :]:
        gone = path.with_name(f".{path.name}.old")
        path.rename(gone)
        shutil.rmtree(gone)


def clear(folder: Path) -> None:
    """Remove what was being written or removed when a run was killed; only one process may call it.

    What is damaged is set aside under another name, so that it stands in nobody's way.
    """
    for rest in [*folder.glob(".step-*.part"), *folder.glob(".step-*.old")]:
        shutil.rmtree(rest)
    if latest(folder):
        for path in found(folder):
            if damage(path):
                path.rename(_free(path.with_name(f"damaged-{path.name}")))


def _free(path: Path) -> Path:
    """Return a path at which nothing is, with a number behind the name if need be."""
    others = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return path if not path.exists() else next(other for other in others if not other.exists())


def found(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, the latest first."""
    there = [path for path in folder.iterdir() if NAME.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(there, key=step_of, reverse=True)


def step_of(path: Path) -> int:
    """Return how many steps a checkpoint was written after."""
    return int(path.name.removeprefix("step-"))


def latest(folder: Path) -> Path | None:
    """Return the latest checkpoint whose files are all there, None where there is none.

    Raises TrainingError where there are some, but none is whole: beginning anew would remove them.
    """
    there = found(folder)
    best = next((path for path in there if not damage(path)), None)
    if there and best is None:
        raise TrainingError(f"No checkpoint in {folder} is whole ({damage(there[0])}); move them away to begin anew.")
    return best


def damage(path: Path) -> str:
    """Say what is wrong with a checkpoint, in a few words, or "" where nothing is."""
    try:
        record = _record(path)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return f"{STATE} cannot be read"
    if record.format != FORMAT:
        return f"it has format {record.format}"
    for name, size in record.sizes.items():
        if not (path / name).is_file() or (path / name).stat().st_size != size:
            return f"{name} is not whole"
    return ""


def _record(path: Path) -> Record:
    return msgspec.json.decode((path / STATE).read_bytes(), type=Record)


def load(path: Path, training: Training, processes: Processes) -> None:
    """Bring everything back as it was when `save` wrote a checkpoint; every process calls it.

    Raises TrainingError where it does not fit the run, or cannot be read.
    """
    try:
        record = _record(path)
        fill(training.learner.clip, load_file(path / MODEL))
        fill(training.learner.objective, load_file(path / OBJECTIVE))
        fill_statistics(training.optimiser, load_file(path / OPTIMISER))
        if training.average is not None:
            state = _stored_average(path)
            placed = {name: like(state[name], kept) for name, kept in training.average.state.items()}
            training.average.load(placed, record.average_steps)
        rows = load_file(path / RANDOM)
    except (OSError, SafetensorError, msgspec.MsgspecError, KeyError, RuntimeError) as error:
        raise TrainingError(f"The checkpoint {path} does not fit this run, or is damaged ({error}).") from error
    training.counts = record.counts
    if record.scaler:  # of another precision there is none
        training.scaler.load_state_dict(record.scaler)
    if all(processes.rank < len(row) for row in rows.values()):
        random_states.restore({name: row[processes.rank].clone() for name, row in rows.items()})


def _stored_average(path: Path) -> dict[str, Tensor]:
    """Read an average; it may have been stored without the objective's weights, whose last ones are taken then."""
    heads = path / AVERAGE / OBJECTIVE
    files = {CLIP: path / AVERAGE / MODEL, HEADS: heads if heads.exists() else path / OBJECTIVE}
    return {f"{which}.{name}": value for which, file in files.items() for name, value in load_file(file).items()}


@torch.no_grad()
def fill(module: nn.Module, state: dict[str, Tensor]) -> None:
    """Copy stored values into a module, whose weights may be divided among processes. Raises KeyError."""
    for name, value in module.state_dict().items():
        value.copy_(like(state[name], value))


def _named(optimiser: Optimizer) -> Iterator[tuple[str, nn.Parameter]]:
    for group in optimiser.param_groups:
        yield from zip(group["names"], group["params"], strict=True)


def statistics(optimiser: Optimizer) -> dict[str, Tensor]:
    """Return what an optimiser knows of each parameter, as "name of the parameter/name of the value"."""
    named = _named(optimiser)
    return {f"{name}/{key}": value for name, one in named for key, value in optimiser.state.get(one, {}).items()}


def fill_statistics(optimiser: Optimizer, state: dict[str, Tensor]) -> None:
    """Give an optimiser what `statistics` returned."""
    known = dict(_named(optimiser))
    for name, value in state.items():
        parameter = known[name.rpartition("/")[0]]
        is_step = name.endswith("/step")
        placed = value if is_step and not _fused(optimiser) else like(value, parameter)
        optimiser.state[parameter][name.rpartition("/")[2]] = placed


def _fused(optimiser: Optimizer) -> bool:
    """Say whether an optimiser keeps its steps beside the parameters."""
    return bool(optimiser.defaults.get("fused"))


def weights(training: Training) -> dict[str, Tensor]:
    """Return the learner's weights to use: averages, where there are such, else the last; whole, on every process."""
    state: dict[str, Any] = training.learner.state_dict()
    if training.average is not None:
        state |= training.average.state
    return {name: whole(value.detach()) for name, value in state.items()}


def belonging(state: Mapping[str, Tensor], which: str) -> dict[str, Tensor]:
    """Return what belongs to a part of a learner, by its names in that part."""
    start = f"{which}."
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
