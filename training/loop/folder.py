"""The folder of a run: a new one, or that of the same run, which then goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from training import run as runs
from training.errors import TrainingError
from training.run import Run
from training.trained import CHECKPOINTS, MODEL, RUN

RESULT = "result.json"
_UNTIL = "-until-step-"
EARLIER = f"run{_UNTIL}"  # settings that were changed on the way

__all__ = ["CHECKPOINTS", "EARLIER", "MODEL", "RESULT", "RUN", "changed", "open_folder", "with_settings"]

#: what may change while a run is interrupted, since the weights do not depend on it
FREE = (
    "name",
    "device",
    "data.workers",
    "loop.log_every",
    "loop.checkpoint_every",
    "loop.checkpoints_kept",
    "evaluation",
)
#: what may be changed on the way if that is said, as checkpoints fit all the same
ADJUSTABLE = (
    "loop.steps",
    "loop.precision",
    "optimiser.learning_rate",
    "optimiser.warmup_steps",
    "optimiser.weight_decay",
    "optimiser.clip_norm",
)


def open_folder(run: Run, out: Path, adjust: bool = False) -> None:
    """Make a run's folder, with `run.toml`; or make sure that it holds the same run.

    To `adjust`, what is ADJUSTABLE may differ; the settings before it are kept beside `run.toml`, and
    so is what came of a run that had finished by them.

    Raises TrainingError for a folder of another run, naming what differs, and for one that holds anything else.
    """
    try:
        if (out / RUN).exists():
            if names := changed(runs.read(out / RUN), run):
                _check_adjustable(names, out, adjust)
                _keep_settings(run, out)
        elif out.exists() and any(out.iterdir()):
            raise TrainingError(f"{out} is not empty and holds no run; choose a new folder.")
        (out / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
        part = out / f".{RUN}.part"
        runs.write(run, part)
        part.replace(out / RUN)
    except OSError as error:
        raise TrainingError(f"The folder {out} cannot be used ({error}).") from error


def _check_adjustable(names: list[str], out: Path, adjust: bool) -> None:
    told = f"{out} holds another run ({', '.join(names)} differ); choose a new folder"
    if not set(names) <= set(ADJUSTABLE):
        raise TrainingError(f"{told}.")
    if not adjust:
        raise TrainingError(f"{told}, or go on with the new settings by --adjust.")


def _keep_settings(run: Run, out: Path) -> None:
    """Keep the settings with which the latest checkpoint was reached."""
    from training.loop import checkpoints

    latest = checkpoints.latest(out / CHECKPOINTS)
    step = checkpoints.step_of(latest) if latest else 0
    if run.loop.steps < step:
        raise TrainingError(f"The run in {out} has made {step} steps already; loop.steps must not be less.")
    until = f"{_UNTIL}{step:08d}"
    kept = (out / RUN).with_stem(f"run{until}")
    if not kept.exists():
        kept.write_bytes((out / RUN).read_bytes())
    for name in (MODEL, RESULT):  # of a run that was finished, and is no more
        old, earlier = out / name, (out / name).with_stem(Path(name).stem + until)
        if old.exists() and not earlier.exists():
            old.rename(earlier)


def changed(before: Run, now: Run) -> list[str]:
    """Name the settings in which two runs differ, but for those that do not matter."""
    old, new = _flat(msgspec.to_builtins(before)), _flat(msgspec.to_builtins(now))
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return [name for name in names if not any(name == free or name.startswith(f"{free}.") for free in FREE)]


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {prefix: list(values) if isinstance(values, tuple) else values}
    parts = [_flat(value, f"{prefix}.{key}" if prefix else key) for key, value in values.items()]
    return {name: value for part in parts for name, value in part.items()}


def with_settings(run: Run, settings: list[str]) -> Run:
    """Return a run with some settings changed, each "table.key=value" with the value as in TOML, or a plain word.

    Raises TrainingError for one that is not understood.
    """
    values: dict[str, Any] = msgspec.to_builtins(run)
    for setting in settings:
        path, _, text = setting.partition("=")
        *tables, key = path.strip().split(".")
        place = values
        for name in tables:
            inner = place.get(name)
            if not isinstance(inner, dict):
                raise TrainingError(f"“{setting}” is not understood: there is no table {name}.")
            place = inner
        place[key] = _value(text.strip())
    try:
        changed_run = msgspec.convert(values, Run)
    except msgspec.ValidationError as error:
        raise TrainingError(f"The settings are not understood: {error}.") from error
    runs.check(changed_run)
    return changed_run


def _value(text: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
