"""The Vision Transformer: CLIP's (class token) and SigLIP's (attention pooling)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from clipsearch.model.configs import Activation, CLIPConfig, VisionConfig
from clipsearch.model.resnet import ModifiedResNet
from clipsearch.model.transformer import MLP, Attention, LayerNorm, Transformer


def image_tower(config: CLIPConfig) -> VisionTransformer | ModifiedResNet:
    """Make the image encoder of an architecture."""
    return ModifiedResNet(config) if config.vision.kind == "resnet" else VisionTransformer(config)


class VisionTransformer(nn.Module):
    """Pixels float [n, 3, size, size] -> features [n, embed_dim].

    CLIP, section 2.4: a LayerNorm before the blocks and one after them on the class token, whose linear map is the
    feature. SigLIP: no class token and no first LayerNorm; an attention pool makes the feature.
    """

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        vision, eps = config.vision, config.norm_eps
        width, patch = vision.width, vision.patch_size or 32
        self.conv1 = nn.Conv2d(3, width, patch, stride=patch, bias=vision.patch_bias)
        self.class_embedding = scaled(width, width) if vision.class_token else None
        self.positional_embedding = scaled(width, vision.positions, width)
        self.ln_pre = LayerNorm(width, eps) if vision.pre_norm else nn.Identity()
        self.transformer = blocks(vision, config.activation, eps)
        self.ln_post = LayerNorm(width, eps)
        self.attn_pool = MAPHead(vision, config.activation, eps) if vision.pool == "attention" else None
        self.proj = scaled(width, width, config.embed_dim) if vision.projection else None
        self.patch_dropout = 0.0  # share of the patches that are left out in training

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode pixels [n, 3, size, size]; features come in the precision of the weights."""
        return self.project(self.pool(self.ln_pre(self.thin(self.embed(pixels)))))

    def with_patches(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return, of one pass, the features and what the last block makes of the patches: [n, patches, width]."""
        x = self.ln_post(self.transformer(self.ln_pre(self.thin(self.embed(pixels)))))
        if self.attn_pool is None:
            return self.project(x[:, 0]), x[:, 1:]
        return self.project(self.attn_pool(x)), x

    def embed(self, pixels: Tensor) -> Tensor:
        """Cut pixels into patches and place them: [n, positions, width], the class token first."""
        patches: Tensor = self.conv1(pixels.to(self.conv1.weight.dtype)).flatten(2).transpose(1, 2)
        if self.class_embedding is not None:
            patches = torch.cat([self.class_embedding.expand(patches.shape[0], 1, -1), patches], dim=1)
        return patches + self.positional_embedding

    def thin(self, x: Tensor) -> Tensor:
        """Leave out a share of the patches of embedded x, others for each picture; only in training.

        The class token stays, and so does one patch. "Scaling Language-Image Pre-training via Masking" (FLIP, arXiv
        2212.00794), section 3.
        """
        if not (self.training and self.patch_dropout):
            return x
        extra = int(self.class_embedding is not None)
        patches = x.shape[1] - extra
        kept = max(1, round(patches * (1 - self.patch_dropout)))
        chosen = torch.rand(x.shape[0], patches, device=x.device).argsort(1)[:, :kept] + extra
        rows = torch.cat([chosen.new_zeros(x.shape[0], extra), chosen], dim=1)
        return x.gather(1, rows.unsqueeze(-1).expand(-1, -1, x.shape[2]))

    def pool(self, x: Tensor) -> Tensor:
        """Reduce embedded x [n, positions, width] to one feature a picture, [n, width]."""
        if self.attn_pool is None:
            pooled: Tensor = self.ln_post(self.transformer(x, first).squeeze(1))
        else:
            pooled = self.attn_pool(self.ln_post(self.transformer(x)))
        return pooled

    def project(self, pooled: Tensor) -> Tensor:
        """Map pooled [n, width] to the joint space, [n, embed_dim]."""
        return pooled if self.proj is None else pooled @ self.proj


def first(x: Tensor) -> Tensor:
    """Take the class token of x [n, l, width]: [n, 1, width]."""
    return x[:, :1]


class MAPHead(nn.Module):
    """Multi-head attention pooling: a learned probe attends to all positions, then a residual MLP.

    "Scaling Vision Transformers" (arXiv 2106.04560), section 3.2, as SigLIP uses it.
    """

    def __init__(self, vision: VisionConfig, activation: Activation, eps: float) -> None:
        super().__init__()
        self.probe = scaled(vision.width, 1, 1, vision.width)
        self.attn = Attention(vision.width, vision.heads)
        self.ln = LayerNorm(vision.width, eps)
        self.mlp = MLP(vision.width, vision.mlp_width, activation)

    def forward(self, x: Tensor) -> Tensor:
        """Reduce x [n, l, width] to [n, width]."""
        pooled = self.attn.read(x, self.probe.expand(x.shape[0], -1, -1))
        mapped: Tensor = pooled + self.mlp(self.ln(pooled))
        return mapped.squeeze(1)


def blocks(vision: VisionConfig, activation: Activation, eps: float) -> Transformer:
    """Make the tower's blocks, which start as torch's own layers do."""
    layers = vision.layers if isinstance(vision.layers, int) else sum(vision.layers)
    size = (vision.width, layers, vision.heads, vision.mlp_width)
    return Transformer(*size, activation=activation, eps=eps, causal=False)


def scaled(width: int, *shape: int) -> nn.Parameter:
    """Make a parameter of this shape with normal values of standard deviation width ** -0.5."""
    return nn.Parameter(width**-0.5 * torch.randn(*shape))
