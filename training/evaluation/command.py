"""python -m training evaluate: zero-shot accuracy of a saved model, as one line of JSON."""

from __future__ import annotations

import json
from pathlib import Path

from clipsearch.model import load
from training.data.texts import Texts
from training.evaluation.scoring import score
from training.objectives.contrastive import Contrastive
from training.objectives.objective import Learner
from training.run import Evaluation


def evaluate(model: Path, evaluation: Evaluation) -> None:
    """Print the score of a model folder, which holds a tokenizer, too; it is asked by the cosines of its features.

    Raises ClipsearchError for a model, tokenizer, folder or templates that cannot be used.
    """
    learner = Learner(load(model), Contrastive())
    result = score(learner, Texts.load(model), evaluation)
    print(json.dumps({"model": str(model), **result.to_json()}))
