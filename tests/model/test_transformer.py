"""The shared Transformer, against torch's own attention layer and against itself without its shortcut."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from clipsearch.model.transformer import ACTIVATIONS, Attention, Transformer
from tests.model.tiny import randomised


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5))


def stack(causal: bool, layers: int = 3) -> nn.Module:
    return randomised(Transformer(36, layers, 3, 90, activation="gelu", eps=1e-5, causal=causal))


@torch.inference_mode()
def test_attention_is_torchs() -> None:
    ours, theirs = randomised(Attention(36, 3)), nn.MultiheadAttention(36, 3, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    x, queries = noise(2, 7, 36), noise(2, 4, 36)
    later = torch.ones(7, 7, dtype=torch.bool).triu(1)
    seen = torch.rand(4, 7, generator=torch.Generator().manual_seed(6)) > 0.3
    close(ours(x), theirs(x, x, x)[0])
    close(ours(x, causal=True), theirs(x, x, x, attn_mask=later)[0])
    close(ours.read(x, queries), theirs(queries, x, x)[0])
    close(ours.read(x, queries, seen), theirs(queries, x, x, attn_mask=~seen)[0])


def test_attention_starts_as_torchs() -> None:
    torch.manual_seed(0)
    theirs = nn.MultiheadAttention(36, 3)
    torch.manual_seed(0)
    ours = Attention(36, 3)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for key, value in theirs.state_dict().items():
        assert float(ours.state_dict()[key].std()) == pytest.approx(float(value.std()), rel=0.1)


@torch.inference_mode()
def test_no_position_of_a_causal_stack_sees_a_later_one() -> None:
    x = noise(2, 7, 36)
    changed = x.clone()
    changed[:, 4] = changed[:, 4].flip(-1)  # a constant added would vanish in the first LayerNorm
    for causal in (True, False):
        difference = (stack(causal)(changed) - stack(causal)(x)).abs().amax((0, 2))
        assert bool(difference[:4].max() < 1e-5) == causal
        assert difference[4:].min() > 1e-3


@pytest.mark.parametrize("layers", [1, 3])
@torch.inference_mode()
def test_picked_positions_are_those_of_the_whole_stack(layers: int) -> None:
    x = noise(2, 7, 36)
    around, causal = stack(causal=False, layers=layers), stack(causal=True, layers=layers)
    close(around(x, lambda x: x[:, 2:4]), around(x)[:, 2:4])
    seen = torch.arange(7) <= torch.tensor([[2], [3]])
    close(causal(x, lambda x: x[:, 2:4], seen), causal(x)[:, 2:4])


def test_activations_are_what_their_names_say() -> None:
    x = torch.linspace(-4, 4, 33, dtype=torch.float64)
    exact = torch.tensor([value * 0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x.tolist()]).double()
    quick = torch.tensor([value / (1 + math.exp(-1.702 * value)) for value in x.tolist()]).double()
    bent = [
        0.5 * value * (1 + math.tanh(math.sqrt(2 / math.pi) * (value + 0.044715 * value**3))) for value in x.tolist()
    ]
    close(ACTIVATIONS["gelu"](x), exact)
    close(ACTIVATIONS["quick_gelu"](x), quick)
    close(ACTIVATIONS["gelu_tanh"](x), torch.tensor(bent).double())
    assert (quick - exact).abs().max() > 1e-2


def close(ours: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(ours, expected, rtol=0, atol=5e-6)
