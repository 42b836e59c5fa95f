"""Losses over a vocabulary: right in any number of chunks, and never with more logits in memory than agreed."""

from __future__ import annotations

import weakref
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from training.objectives import vocabulary
from training.objectives.vocabulary import lengths, text_losses, token_losses

END = 12


class LargestLive(TorchDispatchMode):
    """Watches how many numbers of tensors above a size are alive at once."""

    def __init__(self, above: int) -> None:
        super().__init__()
        self.above, self.most = above, 0
        self.alive: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else [out]:
            if isinstance(tensor, Tensor):
                self.note(tensor.untyped_storage())
        return out

    def note(self, storage: Any) -> None:
        key, numbers = storage._cdata, storage.nbytes() // 4
        if numbers > self.above and key not in self.alive:
            self.alive[key] = numbers
            weakref.finalize(storage, self.alive.pop, key, None)
        self.most = max(self.most, sum(self.alive.values()))


def inputs(count: int = 50, width: int = 8, words: int = 13) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(count, width, generator=generator, requires_grad=True)
    targets = torch.randint(0, words, (count,), generator=generator)
    return states, targets, torch.randn(words, width, generator=generator, requires_grad=True)


@pytest.mark.parametrize("at_once", [1, 13, 40, 10_000])
def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(vocabulary, "LOGITS", at_once)
    states, targets, words = (one.double().detach() if one.is_floating_point() else one for one in inputs())
    states, words = states.requires_grad_(), words.requires_grad_()
    expected = torch.stack(
        [-(words @ state).log_softmax(0)[target] for state, target in zip(states, targets, strict=True)]
    )
    wanted = torch.autograd.grad(expected.square().sum(), (states, words))
    found = token_losses(states, targets, words)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(torch.autograd.grad(found.square().sum(), (states, words)), wanted)


def test_its_gradients_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "LOGITS", 20)
    states, targets, words = inputs(4, 3, 6)
    inexact = (one.detach().double().requires_grad_() for one in (states, words))
    assert torch.autograd.gradcheck(lambda x, y: token_losses(x, targets, y), tuple(inexact))


def test_all_logits_are_never_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2,048 x 2,000 logits 40,000 at once; a few tensors of that size are needed for a softmax and its gradient."""
    monkeypatch.setattr(vocabulary, "LOGITS", 40_000)
    states, targets, words = inputs(2048, 8, 2000)
    with LargestLive(above=30_000) as chunks:
        token_losses(states, targets, words).sum().backward()  # type: ignore[no-untyped-call]
    with LargestLive(above=30_000) as plain:
        functional.cross_entropy(states @ words.T, targets).backward()  # type: ignore[no-untyped-call]
    assert plain.most >= 2 * 2048 * 2000
    assert 40_000 <= chunks.most <= 6 * 40_000


def test_no_rows_are_no_losses() -> None:
    states, targets, words = inputs(0)
    assert token_losses(states, targets, words).shape == (0,)


def test_texts_count_what_follows_their_first_token_up_to_the_end() -> None:
    tokens = torch.tensor([[11, 3, 4, END, 0, 0], [11, END, 0, 0, 0, 0], [11, 1, 2, 3, 4, END]])
    states, _, words = inputs(18)
    found = text_losses(states.view(3, 6, 8), tokens, words)
    for row, (text, seen) in enumerate(zip(tokens.tolist(), states.view(3, 6, 8), strict=True)):
        total = 0.0
        for place in range(text.index(END)):
            total -= float((words @ seen[place]).log_softmax(0)[text[place + 1]].detach())
        assert float(found[row].detach()) == pytest.approx(total, abs=1e-5)
    assert lengths(tokens).tolist() == [3, 1, 5]
