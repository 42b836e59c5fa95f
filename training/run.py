"""A run: everything that decides what comes out of training, in one TOML file that is saved with the result."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import tomli_w

from clipsearch.errors import ClipsearchError
from clipsearch.model import CLIPConfig, config
from clipsearch.model.configs import CONFIGS
from training.errors import TrainingError


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; what is left out has its default, and what is not known is refused."""


class Data(Table, frozen=True):
    """Where the pairs come from, and how their pictures are varied.

    `path`: a CSV, TSV or JSONL file, a folder, shards ("train-{0000..0099}.tar", local or remote), a library; empty for
    scenes. `augment`: "crop" with `least_scale` 1 is the paper's only one, a random square of the resized picture;
    less lets the square be smaller, down to this share of the largest one's area. `resampled` draws shards with
    replacement, each time from all of them, instead of splitting them among processes and reading each once a round.
    """

    kind: Literal["scenes", "table", "folder", "shards", "library"]
    path: str = ""
    picture_column: str = "filepath"
    text_column: str = "title"
    augment: Literal["none", "crop", "crop-and-flip"] = "crop"
    least_scale: float = 1.0
    resampled: bool = False
    workers: int = 2


class Text(Table, frozen=True):
    """How texts become tokens: CLIP's tokenizer, or one learned from the run's own texts, at most so many tokens."""

    tokenizer: Literal["clip", "learned"] = "clip"
    vocabulary: int = 49408
    context_length: int = 77


class Start(Table, frozen=True):
    """What the first weights are: random ones, or those of `path`, whose architecture must be the run's.

    `path`: a run, one of its checkpoints, a package or any other checkpoint of CLIP. Of `towers` "both", the tokenizer
    comes with them, whatever the table `text` says of it; with "image" the text tower is new. What belongs to an
    objective (a decoder) is always new.
    """

    path: str = ""
    towers: Literal["both", "image"] = "both"


class Objective(Table, frozen=True):
    """What is learned. The further parts are added to the first with these weights; 0 leaves them out.

    A bag-of-words text tower (the model's text.kind) makes "contrastive" the paper's bag-of-words contrastive method.
    """

    kind: Literal[
        "contrastive", "sigmoid", "language-model", "bag-of-words-prediction", "visual-n-grams", "pseudo-labels"
    ] = "contrastive"
    captioning: float = 0.0  # CoCa's second objective
    self_supervision: float = 0.0  # SLIP's
    locked_image_tower: bool = False  # LiT; what is locked comes from `start`
    patch_dropout: float = 0.0  # share of the patches left out in training
    ngrams: int = 65536  # the most frequent ones, which Visual N-Grams learn

    @property
    def compares(self) -> bool:
        """Whether pictures and texts get features that are compared; else texts are only predicted from pictures."""
        return self.kind in {"contrastive", "sigmoid", "pseudo-labels"}

    @property
    def chooses(self) -> bool:
        """Whether a picture's text is told from the other texts of its batch; a single one teaches nothing then."""
        return self.compares and self.kind != "sigmoid"


class Optimiser(Table, frozen=True):
    """AdamW; the betas and eps are the tower's own unless they are given (paper, table 18)."""

    learning_rate: float
    weight_decay: float = 0.2
    beta1: float = 0.9
    beta2: float | None = None
    eps: float | None = None
    warmup_steps: int = 2000
    clip_norm: float | None = None
    half_statistics: bool = False
    half_text_tower: bool = False  # weights in half precision, rounded stochastically


class Loop(Table, frozen=True):
    """How long, how much at once, how exactly and how often."""

    steps: int
    batch_size: int  # pairs a step, of all processes together
    micro_batch_size: int = 0  # pairs that are computed at once, 0: all of a process's
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    gradient_checkpointing: bool = False
    compile: bool = False
    parallel: Literal["ddp", "fsdp"] = "ddp"
    ema: float = 0.0  # decay of the average of the weights, 0: none
    log_every: int = 10
    checkpoint_every: int = 500
    checkpoints_kept: int = 2


class Evaluation(Table, frozen=True):
    """Zero-shot accuracy while training; `classes`: a folder of folders named after them, empty for the scenes' own."""

    every: int = 0  # steps, 0: at the end only
    classes: str = ""
    pictures: int = 2000
    templates: str = "default"


