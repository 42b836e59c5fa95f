"""Our CLIP against transformers' CLIPModel: the same random weights give the same features and logits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import CLIPConfig, CLIPModel

from clipsearch.model import CLIP, load
from tests.model.tiny import randomised, texts

EOT = 98
VISION = {
    "hidden_size": 72,
    "intermediate_size": 181,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "image_size": 42,
    "patch_size": 6,
}
TEXT = {
    "hidden_size": 48,
    "intermediate_size": 131,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "vocab_size": 99,
    "max_position_embeddings": 19,
    "eos_token_id": EOT,
    "bos_token_id": 97,
    "pad_token_id": 0,
}


@pytest.fixture(params=["quick_gelu", "gelu"])
def models(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[CLIP, CLIPModel]:
    """Make transformers' model with random weights, save it and read it as ours."""
    activation = {"hidden_act": request.param}
    config = CLIPConfig(text_config=TEXT | activation, vision_config=VISION | activation, projection_dim=40)
    theirs = CLIPModel(config)
    randomised(theirs)
    theirs.save_pretrained(tmp_path)
    ours = load(tmp_path)
    assert ours.config.activation == request.param
    return ours, theirs


@torch.inference_mode()
def test_images_have_the_same_features(models: tuple[CLIP, CLIPModel]) -> None:
    ours, theirs = models
    pictures = torch.randn(5, 3, 42, 42)
    same(ours.encode_image(pictures), features(theirs.get_image_features(pixel_values=pictures)))


@torch.inference_mode()
def test_texts_have_the_same_features(models: tuple[CLIP, CLIPModel]) -> None:
    """Theirs are computed on all positions."""
    ours, theirs = models
    tokens = texts((7, 12, 3))
    same(ours.encode_text(tokens), features(theirs.get_text_features(input_ids=tokens)))


@torch.inference_mode()
def test_logits_are_the_same(models: tuple[CLIP, CLIPModel]) -> None:
    ours, theirs = models
    pictures, tokens = torch.randn(5, 3, 42, 42), texts((19, 2))
    same(ours(pictures, tokens), theirs(pixel_values=pictures, input_ids=tokens).logits_per_image)


def features(output: Tensor | object) -> Tensor:
    """Take the features out of what transformers returns, which was a tensor before version 5."""
    return output if isinstance(output, Tensor) else output.pooler_output


def same(ours: Tensor, theirs: Tensor) -> None:
    assert theirs.std() > 0.1
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
