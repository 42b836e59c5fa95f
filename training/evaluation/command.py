"""python -m training evaluate: zero-shot accuracy of a model, as one line of JSON."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from clipsearch.encode.convert import TextForm
from clipsearch.encode.tokenizer import pad
from training.evaluation.scoring import score
from training.objectives.contrastive import Contrastive
from training.objectives.objective import Learner
from training.run import Evaluation
from training.trained import find, form_of, weights_of


class FormTokens:
    """Makes tokens as a model's folder says: int64 [n, context]."""

    def __init__(self, form: TextForm) -> None:
        self._form, self._tokenizer = form, form.open()

    def texts(self, texts: list[str]) -> Tensor:
        """Return tokens int64 [n, context], padded; long texts are cut."""
        ids, mask = self._tokenizer(texts)
        return torch.from_numpy(pad(ids, mask, self._form.context_length, self._form.pad_id)[0])


def evaluate(model: Path, evaluation: Evaluation) -> None:
    """Print the score of a model: a run's `model/`, the run itself, one of its checkpoints, or any that can be read.

    Classes are compared by the cosines of features, whatever the model was trained by. Raises ClipsearchError for a
    model, tokenizer, folder or templates that cannot be used.
    """
    trained = find(model)
    clip = weights_of(trained)
    tokens = FormTokens(form_of(trained, clip.config))
    result = score(Learner(clip, Contrastive()), tokens, evaluation)
    print(json.dumps({"model": str(model), **result.to_json()}))