class Run(Table, frozen=True):
    """One run. `model` is the name of an architecture, or a table as `CLIPConfig.to_json` writes it."""

    name: str
    model: str | dict[str, Any]
    data: Data
    optimiser: Optimiser
    loop: Loop
    text: Text = Text()
    start: Start = Start()
    objective: Objective = Objective()
    evaluation: Evaluation = Evaluation()
    seed: int = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"

    @property
    def network(self) -> CLIPConfig:
        """The architecture. Raises ClipsearchError for an unknown name or a table that is not understood."""
        return config(self.model) if isinstance(self.model, str) else CLIPConfig.from_json(self.model)


def read(path: Path) -> Run:
    """Read and check a run. Raises TrainingError, which names the table and the value that is wrong."""
    try:
        run = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Run)
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} cannot be read ({error}).") from error
    except tomllib.TOMLDecodeError as error:
        raise TrainingError(f"{path} is not TOML: {error}.") from error
    except msgspec.ValidationError as error:
        raise TrainingError(f"{path} is not understood: {error}.") from error
    check(run)
    return run


def write(run: Run, path: Path) -> None:
    """Write a run so that `read` gives it back, with all that was left out. Raises OSError."""
    path.write_text(tomli_w.dumps(_without_none(msgspec.to_builtins(run))), "utf-8")


def check(run: Run) -> None:
    """Raise TrainingError for what fits its type but not the rest."""
    network = _network(run)
    _refuse(_limits(run))
    _refuse(_shapes(network))
    check_objective(run.objective, network)
    if run.text.context_length != network.text.context_length or run.text.vocabulary != network.text.vocab_size:
        told = f"{network.text.context_length} positions and {network.text.vocab_size} tokens"
        raise TrainingError(f"The table text does not fit the model, whose text tower has {told}.")


def warnings(run: Run) -> list[str]:
    """Tell in sentences what may be meant, but seldom is."""
    steps, warmup = run.loop.steps, run.optimiser.warmup_steps
    told = {
        f"The warm-up takes {warmup} of {steps} steps; a quarter or less is usual (optimiser.warmup_steps).": (
            4 * warmup > steps
        ),
        f"Each picture is compared with {run.loop.batch_size} texts only, which teaches little; a loop.batch_size of "
        "32 or more is usual.": run.objective.chooses and run.loop.batch_size < 32,
    }
    return [text for text, is_so in told.items() if is_so]


def _refuse(faults: Mapping[str, bool]) -> None:
    if fault := next((fault for fault, is_there in faults.items() if is_there), ""):
        raise TrainingError(fault)


def _limits(run: Run) -> dict[str, bool]:
    """Return what is out of its limits, as sentences; a comparison with a number that is none is false."""
    loop, optimiser, evaluation = run.loop, run.optimiser, run.evaluation
    beta2, eps, clip_norm = optimiser.beta2, optimiser.eps, optimiser.clip_norm
    return {
        "optimiser.learning_rate must be a number above 0.": not 0 < optimiser.learning_rate < math.inf,
        "optimiser.weight_decay must not be negative.": not 0 <= optimiser.weight_decay < math.inf,
        "optimiser.beta1 must be 0 or more and less than 1.": not 0 <= optimiser.beta1 < 1,
        "optimiser.beta2 must be between 0 and 1.": beta2 is not None and not 0 < beta2 < 1,
        "optimiser.eps must not be negative.": eps is not None and not 0 <= eps < math.inf,
        "optimiser.warmup_steps must not be negative.": optimiser.warmup_steps < 0,
        "optimiser.clip_norm must be above 0; leave it out for none.": clip_norm is not None and not clip_norm > 0,
        "loop.steps must be 1 or more.": loop.steps < 1,
        "loop.batch_size must be 1 or more.": loop.batch_size < 1,
        "loop.batch_size must be 2 or more for an objective that tells a pair from the others of its batch.": (
            (run.objective.chooses or run.objective.self_supervision > 0) and loop.batch_size < 2
        ),
        "loop.micro_batch_size must be 0 (all at once) or more, and at most loop.batch_size.": (
            not 0 <= loop.micro_batch_size <= loop.batch_size
        ),
        "loop.ema must be 0 (no average) or more and less than 1.": not 0 <= loop.ema < 1,
        "loop.log_every must be 1 or more.": loop.log_every < 1,
        "loop.checkpoint_every must be 1 or more.": loop.checkpoint_every < 1,
        "loop.checkpoints_kept must be 1 or more.": loop.checkpoints_kept < 1,
        "text.context_length must be 3 or more: a beginning, a word and an end.": run.text.context_length < 3,
        "text.vocabulary must be 3 or more: a beginning, a word and an end.": run.text.vocabulary < 3,
        "data.workers must not be negative.": run.data.workers < 0,
        'data.resampled is for shards; leave it out, or let data.kind be "shards".': (
            run.data.resampled and run.data.kind != "shards"
        ),
        "evaluation.every must be 0 (at the end only) or more.": evaluation.every < 0,
        "evaluation.pictures must be 1 or more.": evaluation.pictures < 1,
    }


