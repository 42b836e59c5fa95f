"""The model card of a finished run, after Mitchell et al., "Model Cards for Model Reporting" (arXiv 1810.03993).

Every number is read from the run's own files. What only a person knows (rights, consent, who should not use it) stands
there as a question to be answered before the model is given away. Limits and biases follow section 7 of CLIP's paper.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipsearch.errors import ClipsearchError
from clipsearch.model.checkpoint.own import replace
from clipsearch.model.checkpoint.sources import WEIGHTS
from training import run as runs
from training.errors import TrainingError
from training.export import WITHOUT_SPACE
from training.loop.folder import EARLIER
from training.trained import MODEL, RUN

CARD, LOG, RESULT, CURVES = "README.md", "log.csv", "result.json", "curves.png"

_DATA = {
    "scenes": "Rendered scenes with exact captions (`training.scenes`): no photographs, no people.",
    "table": "Pairs of pictures and texts in the table {path}.",
    "folder": "Pictures with captions beside them in the folder {path}.",
    "shards": "Pairs of pictures and texts in the shards {path}.",
    "library": "The pictures of a clipsearch library with their captions, keywords and categories: {path}.",
}
_OBJECTIVES = {
    "contrastive": "Each picture finds its text among all texts of the batch, and each text its picture "
    "(symmetric cross-entropy; CLIP's paper, figure 3).",
    "sigmoid": "Each picture and each text of the batch are told to belong together or not (SigLIP).",
    "language-model": "A Transformer predicts the caption from the picture, word by word.",
    "bag-of-words-prediction": "The words of the caption are predicted from the picture, without their order.",
    "visual-n-grams": "The phrases of the caption are predicted from the picture (Visual N-Grams).",
    "pseudo-labels": "Each picture finds its text among all texts of the batch, and a slow average of the model "
    "says how much the other texts fit it as well (momentum distillation, as in ALBEF).",
}
_ADDITIONS = {
    "captioning": "captioning beside it, as in CoCa, with weight {}",
    "self_supervision": "self-supervision beside it, as in SLIP, with weight {}",
    "patch_dropout": "{:.0%} of the patches left out in training",
}
#: columns of the log -> what their last value is
_LOGGED = {
    "scale": "factor of the cosines at the end",
    "pairs_per_second": "pairs a second at the end",
    "bad_pairs": "pairs that were passed over",
    "skipped": "steps that were left out",
}
_QUESTIONS = {
    "licence": (
        "Under which licence may others use the weights, and does the licence of each source of pictures and texts "
        "allow that?",
        "Who holds the rights in the pictures and texts, and was their use for training permitted, or excepted by law?",
        "If the weights began as somebody else's, what does their licence ask for (name, notice, the same licence)?",
    ),
    "people": (
        "Are people to be recognised in the pictures? Did they agree? Are there children?",
        "Do texts hold names, addresses or other personal data?",
    ),
    "use": (
        "What is the model meant for, and who answers questions about it?",
        "On which pictures of your own was it tried, and what did it get wrong?",
    ),
}


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run left, as far as it is there: settings, the last line of the log, the result, how many parameters."""

    run: runs.Run
    folder: Path
    last: Mapping[str, str] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    parameters: int = 0
    curves: bool = False


def write(folder: Path) -> Path:
    """Write README.md for the run in `folder` and return its path. Raises TrainingError."""
    text = card(read(folder))
    try:
        replace(folder / CARD, lambda path: path.write_text(text, "utf-8"))
    except OSError as error:
        raise TrainingError(f"The model card cannot be written to {folder}: {error.strerror or error}.") from error
    return folder / CARD


