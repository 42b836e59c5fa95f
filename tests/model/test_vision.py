"""The image towers: sizes, pooling, SigLIP's differences, resized positions and the first weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from clipsearch.model import create
from clipsearch.model.clip import CLIP
from clipsearch.model.configs import CLIPConfig
from clipsearch.model.positions import fit_positions, resize_positions
from clipsearch.model.vision import MAPHead
from tests.model.tiny import CLIP_RESNET, CLIP_VIT, EVERY, SIGLIP, VIT, pixels, random_clip, randomised

#: image parameters, all parameters: the paper's nine models
PARAMETERS = {
    "RN50": (38_316_896, 102_007_137),
    "RN101": (56_259_936, 119_688_033),
    "RN50x4": (87_137_080, 178_300_601),
    "RN50x16": (167_328_912, 290_979_217),
    "RN50x64": (420_380_352, 623_258_305),
    "ViT-B-32": (87_849_216, 151_277_313),
    "ViT-B-16": (86_192_640, 149_620_737),
    "ViT-L-14": (303_966_208, 427_616_513),
    "ViT-L-14-336": (304_293_888, 427_944_193),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_papers_models_have_their_parameters(name: str) -> None:
    model = create(name, device="meta")
    assert (parameters(model.visual), parameters(model)) == PARAMETERS[name]


@pytest.mark.parametrize(
    ("name", "image", "text"),
    [
        ("ViT-B-32-SigLIP2-256", 95, 282),
        ("ViT-SO400M-16-SigLIP2-384", 428, 708),
        ("TinyCLIP-ViT-40M-32-Text-19M", 40, 19),
    ],
)
def test_other_models_have_the_size_they_are_published_with(name: str, image: int, text: int) -> None:
    """Parameters in millions; TinyCLIP counts no token embedding."""
    model = create(name, device="meta")
    words = 0 if "SigLIP" in name else model.text.token_embedding.weight.numel()
    whole = parameters(model) - parameters(model.visual) - words
    assert (round(parameters(model.visual) / 1e6), round(whole / 1e6)) == (image, text)


@pytest.mark.parametrize("config", EVERY, ids=lambda config: config.name)
@torch.inference_mode()
def test_features_of_a_picture_do_not_depend_on_its_batch(config: CLIPConfig) -> None:
    model, pictures = random_clip(config), pixels(config)
    together = model.encode_image(pictures)
    alone = torch.cat([model.encode_image(picture[None]) for picture in pictures])
    assert together.shape == (3, config.embed_dim)
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)
    channels_last = model.encode_image(pictures.to(memory_format=torch.channels_last))
    torch.testing.assert_close(together, channels_last, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_a_vit_projects_its_class_token() -> None:
    """The whole last block is computed here, and not in the tower."""
    visual, pictures = random_clip(CLIP_VIT).visual, pixels(CLIP_VIT)
    hidden = visual.transformer(visual.ln_pre(visual.embed(pictures)))
    assert hidden.shape == (3, 26, 72)
    torch.testing.assert_close(visual(pictures), visual.ln_post(hidden[:, 0]) @ visual.proj, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_each_patch_is_one_square_of_the_picture() -> None:
    """Patches come row by row, the class token first."""
    model = random_clip(CLIP_VIT)
    pictures = pixels(CLIP_VIT, 1)
    changed = pictures.clone()
    changed[:, :, 8:16, 24:32] += 1  # second row, fourth column of five
    difference = (model.visual.embed(changed) - model.visual.embed(pictures)).abs().amax(-1)
    assert difference.nonzero()[:, 1].tolist() == [1 + 5 + 3]


@torch.inference_mode()
def test_siglips_pool_is_attention_by_torchs_own_layer() -> None:
    head = randomised(MAPHead(SIGLIP.vision, "gelu_tanh", eps=1e-6))
    peer = nn.MultiheadAttention(72, 3, batch_first=True)
    peer.load_state_dict(head.attn.state_dict())
    x = torch.randn(2, 25, 72, generator=torch.Generator().manual_seed(3))
    pooled = peer(head.probe.expand(2, -1, -1), x, x)[0]
    normed = functional.layer_norm(pooled, (72,), head.ln.weight, head.ln.bias, 1e-6)
    hidden = nn.GELU("tanh")(head.mlp.c_fc(normed))
    torch.testing.assert_close(head(x), (pooled + head.mlp.c_proj(hidden))[:, 0], rtol=0, atol=1e-5)


def test_pictures_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="40, 40"):
        random_clip(CLIP_VIT).encode_image(torch.zeros(1, 3, 48, 48))


def test_first_weights_are_those_of_the_paper() -> None:
    torch.manual_seed(0)
    visual = CLIP(replace(CLIP_VIT, vision=replace(VIT, width=240, layers=2), embed_dim=200)).visual
    for values in (visual.class_embedding, visual.positional_embedding, visual.proj):
        assert float(values.detach().std()) == pytest.approx(240**-0.5, rel=0.1)
    attention, peer = visual.transformer.resblocks[1].attn, nn.MultiheadAttention(240, 3)
    for name in ("in_proj_weight", "out_proj.weight"):
        spreads = [float(layer.get_parameter(name).detach().std()) for layer in (attention, peer)]
        assert spreads[0] == pytest.approx(spreads[1], rel=0.03)
    assert attention.in_proj_bias.abs().max() == attention.out_proj.bias.abs().max() == 0


def test_resized_positions_agree_with_pillows_bicubic() -> None:
    generator = torch.Generator().manual_seed(4)
    positions = torch.randn(1 + 7 * 7, 5, generator=generator)
    for grid in (4, 7, 12):
        resized = resize_positions(positions, grid, extra=1)
        assert torch.equal(resized[0], positions[0])
        for channel in range(5):
            picture = Image.fromarray(positions[1:, channel].reshape(7, 7).numpy(), mode="F")
            expected = np.asarray(picture.resize((grid, grid), Image.Resampling.BICUBIC)).ravel()
            np.testing.assert_allclose(resized[1:, channel], expected, atol=1e-5)


@pytest.mark.parametrize("config", [CLIP_VIT, CLIP_RESNET, SIGLIP], ids=lambda config: config.name)
@torch.inference_mode()
def test_a_model_can_be_made_to_take_larger_pictures(config: CLIPConfig) -> None:
    larger = config.at_size(2 * config.vision.image_size)
    model = CLIP(larger).eval()
    model.load_state_dict(fit_positions(random_clip(config).state_dict(), larger.vision))
    assert model.encode_image(pixels(larger)).shape == (3, config.embed_dim)


def test_positions_of_the_right_size_stay_as_they_are() -> None:
    state = random_clip(CLIP_VIT).state_dict()
    fitted = fit_positions(state, CLIP_VIT.vision)
    assert fitted["visual.positional_embedding"] is state["visual.positional_embedding"]


def parameters(module: nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


@pytest.mark.parametrize("config", [CLIP_VIT, CLIP_RESNET, SIGLIP], ids=lambda config: config.name)
@torch.inference_mode()
def test_features_and_patches_come_out_of_one_pass(config: CLIPConfig) -> None:
    model, pictures = random_clip(config), pixels(config)
    features, patches = model.encode_image_and_patches(pictures)
    torch.testing.assert_close(features, model.encode_image(pictures), rtol=0, atol=1e-5)
    assert patches.shape == (3, config.vision.grid**2, config.vision.patch_width)
    if config is CLIP_RESNET:
        pooled = model.visual.attnpool(patches.transpose(1, 2).unflatten(2, (2, 2)))
        torch.testing.assert_close(pooled, features, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="takes pixels"):
        model.encode_image_and_patches(pictures[:, :, 1:])


@pytest.mark.parametrize(("config", "extra"), [(CLIP_VIT, 1), (SIGLIP, 0)], ids=["class token", "none"])
def test_a_share_of_the_patches_is_left_out_in_training(config: CLIPConfig, extra: int) -> None:
    visual = random_clip(config).visual
    embedded = visual.embed(pixels(config)).detach()
    visual.patch_dropout = 0.6
    assert visual.thin(embedded) is embedded  # in evaluation mode
    visual.train()
    thinned = visual.thin(embedded)
    assert thinned.shape == (3, extra + 10, 72)  # of 25
    assert torch.equal(thinned[:, :extra], embedded[:, :extra])
    kept = (thinned[:, extra:, None] == embedded[:, None, extra:]).all(-1)  # which patch each one was
    assert kept.sum(2).eq(1).all()
    assert kept.sum(1).le(1).all()
    assert not torch.equal(kept.any(1)[0], kept.any(1)[1])
    visual.patch_dropout = 0.99
    assert visual.thin(embedded).shape[1] == extra + 1
    visual.patch_dropout = 0.0
    assert visual.thin(embedded) is embedded


def test_every_patch_is_kept_as_often() -> None:
    visual = random_clip(CLIP_VIT).visual.train()
    visual.patch_dropout = 0.6
    numbered = torch.arange(26.0).expand(4000, -1).unsqueeze(-1)
    torch.manual_seed(0)
    counts = torch.bincount(visual.thin(numbered).long().flatten(), minlength=26)
    assert counts[0] == 4000
    assert counts[1:].sum() == 4000 * 10
    assert (counts[1:] - 1600).abs().max() < 160  # five standard deviations
