from __future__ import annotations

import pytest
import torch
from torch import Tensor

from clipsearch.model import CLIP, CLIPConfig
from tests.encode.tiny_packages import SIGLIP, random_model
from tests.training.finetuning.scripted import task, words
from tests.training.tiny_runs import BAG, VIT
from training.finetuning import towers
from training.finetuning.towers import TEXTS_WITH_GRADIENTS, Towers, Words


def gradients(clip: CLIP, texts: Words, rows: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the vectors of texts, and what some mean loss of them wants of each weight."""
    clip.zero_grad()
    vectors = Towers(clip, text_fixed=False).texts(texts, rows)
    weights = torch.linspace(-1, 1, vectors.numel()).view_as(vectors)
    (vectors * weights).sum(1).mean().backward()  # type: ignore[no-untyped-call]
    found = {name: weight.grad for name, weight in clip.named_parameters() if weight.grad is not None}
    return vectors.detach(), found


@pytest.mark.parametrize("rows", [None, torch.arange(50, 0, -1)], ids=["all", "some"])
@pytest.mark.parametrize("config", [VIT, BAG, SIGLIP], ids=["vit", "bag", "siglip"])
def test_many_texts_have_the_gradients_of_all_at_once(
    config: CLIPConfig, rows: Tensor | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = words(70)
    vectors, found = gradients(random_model(config), texts, rows)
    monkeypatch.setattr(towers, "TEXTS_WITH_GRADIENTS", 10_000)
    expected_vectors, expected = gradients(random_model(config), texts, rows)
    assert found.keys() == expected.keys() != set()
    assert torch.allclose(vectors, expected_vectors, atol=1e-6)
    for name, gradient in expected.items():
        assert torch.allclose(found[name], gradient, rtol=0, atol=1e-6), name
        assert (found[name] - gradient).norm() <= 2e-5 * gradient.norm(), name  # which may itself be small


@pytest.mark.parametrize("templates", [1, 7, 50])
def test_activations_of_few_texts_are_held_at_a_time(templates: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clip, held, sizes = random_model(VIT), [0], []
    read = Towers._read

    def watched(self: Towers, texts: Words, rows: Tensor) -> Tensor:
        sizes.append(len(rows) * templates)
        return read(self, texts, rows)

    def keep(tensor: Tensor) -> Tensor:
        held[0] += tensor.numel()
        return tensor

    monkeypatch.setattr(Towers, "_read", watched)
    kept = []
    for count in (40, 80):
        held[0] = 0
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            vectors = Towers(clip, text_fixed=False).texts(words(count, templates))
        kept.append(held[0])
        assert vectors.requires_grad
        assert held[0] < 100 * vectors.numel()
    assert max(sizes) <= max(templates, TEXTS_WITH_GRADIENTS)


def test_features_of_towers_that_are_the_same_are_shared() -> None:
    own, original = task(), Towers(random_model(VIT).requires_grad_(False))
    clip = random_model(VIT).requires_grad_(False)
    with torch.no_grad():
        clip.text.text_projection.mul_(2)  # type: ignore[operator,union-attr]
    other = Towers(clip)
    other.share(original)
    assert other.images(own.test) is original.images(own.test)
    assert other.texts(own.words) is not original.texts(own.words)
    tuned = Towers(random_model(VIT), image_fixed=False)
    tuned.share(original)
    assert tuned.images(own.test) is not original.images(own.test)
    assert tuned.texts(own.words) is original.texts(own.words)
