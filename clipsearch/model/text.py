"""The text encoders: a Transformer, causal (CLIP) or not (SigLIP), and a bag of words."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from clipsearch.model.configs import CLIPConfig
from clipsearch.model.transformer import MLP, Attention, LayerNorm, Transformer


def text_tower(config: CLIPConfig) -> TextTransformer | BagOfWords:
    """Make the text encoder of an architecture."""
    return BagOfWords(config) if config.text.kind == "bag-of-words" else TextTransformer(config)


class TextTransformer(nn.Module):
    """Tokens int64 [n, l] -> features [n, embed_dim], for any l up to the context length.

    Nothing is masked but, in a causal model, what comes later; so SigLIP's texts must be padded as in training, to
    the whole context.
    """

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        text, eps = config.text, config.norm_eps
        activation = text.activation or config.activation
        size = (text.width, text.layers, text.heads, text.mlp_width)
        self.pool_last = text.pool == "last"
        self.token_embedding = nn.Embedding(text.vocab_size, text.width)
        self.positional_embedding = nn.Parameter(torch.empty(text.context_length, text.width))
        self.transformer = Transformer(*size, activation=activation, eps=eps, causal=text.causal)
        self.ln_final = LayerNorm(text.width, eps)
        self.text_projection = projection(config)
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.positional_embedding, std=0.01)
        self.transformer.apply(partial(initialise, depth=text.layers))

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode tokens [n, l]; features come in the precision of the weights."""
        ends = end_positions(tokens)
        pick = last if self.pool_last else partial(take, positions=ends)
        looks_back = self.transformer.causal and not self.pool_last  # the last position sees all others anyway
        mask = up_to(ends, tokens.shape[1])[:, None, None] if looks_back else None
        x = self.token_embedding(tokens) + self.positional_embedding[: tokens.shape[1]]
        x = self.transformer(x, pick, mask)
        return project(self.ln_final(x.squeeze(1)), self.text_projection)

    def with_states(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return, of one pass, the features and the states of all positions."""
        states = self.states(tokens)
        pooled = last(states) if self.pool_last else take(states, end_positions(tokens))
        return project(pooled.squeeze(1), self.text_projection), states

    def states(self, tokens: Tensor) -> Tensor:
        """Return what the tower makes of each position of tokens [n, l]: [n, l, width]."""
        x = self.token_embedding(tokens) + self.positional_embedding[: tokens.shape[1]]
        states: Tensor = self.ln_final(self.transformer(x))
        return states


def last(x: Tensor) -> Tensor:
    """Take the last position of x [n, l, width]: [n, 1, width]."""
    return x[:, -1:]


def take(x: Tensor, positions: Tensor) -> Tensor:
    """Take one position of each text, int64 [n], from x [n, l, width]: [n, 1, width]."""
    return x[torch.arange(x.shape[0], device=x.device), positions].unsqueeze(1)


def up_to(ends: Tensor, length: int) -> Tensor:
    """Mark the positions of each text up to its end, int64 [n]: bool [n, length]."""
    return torch.arange(length, device=ends.device) <= ends.unsqueeze(1)


def initialise(module: nn.Module, depth: int) -> None:
    """Draw a block's first weights; what adds to the residual stream is scaled down for the `depth` of the stack."""
    if isinstance(module, Attention):
        width = module.out_proj.in_features
        nn.init.normal_(module.in_proj_weight, std=width**-0.5)
        nn.init.normal_(module.out_proj.weight, std=width**-0.5 * (2 * depth) ** -0.5)
    elif isinstance(module, MLP):
        width = module.c_fc.in_features
        nn.init.normal_(module.c_fc.weight, std=(2 * width) ** -0.5)
        nn.init.normal_(module.c_proj.weight, std=width**-0.5 * (2 * depth) ** -0.5)


class BagOfWords(nn.Module):
    """Tokens int64 [n, l] -> features [n, embed_dim]: the mean embedding of the tokens up to the end token, projected.

    The CBOW text encoder of the paper's pseudo-code (figure 3): word order does not matter.
    """

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(config.text.vocab_size, config.text.width)
        self.text_projection = projection(config)
        nn.init.normal_(self.token_embedding.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode tokens [n, l]; features come in the precision of the weights."""
        ends = end_positions(tokens)
        words = self.token_embedding(tokens) * up_to(ends, tokens.shape[1]).unsqueeze(-1)
        return project(words.sum(1) / (ends + 1).unsqueeze(1), self.text_projection)


def end_positions(tokens: Tensor) -> Tensor:
    """Find the end token of each text in tokens [n, l]: it has the largest id, and the first one counts; int64 [n]."""
    return tokens.argmax(dim=-1)


def trim(tokens: Tensor) -> Tensor:
    """Cut tokens [n, l] behind the last end token: what follows has no influence where attention is causal."""
    return tokens[:, : int(end_positions(tokens).max()) + 1] if tokens.numel() else tokens


def projection(config: CLIPConfig) -> nn.Parameter | nn.Linear:
    """Make the map from the text tower to the joint space: a matrix or, with a bias that starts at zero, a layer."""
    width, embed_dim = config.text.width, config.embed_dim
    if not config.text.projection_bias:
        return nn.Parameter(width**-0.5 * torch.randn(width, embed_dim))
    linear = nn.Linear(width, embed_dim)
    nn.init.normal_(linear.weight, std=width**-0.5)
    nn.init.zeros_(linear.bias)
    return linear


def project(x: Tensor, weights: nn.Parameter | nn.Linear) -> Tensor:
    """Map x [n, width] to the joint space, [n, embed_dim]."""
    return nn.functional.linear(x, weights.weight, weights.bias) if isinstance(weights, nn.Linear) else x @ weights
