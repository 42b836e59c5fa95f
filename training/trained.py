"""What training left on disk: a run, its final model, its checkpoints; weights and tokenizer of any of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from clipsearch.encode.convert import TEXT_FORM, TextForm, text_form
from clipsearch.model import CLIP, CLIPConfig, load
from clipsearch.model.checkpoint import save
from training import run as runs
from training.errors import TrainingError

RUN, MODEL, CHECKPOINTS, STEP, AVERAGE = "run.toml", "model", "checkpoints", "step-", "average"
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class Trained:
    """Where weights lie (a file or folder), and the run that made them with its folder, if that is known."""

    weights: Path
    folder: Path | None = None
    run: runs.Run | None = None


def find(path: Path) -> Trained:
    """Find the weights at `path`: a run (its final model, or else the newest checkpoint), a part of one, or any.

    Of a checkpoint that holds an average of the weights it is that, as in the final model. Raises TrainingError if
    there is nothing.
    """
    if not path.exists():
        raise TrainingError(f"There is no file or folder {path}.")
    if (path / RUN).is_file():
        return Trained(_averaged(_newest(path)), path, runs.read(path / RUN))
    folder = _run_of(path.resolve())
    return Trained(_averaged(path), folder, runs.read(folder / RUN)) if folder else Trained(path)


def weights_of(trained: Trained) -> CLIP:
    """Read the model, in fp32 and evaluation mode. Raises ClipsearchError."""
    return load(trained.weights)


def form_of(trained: Trained, config: CLIPConfig) -> TextForm:
    """Tell how a model's texts become tokens: by the tokenizer beside its weights, its run's, or CLIP's.

    Raises ConversionError where it has a vocabulary of its own, but no tokenizer.
    """
    beside = trained.weights if trained.weights.is_dir() else trained.weights.parent
    places = (place for place in (beside, trained.folder) if place and (place / TOKENIZER).is_file())
    return text_form(next(places, trained.weights), config)


def lay_out(clip: CLIP, form: TextForm, folder: Path) -> None:
    """Write a model that can be exported or tuned: weights, architecture and tokenizer, with how that is used.

    Raises ClipsearchError where the folder cannot be written.
    """
    save(clip, folder)
    values = {name: value for name, value in asdict(form).items() if name != "tokenizer"}
    try:
        shutil.copyfile(form.tokenizer, folder / TOKENIZER)
        (folder / TEXT_FORM).write_text(json.dumps(values, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise TrainingError(f"The tokenizer cannot be written to {folder}: {error.strerror or error}.") from error


def _run_of(path: Path) -> Path | None:
    """Return the folder of the run that a model or checkpoint, or a file of it, is part of."""
    path = path.parent if path.is_file() else path
    path = path.parent if path.name == AVERAGE else path
    folder = path.parent if path.name == MODEL else path.parent.parent if path.parent.name == CHECKPOINTS else None
    return folder if folder and (folder / RUN).is_file() else None


def _averaged(path: Path) -> Path:
    return path / AVERAGE if (path / AVERAGE).is_dir() else path


def _newest(folder: Path) -> Path:
    if (folder / MODEL).is_dir():
        return folder / MODEL
    steps = [path for path in (folder / CHECKPOINTS).glob(f"{STEP}*") if path.name.removeprefix(STEP).isdigit()]
    if not steps:
        raise TrainingError(f"{folder} holds no model yet: the run has not reached its first checkpoint.")
    return max(steps, key=lambda path: int(path.name.removeprefix(STEP)))
