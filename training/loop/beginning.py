"""What a run begins with instead of random weights: those of another run, a package or any other checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clipsearch.encode.convert import TextForm
from clipsearch.errors import ClipsearchError
from clipsearch.model import CLIP, CLIPConfig, compare
from training.data.texts import Form, Texts
from training.errors import TrainingError
from training.finetuning.original import open_original
from training.run import Run, check_beginning
from training.trained import find, weights_of

#: what two architectures may differ in: a name, a first value, and widths that the shapes of the weights show as well
_FREE = {"name", "logit_scale_init", "logit_bias_init", "mlp_ratio"}
_PACKAGE = "model.json"


@dataclass(frozen=True)
class Beginning:
    """A model in fp32, and how its texts become tokens; None where its text tower is not taken."""

    clip: CLIP
    form: TextForm | None

    def fill(self, clip: CLIP) -> None:
        """Give a new model these weights: all of them, or the image tower's alone."""
        if self.form is None:
            clip.visual.load_state_dict(self.clip.visual.state_dict())
        else:
            clip.load_state_dict(self.clip.state_dict())

    def texts(self) -> Texts | None:
        """Return the tokenizer that belongs to the text tower, None for a new tower. Raises TrainingError."""
        if self.form is None:
            return None
        form = self.form
        if form.eot_id is None:
            raise TrainingError('The tokenizer of start.path cannot be trained with; let start.towers be "image".')
        parts = Form(form.context_length, form.pad_id, form.cleaning, form.eot_id)
        return Texts(form.tokenizer.read_text("utf-8"), parts)


def open_beginning(run: Run) -> Beginning | None:
    """Open what a run begins with, None for random weights.

    Raises TrainingError, naming start.path, where there must be one, and for what cannot be read or does not fit.
    """
    check_beginning(run)
    if not run.start.path:
        return None
    try:
        begun = _opened(run)
    except (ClipsearchError, OSError) as error:
        told = error.message if isinstance(error, ClipsearchError) else f"{error}."
        raise TrainingError(f"A run cannot begin with start.path = {run.start.path}: {told}") from error
    if told := _misfit(run, begun):
        raise TrainingError(f"The weights of start.path = {run.start.path} do not fit the table model: {told}.")
    return begun


def _opened(run: Run) -> Beginning:
    path, is_image_only = Path(run.start.path), run.start.towers == "image"
    if is_image_only and path.exists() and not (path / _PACKAGE).is_file():
        return Beginning(weights_of(find(path)), None)
    original = open_original(run.start.path)
    return Beginning(original.clip, None if is_image_only else original.form)


def _misfit(run: Run, begun: Beginning) -> str:
    """Say in what the weights differ from the run's architecture, or "" where they fit."""
    there, here = (_told(config, whole=begun.form is not None) for config in (begun.clip.config, run.network))
    names = [name for name in here if here[name] != there[name]]
    if names:
        return ", ".join(f"{name} is {there[name]} there and {here[name]} here" for name in names)
    wanted, given = _shapes_of(run.network, begun), begun.clip.state_dict()
    return compare(wanted, {name: value for name, value in given.items() if name in wanted or begun.form is not None})


def _told(config: CLIPConfig, whole: bool) -> dict[str, Any]:
    """Return what decides how weights are used, by its place in the table `model`."""
    values = asdict(config)
    text = values.pop("text") | {"activation": config.text.activation or config.activation}
    tables = {"vision": values.pop("vision"), "text": text if whole else {}}
    inner = {f"{name}.{key}": value for name, table in tables.items() for key, value in table.items()}
    return {name: value for name, value in (values | inner).items() if name.rpartition(".")[2] not in _FREE}


def _shapes_of(network: CLIPConfig, begun: Beginning) -> dict[str, Any]:
    """Return the weights that are to be there, without memory."""
    import torch

    with torch.device("meta"):
        wanted = CLIP(network).state_dict()
    is_whole = begun.form is not None
    return {name: value for name, value in wanted.items() if is_whole or name.startswith("visual.")}
