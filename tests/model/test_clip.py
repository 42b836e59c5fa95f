"""The whole network: logits, temperature, keys of its weights, precision, and weights that do not fit."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import clipsearch.model
from clipsearch.errors import CheckpointError, ClipsearchError
from clipsearch.model import CLIP, assemble, create
from clipsearch.model.checkpoint import save
from clipsearch.model.configs import CLIPConfig
from clipsearch.model.transformer import LayerNorm
from tests.model.tiny import BAG_OF_WORDS, CLIP_RESNET, CLIP_VIT, EVERY, SIGLIP, pixels, random_clip, texts

by_name = pytest.mark.parametrize("config", EVERY, ids=lambda config: config.name)


@by_name
@torch.inference_mode()
def test_logits_are_scaled_cosines(config: CLIPConfig) -> None:
    model, pictures, tokens = random_clip(config), pixels(config, 2), texts()
    images, words = model.encode_image(pictures)[:, None], model.encode_text(tokens)[None]
    cosines = torch.cosine_similarity(images, words, dim=-1)
    expected = math.exp(config.logit_scale_init) * cosines + (config.logit_bias_init or 0.0)
    torch.testing.assert_close(model(pictures, tokens), expected, rtol=1e-5, atol=1e-5)


def test_temperature_starts_where_the_papers_does_and_stays_in_its_limits() -> None:
    model = CLIP(CLIP_VIT)
    assert float(model.logit_scale.detach()) == pytest.approx(math.log(1 / 0.07))
    for value, kept in [(9.0, math.log(100)), (-1.0, 0.0), (3.0, 3.0)]:
        nn.init.constant_(model.logit_scale, value)
        model.clamp_temperature()
        assert float(model.logit_scale.detach()) == pytest.approx(kept)
    assert model.logit_scale.requires_grad


@by_name
def test_keys_are_openais_and_come_back(config: CLIPConfig) -> None:
    model = random_clip(config)
    state = model.state_dict()
    assert {key.split(".")[0] for key in state} <= {
        *("visual", "token_embedding", "positional_embedding", "transformer", "ln_final"),
        *("text_projection", "logit_scale", "logit_bias"),
    }
    fresh = CLIP(config)
    fresh.load_state_dict(state)
    assert all(torch.equal(value, fresh.state_dict()[key]) for key, value in state.items())


def test_keys_are_openais_inside_another_module_and_after_a_copy() -> None:
    model = random_clip(CLIP_VIT)
    wrapped = nn.ModuleDict({"module": copy.deepcopy(model)})
    assert wrapped.state_dict().keys() == {f"module.{key}" for key in model.state_dict()}
    other = nn.ModuleDict({"module": CLIP(CLIP_VIT)})
    other.load_state_dict(wrapped.state_dict())
    assert torch.equal(other["module"].text.ln_final.weight, model.text.ln_final.weight)
    with pytest.raises(RuntimeError, match="token_embedding"):
        model.load_state_dict({key: value for key, value in model.state_dict().items() if key.startswith("visual")})


@by_name
def test_every_parameter_is_trained(config: CLIPConfig) -> None:
    model = random_clip(config).train()
    model(pixels(config), texts()).square().mean().backward()
    still = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.abs().max() > 0]
    assert still == []


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_layer_norm_is_computed_in_fp32(dtype: torch.dtype) -> None:
    norm = LayerNorm(64, eps=1e-5)
    nn.init.normal_(norm.weight)
    x = (300 * torch.randn(4, 64)).to(dtype)  # whose squares are beyond fp16
    expected = nn.functional.layer_norm(x.float(), (64,), norm.weight, norm.bias).to(dtype)
    assert torch.equal(norm(x), expected)
    half = copy.deepcopy(norm).to(dtype)
    rounded = nn.functional.layer_norm(x.float(), (64,), half.weight.float()).to(dtype)
    assert half(x).dtype == dtype
    assert torch.equal(half(x), rounded)


@by_name
@torch.inference_mode()
def test_half_precision_keeps_the_direction_of_features(config: CLIPConfig) -> None:
    model, pictures, tokens = random_clip(config), pixels(config), texts()
    half = copy.deepcopy(model).to(torch.bfloat16)
    for ours, theirs in [
        (half.encode_image(pictures), model.encode_image(pictures)),
        (half.encode_text(tokens), model.encode_text(tokens)),
    ]:
        assert ours.dtype == torch.bfloat16
        assert torch.cosine_similarity(ours.float(), theirs).min() > 0.998


def test_assembled_models_hold_the_given_weights_and_evaluate() -> None:
    state = random_clip(CLIP_RESNET).state_dict()
    model = assemble(CLIP_RESNET, state)
    assert not model.training
    assert all(value.device.type == "cpu" for value in model.state_dict().values())
    assert model.visual.conv1.weight.data_ptr() == state["visual.conv1.weight"].data_ptr()
    assert model.visual.conv1.weight.requires_grad


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ln_final.bias": None}, "1 tensor is missing, such as ln_final.bias"),
        ({"ln_final.bias": None, "ln_final.weight": None}, "2 tensors are missing"),
        ({"extra": torch.zeros(1)}, "1 tensor is too many, such as extra"),
        ({"visual.proj": torch.zeros(72, 41)}, "visual.proj is 72 x 41 instead of 72 x 40"),
        ({"logit_scale": torch.zeros(1)}, "logit_scale is 1 instead of a single number"),
    ],
)
def test_weights_that_do_not_fit_are_named(change: dict[str, torch.Tensor | None], said: str) -> None:
    state = random_clip(CLIP_VIT).state_dict() | change
    with pytest.raises(CheckpointError, match=said) as caught:
        assemble(CLIP_VIT, {key: value for key, value in state.items() if value is not None}, Path("weights.pt"))
    assert caught.value.path == Path("weights.pt")


def test_new_models_are_ready_for_training_and_cost_nothing_on_the_meta_device() -> None:
    model = create("TinyCLIP-ViT-8M-16-Text-3M")
    assert model.training
    assert model.config.name == "TinyCLIP-ViT-8M-16-Text-3M"
    assert {value.device.type for value in create("ViT-bigG-14", device="meta").parameters()} == {"meta"}
    with pytest.raises(ClipsearchError, match="ViT-B-32"):
        create("ViT-B-33")


def test_a_checkpoint_is_loaded_in_fp32(tmp_path: Path) -> None:
    model = random_clip(SIGLIP)
    save(model, tmp_path / "own")
    loaded = clipsearch.model.load(tmp_path / "own")
    assert loaded.config == model.config
    assert not loaded.training
    torch.testing.assert_close(loaded(pixels(SIGLIP), texts()), model(pixels(SIGLIP), texts()), rtol=0, atol=0)
    for file in (tmp_path / "own").iterdir():
        file.write_bytes(bytes(file.stat().st_size))  # a loaded model does not live in its file
    torch.testing.assert_close(loaded.state_dict(), model.state_dict(), rtol=0, atol=0)


def test_a_checkpoint_is_loaded_for_larger_pictures(tmp_path: Path) -> None:
    save(random_clip(SIGLIP), tmp_path / "own")
    larger = clipsearch.model.load(tmp_path / "own", image_size=56)
    assert larger.config == replace(SIGLIP, vision=replace(SIGLIP.vision, image_size=56))
    assert larger.encode_image(torch.zeros(1, 3, 56, 56)).shape == (1, 72)


@by_name
def test_the_towers_can_be_traced_for_any_batch(config: CLIPConfig) -> None:
    model, count = random_clip(config), torch.export.Dim("count")
    for tower, example in [(model.visual, pixels(config)), (model.text, texts())]:
        torch.export.export(tower, (example,), dynamic_shapes=({0: count},))


@pytest.mark.parametrize("config", [CLIP_VIT, BAG_OF_WORDS], ids=lambda config: config.name)
def test_a_text_tower_can_be_traced_for_any_length(config: CLIPConfig) -> None:
    shape = {0: torch.export.Dim("count"), 1: torch.export.Dim("length", max=19)}
    model = random_clip(config)
    program = torch.export.export(model.text, (texts(),), dynamic_shapes=(shape,)).module()
    short = texts((3, 4), context=4)
    torch.testing.assert_close(program(short), model.text(short))
