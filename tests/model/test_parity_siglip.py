"""Our SigLIP against transformers' SiglipModel: the same random weights give the same features and logits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import SiglipConfig, SiglipModel

from clipsearch.model import CLIP, load
from tests.model.test_parity_clip import features, same
from tests.model.tiny import randomised, texts

VISION = {
    "hidden_size": 72,
    "intermediate_size": 181,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "image_size": 43,  # seven patches of six, and one pixel that is in none
    "patch_size": 6,
}
TEXT = {
    "hidden_size": 48,
    "intermediate_size": 131,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "vocab_size": 99,
    "max_position_embeddings": 19,
    "projection_size": 72,
}


@pytest.fixture(params=["gelu_pytorch_tanh", "gelu"])
def models(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[CLIP, SiglipModel]:
    """Make transformers' model with random weights, save it and read it as ours."""
    activation = {"hidden_act": request.param}
    theirs = SiglipModel(SiglipConfig(text_config=TEXT | activation, vision_config=VISION | activation))
    randomised(theirs)
    torch.nn.init.constant_(theirs.logit_scale, 2.1)
    torch.nn.init.constant_(theirs.logit_bias, -7.5)
    theirs.save_pretrained(tmp_path)
    return load(tmp_path), theirs


@torch.inference_mode()
def test_images_have_the_same_features(models: tuple[CLIP, SiglipModel]) -> None:
    ours, theirs = models
    pictures = torch.randn(5, 3, 43, 43)
    same(ours.encode_image(pictures), features(theirs.get_image_features(pixel_values=pictures)))


@torch.inference_mode()
def test_texts_have_the_same_features(models: tuple[CLIP, SiglipModel]) -> None:
    ours, theirs = models
    tokens = texts((7, 12, 3), pad=1)
    same(ours.encode_text(tokens), features(theirs.get_text_features(input_ids=tokens)))


@torch.inference_mode()
def test_logits_are_the_same(models: tuple[CLIP, SiglipModel]) -> None:
    ours, theirs = models
    pictures, tokens = torch.randn(5, 3, 43, 43), texts((19, 2), pad=1)
    same(ours(pictures, tokens), theirs(pixel_values=pictures, input_ids=tokens).logits_per_image)
