"""python -m training evaluate: zero-shot accuracy of a model, as one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from clipsearch.encode.convert import TextForm
from clipsearch.encode.tokenizer import pad
from training.evaluation.scoring import score
from training.evaluation.zero_shot import Tokens
from training.learned import open_learner
from training.objectives.contrastive import Contrastive
from training.objectives.objective import Learner
from training.run import Evaluation
from training.trained import find, form_of, weights_of


def tokens_of(form: TextForm) -> Tokens:
    """Return what makes tokens int64 [n, context] of texts, padded or cut. Raises PackageError."""
    tokenizer = form.open()

    def tokens(texts: Sequence[str]) -> Tensor:
        ids, mask = tokenizer(texts)
        return torch.from_numpy(pad(ids, mask, form.context_length, form.pad_id)[0])

    return tokens


def evaluate(model: Path, evaluation: Evaluation) -> None:
    """Print the score of a model: a run's `model/`, the run itself, one of its checkpoints, or any that can be read.

    Classes are compared by the cosines of features; where a run only predicts texts, by what its checkpoint says of
    them. Raises ClipsearchError for a model, tokenizer, folder or templates that cannot be used.
    """
    learner, tokens = _opened(model)
    result = score(learner, tokens, evaluation)
    print(json.dumps({"model": str(model), **result.to_json()}))


def _opened(model: Path) -> tuple[Learner, Tokens]:
    trained = find(model)
    if trained.run and not trained.run.objective.compares:
        return open_learner(model)
    clip = weights_of(trained)
    return Learner(clip, Contrastive()), tokens_of(form_of(trained, clip.config))
