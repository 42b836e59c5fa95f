"""What a run learned, as its checkpoints have it: the model with what belongs to its objective, such as a decoder."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from training.data.texts import Texts
from training.errors import TrainingError
from training.loop import checkpoints
from training.objectives import build
from training.objectives.objective import Learner
from training.trained import AVERAGE, CHECKPOINTS, find, weights_of


def open_learner(path: Path) -> tuple[Learner, Texts]:
    """Open a run (its newest checkpoint) or a checkpoint of one, to be used, not trained; in evaluation mode.

    Raises ClipsearchError for what is none, or cannot be read.
    """
    trained = find(path)
    if trained.run is None or trained.folder is None:
        raise TrainingError(f"{path} is no run and no checkpoint of one.")
    checkpoint = _checkpoint(trained.weights, trained.folder)
    clip = weights_of(find(checkpoint))
    objective = build(trained.run, clip)
    averaged = checkpoint / AVERAGE / checkpoints.OBJECTIVE
    try:
        own = load_file(checkpoint / checkpoints.OBJECTIVE)
        objective.load_state_dict(own | (load_file(averaged) if averaged.is_file() else {}))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise TrainingError(f"The checkpoint {checkpoint} is damaged or not of this run ({error}).") from error
    return Learner(clip, objective).eval(), Texts.load(trained.folder)


def _checkpoint(weights: Path, folder: Path) -> Path:
    """Return the checkpoint that weights are of; of the final model it is the newest."""
    place = weights.parent if weights.is_file() else weights
    place = place.parent if place.name == AVERAGE else place
    newest = place if place.parent.name == CHECKPOINTS else checkpoints.latest(folder / CHECKPOINTS)
    if newest is None:
        raise TrainingError(f"{folder} holds no checkpoint, and only there is what its objective learned.")
    return newest
