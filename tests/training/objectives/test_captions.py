"""Language model and captioning: what they lose, that they look at the picture and never ahead, and what they write."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from clipsearch.model.text import TextTransformer
from tests.model.tiny import randomised
from tests.training.objectives.tiny import BAG, END, SIGLIP, START, VIT, batch_of, learner_of, texts, whole_loss
from training.errors import TrainingError
from training.objectives.captioning import Captioning
from training.objectives.composite import Composite
from training.objectives.decoder import ReadingBlock
from training.objectives.language_model import LanguageModel
from training.objectives.objective import Learner

TABLES = {"language model": {"kind": "language-model"}, "captioning": {"captioning": 1.0}}


def speaker(learner: Learner) -> LanguageModel | Captioning:
    """Return the part of an objective that has captions."""
    objective = learner.objective
    part = objective.objectives[1] if isinstance(objective, Composite) else objective
    assert isinstance(part, LanguageModel | Captioning)
    return part


def random_learner(name: str) -> Learner:
    learner = learner_of(VIT, **TABLES[name])
    randomised(learner)
    return learner


def next_words(learner: Learner, pixels: Tensor, text: list[int]) -> Tensor:
    """Return the log-probabilities of what follows a beginning, seen alone: no later token, no other pair."""
    part, clip, tokens = speaker(learner), learner.clip, torch.tensor([text])
    features, patches = clip.encode_image_and_patches(pixels[None])
    memory = part.memory(features, patches)
    if isinstance(part, LanguageModel):
        x, words = part.token_embedding(tokens) + part.positional_embedding[: len(text)], part.token_embedding.weight
    else:
        assert isinstance(clip.text, TextTransformer)
        x, words = clip.text.states(tokens), part.words.weight
    said: Tensor = (part.decoder(x, memory)[0, -1] @ words.T).log_softmax(-1)
    return said


def reference(learner: Learner, pixels: Tensor, text: list[int]) -> float:
    """The negative log-likelihood of a text, token by token."""
    said = text[: text.index(END) + 1]
    return -sum(float(next_words(learner, pixels, said[:place])[said[place]]) for place in range(1, len(said)))


@pytest.mark.parametrize("name", TABLES)
@torch.no_grad()
def test_the_loss_is_the_mean_surprise_at_the_next_token(name: str) -> None:
    learner, batch = random_learner(name), batch_of(VIT)
    lost = learner(batch)["caption"]
    for row, text in enumerate(batch.tokens.tolist()):
        wanted = reference(learner, batch.pixels[row], text) / text.index(END)
        assert float(lost[row]) == pytest.approx(wanted, abs=1e-5)
    name = {"captioning": "captioning", "language model": "language_model"}[name]
    own = learner(batch)
    assert float(speaker(learner).losses(own, {}, 0)[name]) == pytest.approx(math.fsum(lost.tolist()) / 8, abs=1e-6)


@torch.no_grad()
def test_a_language_models_scores_are_log_likelihoods() -> None:
    learner, batch = random_learner("language model"), batch_of(VIT)
    scores = learner.objective.scores(learner.clip, batch.pixels[:2], batch.tokens)
    wanted = [[-reference(learner, pixels, text) for text in batch.tokens.tolist()] for pixels in batch.pixels[:2]]
    torch.testing.assert_close(scores, torch.tensor(wanted), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", TABLES)
def test_losses_depend_on_the_picture_and_on_padding_not_at_all(name: str) -> None:
    learner, batch = random_learner(name), batch_of(VIT)
    lost = learner(batch)["caption"]
    swapped = learner(type(batch)(batch.pixels.flip(0), batch.tokens))["caption"]
    assert (lost - swapped).abs().min() > 1e-4
    padded = batch.tokens.clone()
    for row in padded:
        row[int(row.argmax()) + 1 :] = 7
    torch.testing.assert_close(learner(type(batch)(batch.pixels, padded))["caption"], lost, rtol=0, atol=1e-5)


def test_a_block_is_torchs_own_decoder_layer() -> None:
    block = randomised(ReadingBlock(24, 3, 40, "gelu", eps=1e-5))
    peer = nn.TransformerDecoderLayer(24, 3, 40, 0.0, "gelu", batch_first=True, norm_first=True)
    names = {"ln_1": "norm1", "attn": "self_attn", "ln_read": "norm2", "reading": "multihead_attn", "ln_2": "norm3"}
    names |= {"mlp.c_fc": "linear1", "mlp.c_proj": "linear2"}
    state = {}
    for key, value in block.state_dict().items():
        mine = next(name for name in names if key.startswith(f"{name}."))
        state[key.replace(mine, names[mine], 1)] = value
    peer.load_state_dict(state)
    x, memory = torch.randn(6, 5, 24), torch.randn(2, 7, 24)  # three texts for each of two pictures
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    expected = peer(x, memory.repeat_interleave(3, 0), tgt_mask=mask, tgt_is_causal=True)
    torch.testing.assert_close(block(x, memory), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", TABLES)
def test_what_was_learned_by_heart_is_written(name: str) -> None:
    learner, batch = learner_of(VIT, **TABLES[name]), next(batch_of(VIT).parts(4))
    optimiser = torch.optim.AdamW([weight for weight in learner.parameters() if weight.requires_grad], lr=3e-3)
    for _ in range(100):
        optimiser.zero_grad()
        whole_loss(learner, batch).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    learner.eval()
    wanted = [text[1 : text.index(END)] for text in batch.tokens.tolist()]
    for beams in (1, 3):
        assert learner.objective.caption(learner.clip, batch.pixels, beams=beams) == wanted
    short = learner.objective.caption(learner.clip, batch.pixels, longest=4)
    assert short == [text[:3] for text in wanted]
    assert not any(START in text for text in short)


@pytest.mark.parametrize("name", TABLES)
def test_each_word_is_the_likeliest_one(name: str) -> None:
    learner, batch = random_learner(name), batch_of(VIT)
    (caption,) = speaker(learner).caption(learner.clip, batch.pixels[:1])
    text = [START]
    with torch.no_grad():
        while len(text) < VIT.text.context_length and text[-1] != END:
            text.append(int(next_words(learner, batch.pixels[0], text).argmax()))
    assert caption == [word for word in text[1:] if word != END]


@pytest.mark.parametrize("table", [{}, {"self_supervision": 1.0}], ids=str)
def test_what_writes_no_captions_says_so(table: dict[str, float]) -> None:
    learner = learner_of(VIT, **table)
    assert not learner.objective.writes_captions
    with pytest.raises(TrainingError, match="does not write captions"):
        learner.objective.caption(learner.clip, batch_of(VIT).pixels)


def test_one_pass_of_each_tower_serves_both_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    learner, batch = learner_of(VIT, captioning=1.0), batch_of(VIT)
    passes = []
    for tower, label in ((learner.clip.visual, "image"), (learner.clip.text, "text")):
        tower.transformer.register_forward_hook(lambda *_, label=label: passes.append(label))  # type: ignore[misc]
    features = learner(batch)
    assert sorted(passes) == ["image", "text"]
    plain = learner.clip.eval()
    for name, encoded in (("image", plain.encode_image(batch.pixels)), ("text", plain.encode_text(texts()))):
        torch.testing.assert_close(features[name], nn.functional.normalize(encoded, dim=-1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("config", [BAG, SIGLIP], ids=["bag of words", "siglip"])
def test_text_towers_that_look_ahead_cannot_caption(config: object) -> None:
    with pytest.raises(TrainingError, match="causal"):
        Captioning(config)  # type: ignore[arg-type]
