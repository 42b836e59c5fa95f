"""The methods of tuning, from harmless to strong: what of a model may change, and how fast.

head          a linear classifier on frozen features, which starts as the zero-shot one (see `head.py`)
lora          low-rank changes of the attention and MLP matrices of both towers
locked-image  the text tower, under a locked image tower (LiT)
locked-text   the image tower, above a locked text tower
full          both towers, each layer at its own rate
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from clipsearch.model import CLIP
from training.errors import TrainingError
from training.finetuning.head import HeadTuning
from training.finetuning.lora import attach
from training.finetuning.rates import IMAGE, TEXT, Group, layer_wise
from training.finetuning.settings import RATES, Settings
from training.finetuning.towers import Towers, Words
from training.finetuning.tunable import Tuning


def begin(method: str, original: Towers, own: Words, ordinary: Words, settings: Settings) -> Tuning:
    """Prepare a model for a method, which leaves the original as it is.

    `own` are the data's classes or captions, `ordinary` texts of all kinds.

    Raises TrainingError for a method that is not known.
    """
    if method == "head":
        return HeadTuning(original, own, ordinary, settings.rate("head"))
    methods: dict[str, Callable[[CLIP, Settings], Tuning]] = {
        "lora": _lora,
        "locked-image": _locked_image,
        "locked-text": _locked_text,
        "full": _full,
    }
    if method not in methods:
        raise TrainingError(f"There is no method {method}; there are {', '.join(RATES)}.")
    tuning = methods[method](deepcopy(original.clip).eval(), settings)
    tuning.towers.share(original)
    return tuning


def _lora(clip: CLIP, settings: Settings) -> Tuning:
    learned = attach(clip, settings.rank, settings.lora_on_mlp, settings.seed)
    groups = [{"params": learned, "lr": settings.rate("lora"), "weight_decay": settings.weight_decay}]
    is_bag = clip.config.text.kind == "bag-of-words"  # which has no matrix of that kind
    return Tuning(Towers(clip, image_fixed=not learned, text_fixed=is_bag or not learned), groups if learned else [])


def _locked_image(clip: CLIP, settings: Settings) -> Tuning:
    return Tuning(Towers(clip, text_fixed=False), _groups(clip, (TEXT,), "locked-image", settings))


def _locked_text(clip: CLIP, settings: Settings) -> Tuning:
    return Tuning(Towers(clip, image_fixed=False), _groups(clip, (IMAGE,), "locked-text", settings))


def _full(clip: CLIP, settings: Settings) -> Tuning:
    groups = _groups(clip, (IMAGE, TEXT), "full", settings)
    return Tuning(Towers(clip, image_fixed=False, text_fixed=False), groups)


def _groups(clip: CLIP, towers: tuple[str, ...], method: str, settings: Settings) -> list[Group]:
    return layer_wise(clip, towers, settings.rate(method), settings.layer_decay, settings.weight_decay)
