"""The text towers: where a text ends, what may influence it, and how little of it must be computed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from clipsearch.model.clip import CLIP
from clipsearch.model.configs import CLIPConfig
from clipsearch.model.text import end_positions, trim
from tests.model.tiny import BAG_OF_WORDS, CLIP_VIT, EOT, SIGLIP, random_clip, texts


def positions_computed(model: CLIP, tokens: Tensor) -> int:
    """Encode the texts and say how long the token embedding's input was."""
    seen = []
    handle = model.text.token_embedding.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    with torch.inference_mode():
        model.encode_text(tokens)
    handle.remove()
    return int(seen[0].shape[1])


def test_the_first_of_several_end_tokens_ends_a_text() -> None:
    tokens = torch.tensor([[5, EOT, 7, EOT, 0], [1, 2, 3, 4, EOT], [EOT, EOT, EOT, EOT, EOT]])
    assert end_positions(tokens).tolist() == [1, 4, 0]
    assert trim(tokens[:1]).tolist() == [[5, EOT]]
    assert trim(tokens).shape == (3, 5)
    assert trim(tokens[:0]).shape == (0, 5)


@pytest.mark.parametrize("config", [CLIP_VIT, BAG_OF_WORDS])
@torch.inference_mode()
def test_trimmed_texts_have_the_features_of_whole_ones(config: object) -> None:
    model, tokens = random_clip(config), texts()
    assert positions_computed(model, tokens) == 12
    torch.testing.assert_close(model.encode_text(tokens), model.text(tokens), rtol=0, atol=5e-6)
    for row in tokens:
        alone = model.encode_text(row[None])
        torch.testing.assert_close(alone, model.text(row[None]), rtol=0, atol=5e-6)


@pytest.mark.parametrize("config", [CLIP_VIT, BAG_OF_WORDS])
@torch.inference_mode()
def test_nothing_behind_the_end_token_matters(config: object) -> None:
    model, tokens = random_clip(config), texts()
    changed = tokens.clone()
    changed[0, 7:], changed[2, 3:] = 5, EOT
    torch.testing.assert_close(model.encode_text(changed), model.encode_text(tokens), rtol=0, atol=5e-6)


@torch.inference_mode()
def test_every_token_before_the_end_matters() -> None:
    model, tokens = random_clip(CLIP_VIT), texts((7,))
    features = model.encode_text(tokens)
    for position in range(6):
        changed = tokens.clone()
        changed[0, position] = (tokens[0, position] + 1) % EOT
        assert (model.encode_text(changed) - features).abs().max() > 1e-3


@torch.inference_mode()
def test_a_model_that_is_not_causal_sees_everything() -> None:
    model, tokens = random_clip(SIGLIP), texts()
    assert positions_computed(model, tokens) == 19
    changed = tokens.clone()
    changed[:, 15] = 3
    assert (model.encode_text(changed) - model.encode_text(tokens)).abs().amax(1).min() > 1e-3
    around = replace(CLIP_VIT, text=replace(CLIP_VIT.text, causal=False))
    assert positions_computed(random_clip(around), tokens) == 19


@pytest.mark.parametrize("causal", [False, True])
@torch.inference_mode()
def test_siglip_pools_the_last_position(causal: bool) -> None:
    model, tokens = random_clip(replace(SIGLIP, text=replace(SIGLIP.text, causal=causal))), texts()
    text = model.text
    hidden = text.transformer(text.token_embedding(tokens) + text.positional_embedding)
    expected = text.text_projection(text.ln_final(hidden[:, -1]))
    torch.testing.assert_close(model.encode_text(tokens), expected)


@torch.inference_mode()
def test_a_bag_of_words_is_the_projected_mean_of_its_tokens() -> None:
    model = random_clip(BAG_OF_WORDS)
    words = [4, 8, 15, EOT]
    mean = sum(model.text.token_embedding.weight[word] for word in words) / 4
    expected = mean @ model.text.text_projection
    for order in (words, [15, 4, 8, EOT], [*words, 0, 0], [*words, 16, EOT]):
        features = model.encode_text(torch.tensor([order]))
        torch.testing.assert_close(features[0], expected)


def test_a_text_longer_than_the_context_is_refused() -> None:
    with pytest.raises(ValueError, match="19 tokens a text, not 20"):
        random_clip(CLIP_VIT).encode_text(torch.ones(1, 20, dtype=torch.int64))


@pytest.mark.parametrize("config", [CLIP_VIT, SIGLIP], ids=lambda config: config.name)
@torch.inference_mode()
def test_features_and_states_come_out_of_one_pass(config: CLIPConfig) -> None:
    """In a causal tower a state knows its own past alone, whatever comes later."""
    model, tokens = random_clip(config), texts()
    features, states = model.encode_text_and_states(tokens)
    torch.testing.assert_close(features, model.encode_text(tokens), rtol=0, atol=1e-5)
    assert states.shape == (3, 12 if config is CLIP_VIT else 19, config.text.width)
    begun = model.text.states(tokens[:, :5])
    assert torch.allclose(begun, states[:, :5], atol=1e-5) == config.text.causal
    with pytest.raises(ValueError, match="19 tokens a text, not 20"):
        model.encode_text_and_states(torch.ones(1, 20, dtype=torch.int64))


@torch.inference_mode()
def test_no_texts_have_no_features() -> None:
    assert random_clip(CLIP_VIT).encode_text(texts(())).shape == (0, 40)


def test_first_weights_are_those_of_the_paper() -> None:
    torch.manual_seed(0)
    width, layers = 256, 4
    model = CLIP(replace(CLIP_VIT, text=replace(CLIP_VIT.text, width=width, layers=layers, vocab_size=2000)))
    residual = width**-0.5 * (2 * layers) ** -0.5
    assert spread(model.text.token_embedding.weight) == pytest.approx(0.02, rel=0.03)
    assert spread(model.text.positional_embedding) == pytest.approx(0.01, rel=0.05)
    assert spread(model.text.text_projection) == pytest.approx(width**-0.5, rel=0.03)
    for block in model.text.transformer.resblocks:
        assert spread(block.attn.in_proj_weight) == pytest.approx(width**-0.5, rel=0.03)
        assert spread(block.attn.out_proj.weight) == pytest.approx(residual, rel=0.03)
        assert spread(block.mlp.c_fc.weight) == pytest.approx((2 * width) ** -0.5, rel=0.03)
        assert spread(block.mlp.c_proj.weight) == pytest.approx(residual, rel=0.03)
        assert block.attn.in_proj_bias.abs().max() == block.attn.out_proj.bias.abs().max() == 0


def spread(values: Tensor) -> float:
    """Return the standard deviation of values whose mean is near zero."""
    drawn = values.detach()
    assert abs(drawn.mean()) < drawn.std() * 0.1
    return float(drawn.std())
