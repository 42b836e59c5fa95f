from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from clipsearch.encode.preprocess import normalise
from clipsearch.model import CLIPConfig, config
from tests.training.data.runs_of import NETWORK
from tests.training.loop.tiny import VIT, batch_of, learner_of
from training.data.pairs import Batch
from training.data.variations import preprocessing


def levels(size: int) -> Tensor:
    """Return a picture, uint8 [1, 3, size, size], that has each level in each channel."""
    return (torch.arange(3 * size * size) % 256).to(torch.uint8).reshape(1, 3, size, size)


@pytest.mark.parametrize("network", [NETWORK, config("ViT-B-16-SigLIP")], ids=["CLIP", "SigLIP"])
def test_pixels_and_views_become_what_the_program_makes_of_them_bit_for_bit(network: CLIPConfig) -> None:
    pixels = levels(network.vision.image_size)
    views = torch.stack([pixels, pixels.flip(-1)], dim=1)
    batch = Batch(pixels, torch.zeros(1, 8), views, ["bad"]).normalised(network.mean, network.std)
    assert batch.pixels.dtype == torch.float32
    assert torch.equal(batch.pixels, torch.from_numpy(normalise(pixels.movedim(1, -1).numpy(), preprocessing(network))))
    assert batch.views is not None
    assert torch.equal(batch.views, torch.stack([batch.pixels, batch.pixels.flip(-1)], dim=1))
    assert batch.bad == ["bad"]


def test_parts_are_normalised_as_the_whole_is() -> None:
    pixels = torch.cat([levels(8) + number for number in range(5)])
    batch = Batch(pixels, torch.zeros(5, 8), torch.stack([pixels, pixels.flip(0)], dim=1))
    parts = [part.normalised(NETWORK.mean, NETWORK.std) for part in batch.parts(2)]
    whole = batch.normalised(NETWORK.mean, NETWORK.std)
    assert torch.equal(torch.cat([part.pixels for part in parts]), whole.pixels)
    assert whole.views is not None
    assert torch.equal(torch.cat([part.views for part in parts if part.views is not None]), whole.views)


def test_what_is_normalised_already_stays_as_it_is() -> None:
    batch = Batch(torch.rand(2, 3, 8, 8), torch.zeros(2, 8))
    assert batch.normalised(NETWORK.mean, NETWORK.std).pixels is batch.pixels


def test_a_learner_takes_either() -> None:
    learner, pairs = learner_of(VIT), batch_of(VIT, 4, 1)
    batch = Batch(torch.cat([levels(16) + number for number in range(4)]), pairs.tokens)
    assert_close(learner(batch), learner(batch.normalised(VIT.mean, VIT.std)), rtol=0, atol=0)