def read(folder: Path) -> Finished:
    """Read a run's files. Raises TrainingError for a folder that holds no run, or a file of it that is damaged."""
    run = runs.read(folder / RUN)
    try:
        last, result = _last_row(folder / LOG), _result(folder / RESULT)
        parameters = _parameters(folder / MODEL / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise TrainingError(f"A file of the run in {folder} is damaged: {error}.") from error
    return Finished(run, folder, last, result, parameters, (folder / CURVES).is_file())


def card(finished: Finished) -> str:
    """Return the model card in Markdown. Raises TrainingError for what is no number where one should be."""
    parts = [_model, _use, _training, _numbers, _limits, _rights]
    try:
        return "\n\n".join("\n".join(part(finished)) for part in parts) + "\n"
    except ValueError as error:
        raise TrainingError(f"A number of the run in {finished.folder} is damaged: {error}.") from error


def _model(finished: Finished) -> list[str]:
    run, network = finished.run, _network(finished)
    pictures = f"{network['kind']}, {network['image_size']} pixels, width {network['width']}"
    text = f"{network['text']}, at most {run.text.context_length} of {run.text.vocabulary} tokens"
    size = f"{finished.parameters:,} parameters" if finished.parameters else "parameters not counted: no final weights"
    return [
        f"# {run.name}",
        "",
        _what(run),
        "",
        "| | |",
        "|---|---|",
        f"| architecture | {network['name']} ({size}) |",
        f"| image tower | {pictures} |",
        f"| text tower | {text}, {_tokens_of(run)} |",
        f"| joint space | {network['embed_dim']} dimensions |",
        "| method | [CLIP](https://arxiv.org/abs/2103.00020), trained by clipsearch |",
        f"| all settings | [run.toml](run.toml){_earlier(finished.folder)} |",
    ]


def _earlier(folder: Path) -> str:
    """Name the settings that a run had before they were changed on the way."""
    return "".join(f", before: [{file.name}]({file.name})" for file in sorted(folder.glob(f"{EARLIER}*.toml")))


def _tokens_of(run: runs.Run) -> str:
    if run.start.path and run.start.towers == "both":
        return f"of `{run.start.path}`"
    return "learned from the texts" if run.text.tokenizer == "learned" else "of CLIP"


def _what(run: runs.Run) -> str:
    if does := WITHOUT_SPACE.get(run.objective.kind):
        return f"A model of pictures that {does}. It has no space that pictures and texts share: it cannot search."
    return (
        "A model that maps pictures and texts into one space, in which a picture lies near the texts that describe it. "
        "It finds pictures by words, and sorts them into classes that are named only when it is used (zero-shot)."
    )


def _use(finished: Finished) -> list[str]:
    if finished.run.objective.kind in WITHOUT_SPACE:
        how = ["It was trained for comparison; its image tower can be read by `clipsearch.model.load`."]
    else:
        how = [
            "```sh",
            "python -m training export . --out package   # in this folder",
            "clipsearch models import package",
            "```",
        ]
    return [
        "## Use",
        "",
        *how,
        "",
        "Meant for finding and sorting one's own pictures, and for research into how such models learn. Not meant for "
        "deciding anything about people, for recognising or watching them, or for anything where a wrong answer does "
        "harm: it was not tested for that, and CLIP's paper (sections 7.2 and 7.3) advises against it.",
        "",
        *_to_answer("use"),
    ]


def _training(finished: Finished) -> list[str]:
    run, loop, rate = finished.run, finished.run.loop, finished.run.optimiser
    path = f"`{run.data.path}`" if run.data.path else "not named"
    steps = int(finished.result.get("steps", finished.last.get("step", loop.steps)))
    return [
        "## Training",
        "",
        f"**Data.** {_DATA[run.data.kind].format(path=path)} Pictures were varied by: {run.data.augment}.",
        "",
        *_start(run),
        f"**Objective.** {_OBJECTIVES[run.objective.kind]}{_additions(run)}",
        "",
        f"**Schedule.** {steps:,} of {loop.steps:,} steps of {loop.batch_size:,} pairs: {steps * loop.batch_size:,} "
        f"pairs seen. AdamW, learning rate {rate.learning_rate:g} after {rate.warmup_steps:,} steps of warm-up, "
        f"weight decay {rate.weight_decay:g}; precision {loop.precision}; seed {run.seed}.",
    ]


def _start(run: runs.Run) -> list[str]:
    if not run.start.path:
        return []
    what = {"both": "both towers and the tokenizer", "image": "the image tower; the text tower began at random"}
    return [f"**Start.** It began with the weights of `{run.start.path}`: {what[run.start.towers]}.", ""]


def _additions(run: runs.Run) -> str:
    values = {name: getattr(run.objective, name) for name in _ADDITIONS}
    told = [text.format(values[name]) for name, text in _ADDITIONS.items() if values[name]]
    if run.objective.locked_image_tower:
        told.append("the image tower locked, as in LiT")
    return f" With {', '.join(told)}." if told else ""


def _numbers(finished: Finished) -> list[str]:
    result, rows = finished.result, []
    if "zero_shot_accuracy" in result:
        where = f"`{finished.run.evaluation.classes}`" if finished.run.evaluation.classes else "held-out scenes"
        rows.append(f"| zero-shot accuracy, {where} | {float(result['zero_shot_accuracy']):.2%} |")
    if "chance" in result:
        rows.append(f"| the same by chance | {float(result['chance']):.2%} |")
    if "seconds" in result:
        rows.append(f"| duration | {float(result['seconds']):,.0f} s |")
    parts = {name: f"of it {name.removeprefix('loss_').replace('_', ' ')}" for name in finished.last if "loss_" in name}
    told = {"loss": "loss at the end", **parts, **_LOGGED}
    rows += [f"| {what} | {_number(finished.last[name])} |" for name, what in told.items() if finished.last.get(name)]
    table = ["| measured in this run | |", "|---|---|", *rows] if rows else ["Nothing was measured."]
    picture = ["", "![Curves of the loss and the accuracy over the steps](curves.png)"] if finished.curves else []
    return [
        "## Numbers",
        "",
        *table,
        *picture,
        "",
        "Accuracy is the share of pictures whose own class scores highest; it depends on which classes there are and "
        "how they are worded. Nothing was measured for groups of people, other languages, or other kinds of pictures.",
    ]


def _limits(finished: Finished) -> list[str]:
    return [
        "## Limits and biases",
        "",
        "- It knows what its pairs showed. Other kinds of pictures, rare things, counting, fine distinctions and other "
        "languages than that of its texts are likely to go wrong (CLIP's paper, section 6).",
        "- It always names one of the classes that it is given, also where none fits. Which classes there are, and "
        "their wording, decides what is found: in the paper's tests the demeaning answers for the youngest children "
        "fell from about 30 in a hundred to about 2 once there was a class “child” (section 7.1).",
        "- Its texts carry their authors' habits of seeing, and what goes together in them goes together in the model: "
        "of genders and professions, origins and crimes, ages and appearances. In CLIP's own tests people were put "
        "into demeaning classes at rates that differed by group. This model was not tested for that.",
        "- Text inside a picture may count more than what it shows.",
        "- It makes searching large collections for people or events cheap (section 7.2): consider who may do so.",
        *_limits_of_scenes(finished),
    ]


def _limits_of_scenes(finished: Finished) -> list[str]:
    if finished.run.data.kind != "scenes":
        return []
    return ["- It has seen rendered scenes only: on photographs its scores mean next to nothing."]


def _rights(finished: Finished) -> list[str]:
    return [
        "## Licence, rights, people",
        "",
        "To be answered before the model is given to others:",
        "",
        *_to_answer("licence"),
        *_to_answer("people"),
    ]


def _to_answer(part: str) -> list[str]:
    return [f"- [ ] {question}" for question in _QUESTIONS[part]]


def _network(finished: Finished) -> dict[str, Any]:
    try:
        network = finished.run.network
    except ClipsearchError as error:
        raise TrainingError(error.message) from error
    return {
        "name": network.name,
        "embed_dim": network.embed_dim,
        "kind": {"vit": "Vision Transformer", "resnet": "ResNet with attention pool"}[network.vision.kind],
        "image_size": network.vision.image_size,
        "width": network.vision.width,
        "text": {"transformer": "Transformer", "bag-of-words": "bag of words"}[network.text.kind],
    }


def _last_row(path: Path) -> dict[str, str]:
    """Return the last whole line of the log, {} if there is none."""
    if not path.is_file():
        return {}
    lines = path.read_text("utf-8").splitlines(keepends=True)
    rows = list(csv.DictReader(line for line in lines if line.endswith("\n")))
    return {str(name): str(value) for name, value in rows[-1].items()} if rows else {}


def _result(path: Path) -> dict[str, Any]:
    """Return what the run ended with, without what was not measured."""
    values = dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}
    return {name: value for name, value in values.items() if value is not None}


def _parameters(path: Path) -> int:
    """Count the numbers that were learned: what BatchNorm counted and measured are none."""
    from math import prod

    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return 0
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if not name.endswith(("running_mean", "running_var", "tracked"))]  # noqa: SIM118
            return sum(prod(file.get_slice(name).get_shape()) for name in names)
    except SafetensorError as error:
        raise ValueError(f"{path.name} ({error})") from error


def _number(text: str) -> str:
    """Write a number of the log as people do; raises ValueError for anything else."""
    value = float(text)
    return f"{value:,.0f}" if value.is_integer() else f"{value:.4g}"
