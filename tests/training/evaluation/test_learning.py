"""The scenes can be learned from, but not without the order of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from clipsearch.model import CLIP, CLIPConfig
from clipsearch.model.configs import TextConfig, VisionConfig
from training.data.pairs import Batch
from training.evaluation.exams import Question
from training.evaluation.pixels import read
from training.evaluation.scoring import score
from training.evaluation.zero_shot import grade
from training.objectives.contrastive import Contrastive
from training.objectives.objective import Learner
from training.run import Evaluation
from training.scenes import held_out, scene, texts

CONFIG = CLIPConfig(
    "learns scenes",
    embed_dim=128,
    vision=VisionConfig("resnet", 64, width=8, layers=(1, 1, 1, 1), heads=4, class_token=False, pre_norm=False),
    text=TextConfig(context_length=24, vocab_size=128, width=64, heads=2, layers=2),
)


class WholeWords:
    """Tokens of the words in captions, in the order in which these bring them."""

    def __init__(self) -> None:
        words = (word for text in texts(0, 5000) for word in _split(text))
        self._ids = {word: 1 + place for place, word in enumerate(dict.fromkeys(words))}

    def __call__(self, texts: Sequence[str]) -> Tensor:
        rows = [[*(self._ids[word] for word in _split(text)), 127] for text in texts]
        return torch.tensor([row + [0] * (24 - len(row)) for row in rows])


def _split(text: str) -> list[str]:
    return text.replace(",", " ,").replace(":", " :").split()


def batch(step: int, size: int, words: WholeWords) -> Batch:
    pairs = [scene(0, step * size + place) for place in range(size)]
    asked = [Question(pair.picture, ("",), 0, "") for pair in pairs]  # type: ignore[arg-type]
    pixels, _ = read(asked, CONFIG)
    return Batch(pixels, words([pair.text for pair in pairs]))


def test_a_bag_of_words_is_at_chance_where_order_matters() -> None:
    torch.manual_seed(0)
    bag = CLIP(replace(CONFIG, text=replace(CONFIG.text, kind="bag-of-words")))
    result = grade(Learner(bag, Contrastive()), WholeWords(), held_out(100, 0, "order"))
    assert 0.35 < result.top1 < 0.65


@pytest.mark.slow
def test_a_small_model_learns_held_out_combinations() -> None:
    torch.manual_seed(0)
    words, learner = WholeWords(), Learner(CLIP(CONFIG), Contrastive())
    optimiser = torch.optim.AdamW(learner.parameters(), lr=1e-3, betas=(0.9, 0.98), eps=1e-6)
    for step in range(500):
        features = learner(batch(step, 64, words))
        loss = learner.objective.losses(features, features, 0)["contrastive"]
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimiser.step()
        learner.after_step()
    result = score(learner, words, Evaluation(pictures=1400))
    assert 20 * result.chance < result.accuracy < 1.0