def check_beginning(run: Run) -> None:
    """Raise TrainingError where the first weights do not fit what is learned; a finished run may have any."""
    faults = {
        "objective.locked_image_tower would lock a tower of random weights; name trained ones by start.path.": (
            run.objective.locked_image_tower and not run.start.path
        ),
        'An objective that only predicts texts uses no text tower; let start.towers be "image".': (
            bool(run.start.path) and run.start.towers == "both" and not run.objective.compares
        ),
    }
    _refuse(faults)


def _shapes(network: CLIPConfig) -> dict[str, bool]:
    """Return what the towers cannot be made of, as sentences."""
    vision, text = network.vision, network.text
    is_vit, patch = vision.kind == "vit", vision.patch_size or 0
    heads, layers = (text.heads, text.layers) if text.kind == "transformer" else (1, 1)
    stages = vision.layers if isinstance(vision.layers, tuple) else (vision.layers,)
    return {
        "model.embed_dim must be 1 or more.": network.embed_dim < 1,
        "vision.layers and text.layers must be 1 or more.": min(*stages, layers) < 1,
        "vision.layers must be one number for patches; only a ResNet has several stages.": is_vit and len(stages) > 1,
        "vision.mlp_ratio and text.mlp_ratio must be above 0.": not min(vision.mlp_ratio, text.mlp_ratio) > 0,
        "A ResNet needs a vision.width of 2 or more and a vision.image_size of 32 or more.": (
            not is_vit and (vision.width < 2 or vision.image_size < 32)
        ),
        "vision.width, vision.heads and vision.image_size must be 1 or more.": (
            min(vision.width, vision.heads, vision.image_size) < 1
        ),
        "text.width and text.heads must be 1 or more.": min(text.width, heads) < 1,
        "vision.patch_size must be given for patches, and be 1 or more.": is_vit and patch < 1,
        "The width of the image tower must be divisible by vision.heads.": vision.patch_width % max(1, vision.heads)
        > 0,
        "text.width must be divisible by text.heads.": text.width % max(1, heads) > 0,
        "vision.image_size must be divisible by vision.patch_size.": (
            is_vit and patch > 0 and vision.image_size % patch > 0 and network != CONFIGS.get(network.name)
        ),
    }


def check_objective(objective: Objective, network: CLIPConfig) -> None:
    """Raise TrainingError for what cannot be learned together, or not by this network."""
    text, is_locked = network.text, objective.locked_image_tower
    faults = {
        "patch_dropout is a share of the patches, from 0 to less than 1.": not 0 <= objective.patch_dropout < 1,
        "The weights captioning and self_supervision must not be negative.": not (
            objective.captioning >= 0 and objective.self_supervision >= 0
        ),
        "patch_dropout needs an image tower of patches (vision.kind = vit).": (
            objective.patch_dropout > 0 and network.vision.kind != "vit"
        ),
        "A locked image tower learns nothing, so patch_dropout and self_supervision must be 0.": (
            is_locked and (objective.patch_dropout > 0 or objective.self_supervision > 0)
        ),
        "Captioning is added to an objective that compares pictures and texts: contrastive, sigmoid, pseudo-labels.": (
            objective.captioning > 0 and not objective.compares
        ),
        "Captioning needs a text tower that is a causal Transformer.": (
            objective.captioning > 0 and (text.kind != "transformer" or not text.causal)
        ),
        "The sigmoid objective, and only it, needs a model with a bias (logit_bias_init = -10.0).": (
            (objective.kind == "sigmoid") != (network.logit_bias_init is not None)
        ),
        "ngrams must be above 0.": objective.ngrams < 1,
    }
    _refuse(faults)


def _network(run: Run) -> CLIPConfig:
    try:
        return run.network
    except ClipsearchError as error:
        raise TrainingError(error.message) from error


def _without_none(values: Any) -> Any:
    """Leave out what is None, which TOML cannot say, and which is the default everywhere."""
    if isinstance(values, dict):
        return {key: _without_none(value) for key, value in values.items() if value is not None}
    return [_without_none(value) for value in values] if isinstance(values, list | tuple) else values
