from __future__ import annotations

import pytest
import torch
from torch import Tensor

from clipsearch.model import CLIPConfig
from tests.encode.tiny_packages import SIGLIP, random_model
from tests.training.finetuning.scripted import task, words
from tests.training.tiny_runs import BAG, RESNET, VIT
from training.finetuning.head import HeadTuning, coordinates
from training.finetuning.interpolation import between
from training.finetuning.settings import Settings
from training.finetuning.tasks import Classes
from training.finetuning.towers import Towers, Words
from training.finetuning.tunable import still
from training.finetuning.tuning import tune

every = pytest.mark.parametrize("config", [VIT, RESNET, BAG, SIGLIP], ids=["vit", "resnet", "bag", "siglip"])


def learned(config: CLIPConfig, own: Classes) -> tuple[HeadTuning, Towers]:
    """Make a head that has learned something."""
    original = Towers(random_model(config).requires_grad_(False))
    tuning = HeadTuning(original, own.words, words(20, 1), 1e-1)
    with torch.no_grad():
        (changes,) = tuning.learned
        changes.copy_(0.1 * torch.randn(changes.shape, generator=torch.Generator().manual_seed(2)))
    return tuning, original


def one_template() -> Classes:
    own = task()
    return Classes(Words(own.words.names, own.words.tokens[:, :1]), own.train, own.validation, own.test)


@every
def test_the_model_reads_the_classes_as_the_head_learned_them(config: CLIPConfig) -> None:
    own = one_template()
    tuning, original = learned(config, own)
    wanted = original.texts(own.words) + tuning.learned[0]  # the weights of the head
    wanted = torch.nn.functional.normalize(wanted, dim=-1)
    assert not torch.allclose(wanted, original.texts(own.words), atol=1e-2)
    assert torch.allclose(tuning.texts(own.words), wanted, atol=1e-3)
    assert torch.allclose(Towers(tuning.tuned()).texts(own.words), wanted, atol=1e-3)


@every
def test_other_texts_are_read_by_the_model_as_while_it_was_tuned(config: CLIPConfig) -> None:
    tuning, _ = learned(config, one_template())
    others = words(6, 1)
    assert torch.allclose(Towers(tuning.tuned()).texts(others), tuning.texts(others), atol=1e-3)


def test_ordinary_texts_move_less_than_by_the_smallest_map() -> None:
    original = Towers(random_model(VIT).requires_grad_(False))
    vectors, ordinary = original.texts(words(5, 1)), original.texts(words(200, 1))[10:]
    found, smallest = coordinates(vectors, ordinary), torch.linalg.pinv(vectors)
    for one in (found, smallest):
        assert torch.allclose(vectors @ one, torch.eye(5), atol=1e-3)
    assert (ordinary @ found).square().mean() < 0.7 * (ordinary @ smallest).square().mean()


def test_two_classes_with_the_same_vector_share_what_they_learn() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(2, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    found = coordinates(vectors[[0, 1, 1]], vectors)
    wanted = torch.tensor([[1, 0, 0], [0, 0.5, 0.5], [0, 0.5, 0.5]])
    assert torch.allclose(vectors[[0, 1, 1]] @ found, wanted, atol=1e-4)


def test_pictures_keep_their_vectors_and_only_the_projection_of_texts_changes() -> None:
    own = task()
    tuning, original = learned(VIT, own)
    before, after = original.clip.state_dict(), tuning.tuned().state_dict()
    assert [name for name, value in after.items() if not torch.equal(value, before[name])] == ["text_projection"]


def test_a_head_without_examples_is_zero_shot() -> None:
    own, original = task(), Towers(random_model(VIT).requires_grad_(False))
    tuning = HeadTuning(original, own.words, words(20, 1), 1.0)
    assert torch.allclose(tuning.texts(own.words), original.texts(own.words), atol=1e-6)
    before, after = original.clip.state_dict(), tuning.tuned().state_dict()
    assert all(torch.equal(value, before[name]) for name, value in after.items())


def test_between_is_a_head_between() -> None:
    own = one_template()
    tuning, original = learned(VIT, own)

    def read(alpha: float) -> Tensor:
        return still(between(original.clip, tuning.tuned(), alpha), original).texts(own.words)

    halfway = original.texts(own.words) + 0.5 * tuning.learned[0]
    assert torch.allclose(read(0.5), torch.nn.functional.normalize(halfway, dim=-1), atol=1e-3)


def test_more_classes_than_dimensions_are_learned_as_well_as_they_can_be() -> None:
    own = one_template()
    many = Classes(words(VIT.embed_dim + 20, 1), own.train, own.validation, own.test)
    original = Towers(random_model(VIT).requires_grad_(False))
    tuning = HeadTuning(original, many.words, words(20, 1), 1e-2)
    before = many.score(tuning, many.train)
    tune(tuning, many, Settings(epochs=5))
    assert many.score(still(tuning.tuned(), original), many.train).minus_loss > before.minus_loss
